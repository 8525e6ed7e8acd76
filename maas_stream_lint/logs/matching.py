"""The message that matches a text best, or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.logs import anchors
from maas_stream_lint.logs.messages import HOLE, Message, Pattern, message
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_stream_lint.logs.anchors import Anchor

#: ``builtins.KeyError: ``, ``temporalio.exceptions.ApplicationError: ``.
_RAISED = re.compile(
    r"(?:(?:[A-Za-z_]\w*\.)*[A-Z]\w*"
    r"(?:Error|Exception|Failure|Timeout|Checksum|Version|Returned|DoesNotExist)?:\s*)+"
)
_MODULES = re.compile(r"(?:[A-Za-z_]\w*\.)+")
_QUOTES = "\"'`“”\u2018\u2019"
#: So long a line may have been cut by whoever carried it.
_MAY_BE_CUT = 1000
_SHORTEST_HEAD = 15


class Match(NamedTuple):
    """A text that was recognised."""

    message: Message
    pattern: Pattern
    text: str  #: what was recognised of it
    holes: dict[str, str]
    maas: tuple[str, ...]  #: the release lines that word it so

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that find the cause; ``KeyError: 'arch'`` is about the one field."""
        field = self.holes.get("field", "").replace("_", "-")
        narrowed = tuple(rule for rule in self.message.rules if field and field in rule)
        return narrowed or self.message.rules

    @property
    def inner(self) -> Match | None:
        """What the error is that it quotes, if that is known."""
        return recognise(self.holes.get("error", ""), ours=True)

    @property
    def cause(self) -> Match:
        """What the text says of the cause: the error that it quotes, else itself."""
        inner = self.inner
        return self if inner is None else inner.cause


def recognise(
    text: str, *, ours: bool | None = None, among: Iterable[Anchor] | None = None
) -> Match | None:
    """The message that a text is, ``None`` if it is none that is known.

    ``ours``: whether a part of MAAS says it; ``None`` if nothing tells. Texts that other programs
    say as well are taken for MAAS's only where nothing speaks against it. ``among``: the anchors
    that are known to be in the text, if somebody has looked for them already.
    """
    bare = text.strip()
    if len(bare) > 1 and bare[0] in _QUOTES and bare[-1] in _QUOTES:
        quoted = recognise(bare[1:-1], ours=ours, among=among)
        if quoted is not None:
            return quoted
    found = [
        (start, -pattern.literal, name, number, holes)
        for name, number, pattern, start, holes in _fits(bare, ours, among)
    ]
    if not found:
        return None
    start, _, name, number, holes = min(found, key=lambda fit: fit[:4])
    known = message(name)
    best = known.patterns[number]
    alike = {n for s, _, m, n, _ in found if m == name and s == start}
    lines = {line for n in alike for line in known.patterns[n].maas} if best.shared else best.maas
    match = Match(known, best, bare, holes, tuple(x for x in known.maas if x in lines))
    if best.wraps:
        inner = recognise(holes[HOLE.findall(best.text)[-1]], ours=True)
        return inner or match
    return match


def loosely(text: str) -> Match | None:
    """The message whose words a text has, or begins with, though not what varies in it.

    For text that people type from memory. The tool does not match lines of a log like this.
    """
    words = _words(text)
    if len(words) < _SHORTEST_HEAD:
        return None
    for anchor in anchors.anchors():
        if _words(anchor.text).startswith(words):
            known = message(anchor.name)
            pattern = known.patterns[anchor.number]
            return Match(known, pattern, text.strip(), {}, pattern.maas)
    return None


def _words(text: str) -> str:
    """A text without holes, placeholders and marks."""
    bare = re.sub(r"\{[^}]*\}|<[^>]*>", " ", text)
    return " ".join(re.sub(r"[^\w/-]+", " ", bare).split()).lower()


def prefixed(text: str) -> str:
    """A line as it stands in MAAS's log: ``maas.import-images: [warn] Ignoring …``."""
    match = recognise(text)
    return f"{match.pattern.prefix}{text}" if match is not None else text


def _fits(
    text: str, ours: bool | None, among: Iterable[Anchor] | None
) -> Iterable[tuple[str, int, Pattern, int, dict[str, str]]]:
    """Every pattern that fits, with where it does and what is in its holes."""
    head = _RAISED.match(text)
    raised = head.end() if head is not None else 0
    for _, name, number, _ in anchors.candidates(text) if among is None else among:
        pattern = message(name).patterns[number]
        fit = _fit(pattern, text, raised, ours)
        if fit is not None:
            yield name, number, pattern, max(0, fit[0] - raised), fit[1]


def _fit(
    pattern: Pattern, text: str, raised: int, ours: bool | None
) -> tuple[int, dict[str, str]] | None:
    if pattern.shared and ours is False:
        return None
    for found in pattern.regex.finditer(text):
        holes = found.groupdict()
        start, end = found.span()
        allowed = all(holes[hole] in values for hole, values in pattern.allowed.items())
        if allowed and _edge(text, start) and _told(pattern, text, start, end, raised, ours):
            return start, holes
    return _cut(pattern, text)


def _edge(text: str, start: int) -> bool:
    return start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())


def _told(
    pattern: Pattern, text: str, start: int, end: int, raised: int, ours: bool | None
) -> bool:
    """Whether a text that other programs say, too, stands where MAAS would say it."""
    if not pattern.shared:
        return True
    led = start == 0 or start <= raised or _MODULES.fullmatch(text[:start]) is not None
    if pattern.inside:
        return led or ours is True or raised > 0
    return led and (end == len(text) or text[end:].strip(" .!'\"`)]}") == "")


def _cut(pattern: Pattern, text: str) -> tuple[int, dict[str, str]] | None:
    """Whether a very long text is the beginning of a message, its end lost on the way."""
    if len(text) < _MAY_BE_CUT or pattern.shared:
        return None
    head = HOLE.split(pattern.text)[0].rstrip()
    start = text.find(head) if len(head) >= _SHORTEST_HEAD else -1
    if start < 0:
        return None
    holes = dict.fromkeys(HOLE.findall(pattern.text), "")
    return start, holes
