"""What was built, for people: each image with its place in MAAS, or the reason why it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint.output import Style, clean, printable_path
from maas_stream_lint.report.page import (
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    code,
    count,
    span,
    styled,
)

if TYPE_CHECKING:
    from maas_stream_lint.building.builder import Built
    from maas_stream_lint.building.fate import Fate
    from maas_stream_lint.building.parts import Refusal

_INDENT, _LABELS = 2, 9
#: What a stream needs that MAAS can import it and deploy from it.
_NEXT = "Serve the tree, and give MAAS http://SERVER/streams/v1/index.json as a boot source."
_KEEP = " Keep the source that has Ubuntu: MAAS commissions machines with it."


def render(built: Built, style: Style) -> str:
    """The products with what becomes of each, the refusals, and what to do next."""
    page = Page(style)
    page.hung(styled("tree ", LABEL), styled(printable_path(built.root), TITLE), 5)
    for fate in built.fates:
        _product(page, fate)
    for refusal in built.refusals:
        _refusal(page, refusal)
    page.line()
    _summary(page, built)
    return page.text()


def _product(page: Page, fate: Fate) -> None:
    product = fate.product
    page.line()
    page.line(Text(clean(product.image.path.name), TITLE))
    _field(page, "product", Text(clean(product.name)))
    _field(page, "version", Text(clean(product.version_name)))
    os, release = product.fields["os"], product.fields["release"]
    _field(page, "image", Text(clean(f"{os}/{release} for {product.fields['arch']}")))
    _field(page, "shows", Text(clean(f"below {fate.heading} as {fate.title}")))
    _field(page, "deploys", Text(f"MAAS {span(fate.deploys, fate.asked)}" if fate.deploys else "-"))
    for note in product.notes:
        _field(page, "note", code(note))


def _refusal(page: Page, refusal: Refusal) -> None:
    page.line()
    page.line(Text(clean(refusal.path.name), TITLE).append(" refused", COLORS["ignored"]))
    _field(page, "why", code(refusal.why))
    _field(page, "do", code(refusal.fix))
    if refusal.command is not None:
        page.verbatim(f"  {clean(refusal.command)}")


def _summary(page: Page, built: Built) -> None:
    told = Text()
    if built.written or not built.refusals:
        verb = "built" if built.written else "would build"
        told.append(f"{verb} {count(len(built.fates), 'product')}", GOOD)
    if built.refusals:
        refused = len({refusal.path for refusal in built.refusals})
        told.append(" · " if told else "")
        told.append(f"{count(refused, 'image')} refused", COLORS["ignored"])
    told.append("" if built.written else " · nothing was written")
    page.line(told, hang=2)
    if built.written:
        page.line(_NEXT + _KEEP * all(fate.product.boot is None for fate in built.fates))


def _field(page: Page, label: str, text: Text | str) -> None:
    page.field(label, text, indent=_INDENT, width=_LABELS)
