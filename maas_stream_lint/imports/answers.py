"""The questions on which release lines may differ, asked by name and remembered.

A simulated import is a function of the answers it was given. A later line that would answer all of
them alike has the same import, so it need not be simulated again.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_stream_lint.rulebook import Release


class Answers(dict[tuple[Any, ...], Any]):
    """One release line's answers by question: a name, then arguments. It keeps all it was asked."""

    def __init__(self, release: Release) -> None:
        """Nothing is asked yet."""
        super().__init__()
        self.release = release
        self._alike = [release]

    def __missing__(self, question: tuple[Any, ...]) -> Any:
        """Work out the answer."""
        answer = self[question] = QUESTIONS[question[0]](self.release, *question[1:])
        return answer

    def shared_by(self, release: Release) -> bool:
        """Whether another line would have given the very same answers; it is remembered if so."""
        if release.data["engine"] != self.release.data["engine"]:
            return False
        # Most answers rest on data that lines have in common: those need not be asked for again.
        open_ = {
            name
            for name, rests_on in GROUNDS.items()
            if all(rests_on(release) != rests_on(known) for known in self._alike)
        }
        same = all(
            QUESTIONS[question[0]](release, *question[1:]) == answer
            for question, answer in self.items()
            if question[0] in open_
        )
        if same:
            self._alike.append(release)
        return same


def _named(release: Release, kind: str, product: str) -> bool:
    return release.names[kind].search(product) is not None


def _boots(release: Release, type_: str, os: str | None, arch: str | None) -> bool:
    return (type_, os, arch) in release.bootloaders


def _ftype(release: Release, ftype: str) -> bool:
    return ftype in release.ftypes


def _policy(release: Release, name: str) -> Any:
    value = release.policy(name)
    return tuple(value) if isinstance(value, list) else value


def _too_long(release: Release, column: str, length: int) -> int | None:
    """The column's width if a text of ``length`` does not fit."""
    limit = release.limit(column)
    return limit if limit is not None and length > limit else None


def _refusal(release: Release, said: str) -> str:
    """``EXCEPTION: TEXT`` of what the database says to a text that it does not store."""
    return release.refusal(said)


def _subarch(release: Release, subarch: str, kflavor: str | None) -> str:
    """The subarch joined with its kernel flavour, as in the boot resource's architecture.

    Mirrors ``get_or_create_boot_resource`` (src/maasserver/bootresources.py) and
    ``_from_simplestreams_multi_file_product`` (3.8, maasservicelayer/builders/bootresources.py).
    """
    rule = release.policy("flavour")
    if rule == "not-subarch":
        if kflavor in (subarch, "generic") or not ("hwe-" in subarch or "ga-" in subarch):
            return subarch
        if subarch.endswith("-edge"):
            return f"{subarch.removesuffix('-edge')}-{kflavor}-edge"
        return f"{subarch}-{kflavor}"
    if kflavor is None or kflavor == "generic":
        return subarch
    if rule == "subarch-prefix":
        applies, edge = subarch.startswith(("hwe-", "ga-")), "edge" in subarch
    else:
        applies = ("hwe-" in subarch or "ga-" in subarch) and kflavor not in subarch
        edge = subarch.endswith("-edge")
    if not applies:
        return subarch
    if edge:
        parts = subarch.split("-")
        return "-".join([*parts[:-1], kflavor, parts[-1]])
    return f"{subarch}-{kflavor}"


def _maas_supported(release: Release, text: str) -> tuple[str, str]:
    """``("fits" | "newer" | "unparsable", the version as MAAS words it)``.

    Mirrors ``insert_item`` (src/maasserver/bootresources.py): up to 3.5 ``parse_version`` takes
    any text, and what is no version sorts before all.
    """
    try:
        wanted = Version(text)
    except InvalidVersion:
        return ("unparsable" if release.policy("maas-supported") == "strict" else "fits", text)
    return ("newer" if wanted > Version(release.version) else "fits", str(wanted))


def _support_eol(release: Release, text: str) -> bool:
    """Whether the cache can store a ``support_eol``.

    Mirrors ``_update_cache`` (src/maasserver/bootsources.py). An empty text is not parsed there
    but refused by the date field.
    """
    if not text:
        return False
    if release.policy("support-eol") == "strptime":
        return _parses(lambda: datetime.strptime(text, "%Y-%m-%d"))
    return _parses(lambda: _django_date(text))


def _django_date(text: str) -> date:
    """A date as Django 2.2's ``parse_date`` takes it: digits, one or two for month and day."""
    import re

    match = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})$", text)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(part) for part in match.groups())
    return date(year, month, day)


def _parses(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except ValueError:
        return False
    return True


QUESTIONS: dict[str, Callable[..., Any]] = {
    "named": _named,
    "boots": _boots,
    "ftype": _ftype,
    "policy": _policy,
    "too-long": _too_long,
    "refusal": _refusal,
    "subarch": _subarch,
    "maas-supported": _maas_supported,
    "support-eol": _support_eol,
}

#: What of a release's data the answers to a question rest on.
GROUNDS: dict[str, Callable[[Release], Any]] = {
    "named": lambda release: release.data["names"],
    "boots": lambda release: release.data["bootloaders"],
    "ftype": lambda release: release.policy("ftypes"),
    "policy": lambda release: release.data["import"],
    "too-long": lambda release: release.data["limits"],
    "refusal": lambda release: release.data["database"],
    "subarch": lambda release: release.policy("flavour"),
    "maas-supported": lambda release: (release.version, release.policy("maas-supported")),
    "support-eol": lambda release: release.policy("support-eol"),
}
