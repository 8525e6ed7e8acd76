"""What the images are good for, as text: which machine commissions and deploys them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rich.text import Text

from maas_stream_lint.prospect import Served, Users
from maas_stream_lint.report.page import (
    COLORS,
    GOOD,
    LABEL,
    TITLE,
    Page,
    brief,
    some,
    span,
    styled,
)
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.look import Look


def write_served(page: Page, look: Look, machines: Sequence[str]) -> None:
    """The section on the use of the images."""
    page.line()
    page.line(styled("use of the images", TITLE))
    users, order = Users(look, machines), [release.line for release in all_releases()]
    found: dict[tuple[Served, ...] | None, list[str]] = {}
    for line in look.lines:
        found.setdefault(users.images(line), []).append(line)
    for images, lines in found.items():
        page.line()
        head = styled("MAAS ", LABEL)
        head.append(span(lines, order), TITLE)
        page.line(head)
        if not images:
            page.line(styled(_nothing(images, machines), LABEL), indent=2)
        for _, alike in itertools.groupby(images or (), key=lambda one: one.system):
            _write_system(page, list(alike))
    page.line()
    page.line(styled(f"Ubuntu's releases and titles: {ubuntu_releases().told}", LABEL))


def _write_system(page: Page, images: list[Served]) -> None:
    """The images of an operating system's release."""
    first = images[0]
    told = Text(brief(first.system))
    told.append(", in the UI: ", LABEL)
    told.append(brief(first.called))
    page.line(told, indent=2, hang=4)
    for one in images:
        told = Text(some([brief(name) for name in one.products]))
        told.append(" as ", LABEL)
        told.append(brief(one.architecture))
        page.line(told, indent=4, hang=6)
        for service in one.services:
            words = styled(f"{service.machine} ", LABEL)
            words.append(brief(service.words), GOOD if service.good else COLORS["unusable"])
            page.line(words, indent=6, hang=8)


def _nothing(images: tuple[Served, ...] | None, machines: Sequence[str]) -> str:
    if images is None:
        return "none: the import fails"
    return "none for these machines" if machines else "none"
