"""What a run removed from a stream, for people, and the freed bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint.output import Style, clean, printable_path
from maas_stream_lint.report.page import GOOD, LABEL, TITLE, Page, count, styled
from maas_stream_lint.report.phrases import size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_stream_lint.building.pruning import Pruned

#: So many files are named.
_MOST = 10


def render(done: Pruned, style: Style) -> str:
    """The versions, then the files."""
    page = Page(style)
    page.hung(styled("tree ", LABEL), styled(printable_path(done.root), TITLE), 5)
    if done.versions:
        page.line()
        page.line(styled("Removed from the metadata", TITLE))
        for version in done.versions:
            page.line(Text(clean(f"{version.product}  {version.version}")), indent=2)
    _files(page, "Deleted files", done.deleted)
    _files(page, "Files that a later run deletes (see --older)", done.waiting)
    _files(page, "Files that no metadata names; --orphans deletes them", done.strangers)
    page.line()
    told = styled(count(len(done.versions), "version"), GOOD)
    told.append(f" removed · {count(len(done.deleted), 'file')} deleted, {_size(done.deleted)}")
    if done.waiting:
        told.append(f" · {count(len(done.waiting), 'file')} waiting, {_size(done.waiting)}")
    told.append("" if done.written else " · nothing was changed (dry run)")
    page.line(told, hang=2)
    return page.text()


def _files(page: Page, title: str, files: Mapping[str, int]) -> None:
    if not files:
        return
    page.line()
    page.line(styled(f"{title}: {_size(files)}", TITLE), hang=2)
    for path in sorted(files)[:_MOST]:
        page.line(Text(clean(path)), indent=2)
    if len(files) > _MOST:
        page.line(styled(f"and {len(files) - _MOST:,} more", LABEL), indent=2)


def _size(files: Mapping[str, int]) -> str:
    return size(sum(files.values()))
