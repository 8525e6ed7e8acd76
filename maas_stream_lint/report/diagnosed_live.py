"""A live MAAS in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.report.diagnosed import Block, Item
from maas_stream_lint.report.phrases import brief, count, some
from maas_stream_lint.source.address import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.logs.live import ImageFate, Live

#: So many images of one state are named; of those in trouble, each with its cause.
MOST_NAMED = 12


def live_blocks(live: Live) -> list[Block]:
    """What a MAAS says of itself, its sources and its images."""
    return [
        Block("", (Item("", tuple(_maas(live))),)),
        Block("Images in trouble", tuple(_trouble(image) for image in live.troubled)),
        Block("Other images", tuple(_others(live))),
    ]


def live_verdict(live: Live) -> str:
    """How many images are in trouble, as far as its sources could be read."""
    if live.unread and all(fate.report is None for fate in live.sources):
        return "No source of this MAAS could be checked, so nothing is known of its images."
    number = len(live.troubled)
    told = count(number, "image") if number else "No image"
    known = "of the sources that were checked" if live.unread else "of this MAAS"
    return f"{told} {known} {'are' if number > 1 else 'is'} in trouble."


def _maas(live: Live) -> Iterator[tuple[str, str]]:
    state = live.state
    yield "MAAS", f"{brief(state.version)} at {brief(state.url)}"
    if state.line is None:
        yield "", f"{brief(state.version)} is not known to this tool: judged as {live.line}"
    if state.importing:
        yield "", "an import is running, so images may be incomplete for now"
    for number, fate in enumerate(live.sources):
        found = (
            "not checked" if fate.report is None else count(len(fate.report.findings), "finding")
        )
        chosen = count(len(fate.source.selections), "selection")
        yield (
            "source" if number == 0 else "",
            f"{brief(shown(fate.source.url))} · {chosen} · {found}",
        )
        for note in fate.notes:
            yield "", brief(note)


def _trouble(image: ImageFate) -> Item:
    return Item(
        f"{brief(image.name)} {brief(image.arch)}: {image.state}", tuple(_fields(image)), bad=True
    )


def _fields(image: ImageFate) -> Iterator[tuple[str, str]]:
    finding = image.finding
    if finding is not None:
        yield "cause", f"{finding.code} {finding.name}: {finding.message}"
        yield "fix", finding.remedy
    elif image.state == "incomplete":
        lacking = (
            some([f"`{brief(file)}`" for file in image.missing]) if image.missing else "a file"
        )
        yield "cause", f"MAAS has not downloaded {lacking}"
        yield "fix", "diagnose the log of MAAS for the download: `--log FILE`"
    elif image.state == "gone from the stream":
        yield (
            "cause",
            "no source of this MAAS offers it; MAAS keeps its copy, which gets no updates",
        )
        yield "fix", "add it to the stream, or remove its selection in MAAS"
    else:
        yield "fix", "start an import: `maas $PROFILE boot-resources import`"


def _others(live: Live) -> Iterator[Item]:
    states: dict[str, list[str]] = {}
    for image in live.images:
        if image not in live.troubled:
            states.setdefault(image.state, []).append(f"{brief(image.name)} {brief(image.arch)}")
    for state, names in states.items():
        yield Item(f"{state}: {some(names, MOST_NAMED)}")
