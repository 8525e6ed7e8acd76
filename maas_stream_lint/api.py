"""The library's questions: what is wrong, what MAAS imports, and what it can do with the images."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks import all_rules
from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Finding, Severity
from maas_stream_lint.garbage import uncollected
from maas_stream_lint.image_files import inspect_files
from maas_stream_lint.images.observation import FileOptions, Survey
from maas_stream_lint.keyring import NOT_SAID
from maas_stream_lint.look import Look, look_at
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.names import MODES
from maas_stream_lint.records import field, record, replace
from maas_stream_lint.rule import needs_files, selected
from maas_stream_lint.rulebook import releases
from maas_stream_lint.source import open_source
from maas_stream_lint.stream import load
from maas_stream_lint.unread import find_unread
from maas_stream_lint.unselected import judged
from maas_stream_lint.uses import simulate as simulate_use
from maas_stream_lint.uses.chosen_kernel import System
from maas_stream_lint.uses.simulation import Settings
from maas_stream_lint.uses.ubuntu import ubuntu_releases

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from maas_stream_lint.beside import Beside
    from maas_stream_lint.boot_sources import BootSource, Given
    from maas_stream_lint.fixing.suggestions import Suggestion
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.imports.situation import ReadSource, Situation
    from maas_stream_lint.imports.trace import Outcome
    from maas_stream_lint.keyring import GivenKeyring
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.source import FetchOptions, Unchecked
    from maas_stream_lint.stream import Stream
    from maas_stream_lint.unread import Unread
    from maas_stream_lint.uses.simulation import Simulation

#: Version of the JSON report. Within one, members may be added; none is removed or renamed.
REPORT_VERSION = 1
#: What MAAS commissions with if nobody says otherwise.
COMMISSIONING: tuple[str, str] = Settings().commissioning
#: The name of the source that is checked, where it has others beside it.
OWN = "this source"


class SetAside(NamedTuple):
    """The numbers of findings that a configuration and a baseline removed from a report."""

    excused: int = 0  #: findings that an ignore excuses, on all release lines or some
    known: int = 0  #: findings that are in the baseline, likewise
    gone: int = 0  #: findings of the baseline that are gone


@record(frozen=True)
class Report:
    """The findings on one source."""

    source: str
    look: Look
    findings: tuple[Finding, ...]
    set_aside: SetAside | None = None  #: ``None``: neither ignores nor a baseline applied
    #: All findings with their own severities, if ``findings`` was changed.
    untouched: tuple[Finding, ...] | None = None
    asked: frozenset[str] | None = None  #: codes of the rules that ran; ``None``: all
    #: The configuration files whose settings changed this report.
    configured: tuple[str, ...] = ()
    narrowed: bool = False  #: whether only the image files of some products were checked
    #: What `fixing.suggestions` planned, for formats that show it.
    edits: Mapping[Finding, Sequence[Suggestion]] = field(default_factory=dict)

    @property
    def facts(self) -> tuple[Finding, ...]:
        """All findings on the stream, before a configuration or baseline changed them."""
        return self.findings if self.untouched is None else self.untouched

    @property
    def worst(self) -> Severity | None:
        """The highest severity found."""
        return max((f.severity for f in self.findings), default=None)

    @cached_property
    def unread(self) -> tuple[Unread, ...]:
        """The documents that the run could not read or parse. Nothing hides them."""
        return find_unread(self.look)

    @cached_property
    def by_plain_index(self) -> Report | None:
        """The report on the URL of the plain index, if the checked root URL has no other index.

        ``None`` for all other sources.
        """
        look = self.look.by_plain_index
        if look is None:
            return None
        rules = [r for r in all_rules() if self.asked is None or r.code in self.asked]
        return replace(self, source=look.stream.label, look=look, findings=judged(look, rules))

    @cached_property
    def unchecked(self) -> tuple[Unchecked, ...]:
        """What this run could not look at: metadata and image files. Such a run never passes."""
        survey = self.look.survey
        return (*self.look.stream.unchecked, *(survey.unchecked if survey is not None else ()))

    def looked_for(self, codes: Iterable[str], mode: str = MODES[-1]) -> bool:
        """Whether this run could have reported findings of any of these rules.

        ``mode``: how closely the run must have checked image files for that.
        """
        if self.unread or self.look.stream.truncated:
            return False
        survey = self.look.survey
        closely = (
            survey is not None
            and MODES.index(survey.mode) >= MODES.index(mode)
            and not (survey.interrupted or survey.skipped or self.narrowed)
        )
        asked = (code for code in codes if self.asked is None or code in self.asked)
        return any(closely or not needs_files(code) for code in asked)

    def to_dict(self, *, findings: bool = True) -> dict[str, Any]:
        """The report as in ``rules/schemas/report.json``. ``findings``: whether to include them."""
        count = Counter(f.severity for f in self.findings)
        catalog = self.look.catalog
        return {
            "version": REPORT_VERSION,
            "source": self.source,
            "summary": {
                "maas": list(self.look.lines),
                "files": len(self.look.stream.files),
                "products": len(catalog.products),
                "findings": len(self.findings),
                **{s.label: count[s] for s in sorted(Severity, reverse=True)},
                "images": self._images(),
                **({} if self.set_aside is None else {"set_aside": self.set_aside._asdict()}),
                **({"configuration": list(self.configured)} if self.configured else {}),
                **({"unread": [u._asdict() for u in self.unread]} if self.unread else {}),
            },
            "findings": [f.to_dict() for f in self.findings] if findings else [],
        }

    def _images(self) -> dict[str, Any]:
        survey = self.look.survey or Survey("none")
        return {
            "mode": survey.mode,
            "looked_at": len(survey.files),
            "hashed": survey.hashed,
            "bytes_read": survey.read,
            "skipped": len(survey.skipped),
            **({"unkept": survey.unkept} if survey.unkept else {}),
            "metadata_only": survey.metadata_only,
            "interrupted": survey.interrupted,
        }


@record(frozen=True)
class Preview:
    """What each release line does with one source if MAAS selects everything."""

    source: str
    look: Look

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The one stream."""
        return (self.look.stream,)

    def to_dict(self) -> dict[str, Any]:
        """``{"source": …, "maas": {LINE: VERDICT, …}}``, see ``rules/schemas/preview.json``."""
        verdicts = {line: t.to_verdict() for t in self.look.traces for line in t.lines}
        look = self.look.by_plain_index
        return {
            "source": self.source,
            "maas": {line: verdicts[line] for line in self.look.lines},
            **({} if look is None else {"with_index": Preview(look.stream.label, look).to_dict()}),
        }


