"""Lines that belong together: a message and its traceback, or one line that was wrapped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.logs.dress import Record, undressed
from maas_stream_lint.logs.matching import recognise
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.logs.matching import Match

#: So many lines one line may have been broken into.
_MOST_WRAPPED = 4
#: So many lines of a traceback are looked at.
MOST_LINES = 400
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:: .*|:?)$")
_FRAMES = ('File "', "Traceback (", "The above exception", "During handling of", "--- <", "^", "~")


class Whole(NamedTuple):
    """One message, with the lines below it."""

    record: Record
    trace: tuple[str, ...]  #: the lines below, indentation kept
    taken: int  #: how many lines of the log it is

    @property
    def joined(self) -> str:
        """All its lines as one, for a line that was wrapped."""
        return " ".join(part.strip() for part in (self.record.text, *self.trace))


def folded(lines: Sequence[str]) -> Whole:
    """The first line, with those that go on with it."""
    record = undressed(lines[0])
    trace = [*record.more]
    taken = 1
    for line in lines[1:MOST_LINES]:
        below = undressed(line)
        ended = bool(trace) and trace[-1][:1] in ("\t", " ") and _RAISED.match(below.text)
        inside = any(t.lstrip().startswith("Traceback (") for t in trace)
        if below.ident not in (record.ident, "") or not (below.continues or (inside and ended)):
            break
        trace += [below.text, *below.more]
        taken += 1
    return Whole(record, tuple(trace), taken)


def unwrapped(lines: Sequence[str]) -> Whole | None:
    """A line that a terminal or a mail broke into several, none of which is known by itself."""
    if recognise(undressed(lines[0]).text, ours=True) is not None:
        return None
    for taken in range(2, min(len(lines), _MOST_WRAPPED) + 1):
        if recognise(undressed(lines[taken - 1]).text, ours=True) is not None:
            return None
        for joint in (" ", ""):
            record = undressed(joint.join(line.strip() for line in lines[:taken]))
            if recognise(record.text, ours=record.ours) is not None:
                return Whole(record, (), taken)
    return None


def raised(trace: Sequence[str]) -> Match | None:
    """The exception that a traceback ends in; of several the last one that is known."""
    for line in reversed(_exceptions(trace)):
        match = recognise(undressed(line).text, ours=True)
        if match is not None:
            return match
    return None


def last_line(trace: Sequence[str]) -> str:
    """The last line of a traceback that is no frame of it, ``""`` if there is none."""
    return (_exceptions(trace) or [""])[-1]


def _exceptions(trace: Sequence[str]) -> list[str]:
    """The lines of a traceback that are neither its frames nor code of them: those lie deeper."""
    depths = [_depth(line) for line in trace if line.strip()]
    least = min(depths, default=0)
    outer = [line.strip() for line in trace if line.strip() and _depth(line) == least]
    return [line for line in outer if not line.startswith(_FRAMES)]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
