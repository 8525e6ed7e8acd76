"""What MAAS does when one stream takes the place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.boot_sources import BootSource, read_situation
from maas_stream_lint.errors import UsageError
from maas_stream_lint.garbage import uncollected
from maas_stream_lint.imports.joint import simulate_situations
from maas_stream_lint.imports.verdicts import second_verdict, several_verdict
from maas_stream_lint.keyring import NOT_SAID
from maas_stream_lint.records import record
from maas_stream_lint.rulebook import releases
from maas_stream_lint.selecting import default_selections

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from maas_stream_lint.boot_sources import Given
    from maas_stream_lint.imports.situation import ReadSource, Situation
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.keyring import GivenKeyring
    from maas_stream_lint.source import FetchOptions
    from maas_stream_lint.stream import Stream

#: How a single source is called where nobody named it.
ONLY = "stream"


@record(frozen=True)
class Comparison:
    """Two imports of one MAAS on each release line, one after the other."""

    before: Situation
    after: Situation
    #: First and second import, for the release lines that import alike.
    outcomes: tuple[tuple[Outcome, Outcome], ...]
    lines: tuple[str, ...]  #: that were asked for, oldest first
    several: bool  #: whether there are several sources, or names for them

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of both sides that MAAS reaches."""
        return (*self.before.streams, *self.after.streams)

    def of(self, line: str) -> tuple[Outcome, Outcome]:
        """The two imports of a release line."""
        return next(pair for pair in self.outcomes if line in pair[0].lines)

    def to_dict(self) -> dict[str, Any]:
        """``{"before": …, "after": …, "maas": {LINE: VERDICT, …}}``, see
        ``rules/schemas/compare.json``.
        """
        return {
            "before": self._label(self.before),
            "after": self._label(self.after),
            "maas": {line: self._verdict(self.of(line)[1]) for line in self.lines},
        }

    def _verdict(self, outcome: Outcome) -> dict[str, Any]:
        return several_verdict(outcome, first=False) if self.several else second_verdict(outcome)

    def _label(self, situation: Situation) -> Any:
        if self.several:
            return {source.name: source.url for source in situation.sources}
        return situation.sources[0].stream.label


def compare(
    before: str | os.PathLike[str] | Sequence[BootSource | ReadSource],
    after: str | os.PathLike[str] | Sequence[BootSource | ReadSource],
    maas: Iterable[str] | None = None,
    selections: Given = None,
    keyring: GivenKeyring = NOT_SAID,
    *,
    changes: Iterable[Sequence[str]] = (),
    commissioning: tuple[str, str] | None = None,
    options: FetchOptions | None = None,
) -> Comparison:
    """Say what each release line does when ``after`` replaces ``before``.

    MAAS imports ``before``, all downloads succeed, and then it imports ``after`` from the same URL.
    Each is a directory, an index or a URL, or a list of BootSource. In a list, each source has its
    own ``selections`` and ``keyring``. ``changes`` then lists what somebody did between the
    imports, in order, as ``[[what, name], …]``. ``selections``: see ``check``; with ``None``, all
    that the source can serve. ``commissioning``: the os and release that MAAS commissions with.

    Raises LintError if it cannot read a source, UsageError because of an argument.
    """
    chosen = releases(maas)
    several = not _is_one(before) or not _is_one(after)
    if several and (_is_one(before) or _is_one(after)):
        raise UsageError("one of two is a list of sources", "give two sources, or two lists")
    with uncollected():
        old = read_situation(
            _sources(before, selections, keyring, options), commissioning=commissioning
        )
        new = read_situation(
            _sources(after, selections, keyring, options),
            commissioning=commissioning,
            changes=changes,
        )
        defaults = {release.line: default_selections(release) for release in chosen}
        outcomes = simulate_situations([old, new], chosen, defaults)
    return Comparison(
        old,
        new,
        tuple((first, second) for first, second in outcomes),
        tuple(release.line for release in chosen),
        several,
    )


def _is_one(side: Any) -> bool:
    return not isinstance(side, (list, tuple))


def _sources(
    side: Any,
    selections: Given,
    keyring: GivenKeyring,
    options: FetchOptions | None,
) -> Sequence[BootSource | ReadSource]:
    if _is_one(side):
        return [BootSource(ONLY, side, selections=selections, keyring=keyring, options=options)]
    sources: Sequence[BootSource | ReadSource] = side
    return sources
