"""What products are good for, in the HTML report: by release lines that say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint import prospect
from maas_stream_lint.report import web
from maas_stream_lint.report.phrases import span
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Collection

    from maas_stream_lint.look import Look
    from maas_stream_lint.prospect import Served
    from maas_stream_lint.report.groups import Owner


class Goods:
    """What the images of some products are good for."""

    def __init__(self, look: Look, wanted: Collection[Owner]) -> None:
        """``wanted``: the products that somebody will ask for."""
        users = prospect.Users(look)
        self._lines = look.lines
        self._used = {line: users.by_product(line, wanted) for line in look.lines}

    def told(self, owner: Owner) -> str:
        """A list of release lines, each with what machines make of the product; or nothing."""
        alike: dict[tuple[Served, ...], list[str]] = {}
        for line in self._lines:
            images = self._used[line].get(owner, ())
            if images:
                alike.setdefault(images, []).append(line)
        items = "".join(
            f"<dt>MAAS {span(lines, release_lines())}</dt><dd>{''.join(map(web.use, images))}</dd>"
            for images, lines in alike.items()
        )
        return f'<dl class="uses">{items}</dl>' if items else ""