@record(frozen=True)
class ToldPreview:
    """What each release line does with known selections or several sources."""

    situation: Situation
    outcomes: tuple[Outcome, ...]  #: one for the release lines that import alike
    lines: tuple[str, ...]  #: that were asked for, oldest first
    several: bool  #: whether there are several sources, or names for them
    #: The same with the URL of the plain index, where a root URL has no other index.
    by_plain_index: ToldPreview | None = None

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of the sources that MAAS reaches."""
        return self.situation.streams

    def of(self, line: str) -> Outcome:
        """The import of a release line."""
        return next(outcome for outcome in self.outcomes if line in outcome.lines)

    def to_dict(self) -> dict[str, Any]:
        """``{"source": …, "maas": {LINE: VERDICT, …}}``, see ``rules/schemas/preview.json``."""
        from maas_stream_lint.imports.verdicts import chosen_verdict, several_verdict

        sources = self.situation.sources
        other = self.by_plain_index
        more = {} if other is None else {"with_index": other.to_dict()}
        if self.several:
            return {
                "source": {source.name: source.url for source in sources},
                "maas": {line: several_verdict(self.of(line), first=True) for line in self.lines},
                **more,
            }
        return {
            "source": sources[0].stream.label,
            "maas": {line: chosen_verdict(self.of(line)) for line in self.lines},
            **more,
        }


@record(frozen=True)
class Use:
    """What each release line can do with the images that it imports from one source."""

    source: str
    look: Look
    simulations: dict[str, Simulation | None]  #: by release line; ``None``: the import fails
    today: date

    def to_dict(self) -> dict[str, Any]:
        """``{"source": …, "known_releases": …, "maas": {LINE: VERDICT, …}}``.

        See ``rules/schemas/use.json``.
        """
        return {
            "source": self.source,
            "known_releases": ubuntu_releases().to_dict(),
            "maas": {r.line: self._verdict(r) for r in self.look.releases},
        }

    def _verdict(self, release: Release) -> dict[str, Any]:
        trace = next(t for t in self.look.traces if release.line in t.lines)
        simulation = self.simulations[release.line]
        if simulation is None:
            return {"fatal": trace.to_verdict()["fatal"], "resources": []}
        from maas_stream_lint.uses.use_verdict import verdict

        said = verdict(simulation, release, self.today)
        return said | {"aborted": trace.to_verdict()["aborted"]} if trace.strict else said


def check(
    source: str | os.PathLike[str] | BootSource,
    maas: Iterable[str] | None = None,
    keyring: GivenKeyring = NOT_SAID,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    options: FetchOptions | None = None,
    files: str | FileOptions | None = None,
    progress: Progress | None = None,
    selections: Given = None,
    commissioning: tuple[str, str] | None = None,
    beside: Sequence[BootSource | ReadSource] = (),
) -> Report:
    """Say what is wrong with a stream, for which release lines, and what to do about it.

    ``source``: a directory, a path of an index or products file, or an ``http(s)://`` URL. A
    directory is a tree of files: without a signed index, the plain index counts. It can also be a
    BootSource with its own keyring, selections and options. ``maas``: release lines, all of them
    for ``None``. ``keyring``: the boot source's keyring. Without this argument the keyring is
    unknown, and the check assumes that signatures are valid. ``None``: MAAS has none, so MAAS 3.7
    and older refuse a signed index. ``select``, ``ignore``: rules by code, prefix or name.
    ``files``: how closely the check looks at image files: ``none``, ``head`` or ``download``, or
    FileOptions for more. With ``None``, it reads and hashes the files of a directory, unless that
    has only metadata. Of a URL it requests the first bytes of each file. ``progress``: hears of
    each file. ``selections``: what MAAS has selected of the source: a list of ``{"os", "release",
    "arches", "subarches", "labels"}``. The last three are lists, by default ``["*"]``. ``[]``:
    there is no selection. ``"default"``: what a new MAAS of each release line selects. ``None``:
    unknown, so MAAS selects everything. ``commissioning``: the os and release that MAAS commissions
    with. ``beside``: the boot sources of the same MAAS, in the order in which MAAS got them. If
    ``source`` is not one of them, it came last.

    Raises LintError if the check is not possible (UsageError: because of an argument).
    """
    rules = selected(all_rules(), select, ignore)
    how = files if isinstance(files, FileOptions) else FileOptions(mode=files)
    from maas_stream_lint.boot_sources import BootSource

    if isinstance(source, BootSource):
        own = source
    else:
        own = BootSource(OWN, source, selections=selections, keyring=keyring, options=options)
    with uncollected():
        look = _look(
            *(own.source, maas, own.keyring, own.options, how, progress),
            *(own.selections, commissioning),
            as_tree=True,
            known=_known(own, beside),
        )
        if beside:
            look.beside = _beside(own, beside, look)
        return Report(
            look.stream.label,
            look,
            judged(look, rules),
            asked=frozenset(rule.code for rule in rules),
            narrowed=bool(how.only),
        )


def _known(own: BootSource, beside: Sequence[BootSource | ReadSource]) -> Stream | None:
    """The stream of a source, if it is already read."""
    from maas_stream_lint.imports.situation import ReadSource

    read = (source for source in beside if isinstance(source, ReadSource) and not source.down)
    return next((source.stream for source in read if source.name == own.name), None)


def _beside(own: BootSource, beside: Sequence[BootSource | ReadSource], look: Look) -> Beside:
    """The MAAS with all its sources, one of them already read."""
    from maas_stream_lint.beside import Beside
    from maas_stream_lint.boot_sources import read_situation, read_source, with_stream
    from maas_stream_lint.imports.situation import ReadSource

    others = [source for source in beside if source.name != own.name]
    place = next((n for n, source in enumerate(beside) if source.name == own.name), len(others))
    sources = [
        source if isinstance(source, ReadSource) else read_source(source, as_tree=True)
        for source in others
    ]
    mine = read_source(own, as_tree=True) if own.down else with_stream(own, look.stream)
    sources.insert(place, mine)
    return Beside(
        own.name, read_situation(sources, commissioning=look.commissioning), look.releases
    )


def preview(
    source: str | os.PathLike[str] | Sequence[BootSource | ReadSource],
    maas: Iterable[str] | None = None,
    keyring: GivenKeyring = NOT_SAID,
    *,
    selections: Given = None,
    commissioning: tuple[str, str] | None = None,
    options: FetchOptions | None = None,
) -> Preview | ToldPreview:
    """Say what each release line would do with a stream.

    ``source``: also a list of BootSource, each with its own selections and keyring.
    Other arguments and errors as for ``check``.
    """
    if not isinstance(source, (str, PathLike)):
        return _told_preview(source, maas, commissioning, several=True)
    if selections is not None:
        from maas_stream_lint.boot_sources import BootSource

        only = BootSource("stream", source, selections=selections, keyring=keyring, options=options)
        return _told_preview([only], maas, commissioning, several=False)
    with uncollected():
        look = _look(source, maas, keyring, options, FileOptions(mode="none"), None)
    return Preview(look.stream.label, look)


def _told_preview(
    sources: Sequence[BootSource | ReadSource],
    maas: Iterable[str] | None,
    commissioning: tuple[str, str] | None,
    *,
    several: bool,
) -> ToldPreview:
    from maas_stream_lint.boot_sources import read_situation

    lines = releases(maas)
    with uncollected():
        situation = read_situation(sources, commissioning=commissioning, migrated=not several)
        told = _told(situation, lines, several=several)
        other = situation.by_plain_index()
        if other is None:
            return told
        return replace(told, by_plain_index=_told(other, lines, several=several))


def _told(situation: Situation, lines: tuple[Release, ...], *, several: bool) -> ToldPreview:
    from maas_stream_lint.imports.joint import simulate_situations
    from maas_stream_lint.selecting import default_selections

    defaults = {release.line: default_selections(release) for release in lines}
    outcomes = simulate_situations([situation], lines, defaults)
    return ToldPreview(
        situation,
        tuple(outcome for (outcome,) in outcomes),
        tuple(release.line for release in lines),
        several,
    )


def use(
    source: str | os.PathLike[str],
    maas: Iterable[str] | None = None,
    keyring: GivenKeyring = NOT_SAID,
    *,
    selections: Given = None,
    commissioning: tuple[str, str] = COMMISSIONING,
    machines: Iterable[str] | None = None,
    min_hwe_kernel: str | None = None,
    today: date | None = None,
    options: FetchOptions | None = None,
) -> Use:
    """Say what each release line can commission and deploy with the images of a stream.

    The simulation assumes that all downloads succeed. ``commissioning``: the operating system and
    release that MAAS commissions with. ``machines``: their architectures, ``amd64/generic``; with
    ``None``, ``ARCH/generic`` of every architecture that has an image. ``min_hwe_kernel``: the
    minimum kernel of each machine. ``today``: the day on which Ubuntu supports a release or not.
    Other arguments and errors as for ``check``.
    """
    tried = tuple(machines or ())
    for machine in tried:
        if machine.count("/") != 1:
            raise UsageError(f"no architecture of a machine: {machine!r}", "write amd64/generic")
    with uncollected():
        look = _look(source, maas, keyring, options, FileOptions(mode="none"), None, selections)
        settings = Settings(System(*commissioning), tried, min_hwe_kernel)
        simulations = simulate_use(look.traces, look.releases, settings)
    return Use(look.stream.label, look, simulations, today or date.today())


def _look(
    source: str | os.PathLike[str],
    maas: Iterable[str] | None,
    keyring: GivenKeyring,
    options: FetchOptions | None,
    files: FileOptions,
    progress: Progress | None,
    selections: Given = None,
    commissioning: tuple[str, str] | None = None,
    *,
    as_tree: bool = False,
    known: Stream | None = None,
) -> Look:
    lines = releases(maas)
    chosen = None
    if selections is not None:
        from maas_stream_lint.boot_sources import selections_by_line

        chosen = selections_by_line(selections, lines)
    opened = open_source(source, options=options, as_tree=as_tree)
    try:
        stream = load(opened, keyring) if known is None else known
        look = look_at(stream, lines, chosen, commissioning)
        look.survey = inspect_files(look, opened, files, options, progress)
    finally:
        opened.close()
    return look
