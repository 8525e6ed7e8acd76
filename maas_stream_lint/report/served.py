"""Where a stream is served, and how MAAS gets to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.page import LABEL, TITLE, Page, styled
from maas_stream_lint.rulebook import all_releases

if TYPE_CHECKING:
    from collections.abc import Sequence


def render(url: str, commands: Sequence[str], style: Style) -> str:
    """The URL, then the commands, with a word on ``$ID``."""
    page = Page(style)
    page.hung(styled("serving ", LABEL), styled(clean(url), TITLE), 8)
    page.line()
    page.line("Add it to MAAS; $ID is the id that the first command prints:")
    for command in commands:
        page.verbatim(f"  {clean(command)}")
    strict = [r.line for r in all_releases() if r.policy("signatures") == "every-document"]
    if strict:
        page.line()
        page.line(
            f"MAAS {', '.join(strict)} also needs `skip_keyring_verification` on for a source that "
            "is not signed."
        )
    return page.text()
