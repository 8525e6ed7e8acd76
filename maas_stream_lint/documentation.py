"""The address of the documentation's site. All links in reports begin with it.

The environment variable overrides the configuration, which overrides ``ADDRESS``. While there is no
address, reports name the command that shows the same: ``explain``.
"""

from __future__ import annotations

import os
import re

from maas_stream_lint.errors import UsageError

#: The URL of the published site. Empty: it is published nowhere. A fork names its own site here.
ADDRESS = ""
#: The environment variable that replaces it, for example on an intranet; empty: no links.
VARIABLE = "MAAS_STREAM_LINT_DOCS_URL"
#: The key of the configuration that replaces it.
KEY = "docs-url"
#: What is no URL of a site needs this.
HINT = "give an http, https or file URL without a query, or leave it empty"

_URL = r"(?:https?://[^\s/]+|file://)(?:/[^\s?#]*)?"
_configured: str | None = None


def configure(url: str | None) -> None:
    """Take the address of a configuration for this process; ``None``: it has none."""
    global _configured
    _configured = url


def is_site(text: str) -> bool:
    """Whether a text is the URL of a site, or empty."""
    url = text.strip()
    return not url or bool(re.fullmatch(_URL, url, re.ASCII) and url.isprintable())


def address() -> str:
    """The URL of the site, with a slash at its end; empty if there is none.

    Raises UsageError if the variable holds no http, https or file URL.
    """
    given = os.environ.get(VARIABLE, ADDRESS if _configured is None else _configured).strip()
    if not is_site(given):
        raise UsageError(f"{VARIABLE} is no URL of a site: {given[:80]!r}", HINT)
    return given.rstrip("/") + "/" if given else ""


def rule_url(name: str) -> str | None:
    """The URL of a rule's page; ``None`` while there is no address. Raises UsageError as above."""
    site = address()
    return f"{site}rules/{name}/" if site else None
