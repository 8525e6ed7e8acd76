"""The heading and title under which MAAS offers a release."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    from datetime import date

    from maas_stream_lint.rulebook import Release


def heading(release: Release, os: str) -> str:
    """What the driver calls its system, or the bare name."""
    titles: dict[str, str] = release.data["titles"]
    return titles.get(os, os) if os in release.drivers else os


def title(release: Release, os: str, name: str, today: date) -> str:
    """What the deploy form calls a release. Mirrors ``get_release_title`` (drivers/osystem).

    ``today``: a release of Ubuntu has a title from the day on which its development began.
    """
    if os not in release.drivers:
        return f"{os}/{name}"
    if os == "ubuntu":
        known = (r for r in ubuntu_releases().releases if r.created <= today)
        return next((r.title for r in known if r.series == name), name)
    rules: dict[str, Any] | None = release.data["release-titles"].get(os)
    return name if rules is None else _worded(rules, heading(release, os), name)


def _worded(rules: dict[str, Any], os: str, name: str) -> str:
    if "names" in rules:
        return str(rules["names"].get(name, name))
    fitting = _pattern(rules["pattern"]).fullmatch(name)
    if fitting is None:
        return str(rules["otherwise"].format(os=os, release=name))
    found = {part: text for part, text in fitting.groupdict().items() if text is not None}
    product = found.get("product", "").lower()
    told = rules["products"].get(product, product.title()) if "products" in rules else os
    minor = found.get("minor")
    if {minor, f"{found.get('major')}.{minor}"} & set(rules.get("hidden-minor", ())):
        del found["minor"]
    forms = {**rules["parts"], "minor": rules.get("minor-of", {}).get(product, ".{}")}
    return str(told) + "".join(
        forms[part].format(found[part]) for part in rules["parts"] if part in found
    )


@lru_cache(maxsize=32)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
