"""The edits that fix a stream, each proven by a new check. Other modules write them.

The plan makes an edit only if a new check proves it. Its finding must be gone, and there must be no
new finding. No release may do less with any product than before, except what the edit says that it
removes.
"""

from __future__ import annotations

import json
from copy import copy
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks import all_rules
from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.fixing import documents, items, products, usable
from maas_stream_lint.fixing.batch import compatible, with_lists
from maas_stream_lint.fixing.file_survey import FileSurvey, alike, changed
from maas_stream_lint.fixing.jsontext import ChangeError, Set, apply, diff
from maas_stream_lint.fixing.overlay import Overlay, plain_path
from maas_stream_lint.fixing.proof import (
    harm_of,
    is_moved,
    moves_of,
    objection_to,
    spot,
    warnings_of,
)
from maas_stream_lint.fixing.proposal import CHOICE, DROP, SIGN, UNSAFE, Context, Proposal
from maas_stream_lint.fixing.registry import FIXERS
from maas_stream_lint.fixing.signing import has_secret
from maas_stream_lint.garbage import uncollected
from maas_stream_lint.look import look_at
from maas_stream_lint.records import record, replace
from maas_stream_lint.source import LocalTree, open_source
from maas_stream_lint.stream import INDEX_JSON, load
from maas_stream_lint.unselected import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.fixing.batch import Wanted
    from maas_stream_lint.fixing.jsontext import Change
    from maas_stream_lint.images.observation import Survey
    from maas_stream_lint.stream import Metadata

#: Modules that register fixers.
MODULES = (documents, products, items, usable)
#: One fix may reveal another problem. This many rounds are enough for any stream.
ROUNDS = 12
#: The plan tries at most this many harmful edits one by one.
FEW = 8
#: Bytes of metadata that may be checked again for that, over all edits.
SPARE = 8_000_000


@record(frozen=True)
class Edit:
    """One edit: what the tool writes, where, why, and which consent it needs."""

    code: str
    name: str
    what: str  #: what is written, one clause
    reason: str  #: the message of the finding that it fixes
    place: Place  #: of the finding, as the stream was before this edit
    changes: tuple[tuple[str, Change], ...]  #: file and change, in order
    added: tuple[str, ...] = ()  #: paths of new metadata files
    #: products, versions and items that the edit renames or removes (``None``)
    moved: tuple[tuple[Place, Place | None], ...] = ()
    consent: str | None = None  #: the flag that it needs; ``None``: it is safe
    warning: str | None = None  #: what MAAS does only after the edit

    def to_dict(self) -> dict[str, Any]:
        """The edit in the form of ``rules/schemas/fix.json``."""
        return {
            "code": self.code,
            "name": self.name,
            "what": self.what,
            "reason": self.reason,
            "safe": self.consent in (None, SIGN),
            "consent": self.consent,
            "warning": self.warning,
            "place": self.place.to_dict(),
            "changes": [
                {"file": file, "kind": type(change).__name__.lower(), **_said(change)}
                for file, change in self.changes
            ],
            "added": list(self.added),
            "moved": [
                {"from": _pointed(old), "to": None if new is None else _pointed(new)}
                for old, new in self.moved
            ],
        }


@record(frozen=True)
class Plan:
    """What the tool would write, and the report on the stream after that."""

    before: Report
    after: Report
    edits: tuple[Edit, ...]
    files: dict[str, bytes]  #: changed and new metadata files: path → what is written
    refused: tuple[Edit, ...]  #: edits that need a flag that the user did not give
    failed: tuple[Edit, ...]  #: edits that the plan tried, and that do harm or fix nothing
    signed_elsewhere: bool = False  #: somebody else has signed it, so no edit is offered

    @property
    def originals(self) -> dict[str, bytes]:
        """The present content of the changed files, without new files."""
        known = self.before.look.stream.files
        return {p: b for p in self.files if p in known and (b := known[p].answer.body) is not None}

    @property
    def image_files(self) -> list[str]:
        """The paths of all files that the fixed metadata names, each once."""
        versions = self.after.look.catalog.all_versions
        return list(dict.fromkeys(i.path for v in versions for i in v.items if i.path))

    def to_dict(self) -> dict[str, Any]:
        """The plan in the form of ``rules/schemas/fix.json``."""
        return {
            "version": 1,
            "source": self.before.source,
            "edits": [edit.to_dict() for edit in self.edits],
            "refused": [edit.to_dict() for edit in self.refused],
            "failed": [edit.to_dict() for edit in self.failed],
            "files": sorted(self.files),
            "before": self.before.to_dict()["summary"],
            "after": self.after.to_dict()["summary"],
            "left": [finding.to_dict() for finding in self.after.findings],
            **self._with_index(),
        }

    def _with_index(self) -> dict[str, Any]:
        """The same for the stream's plain index, if its root URL has no other."""
        before, after = self.before.by_plain_index, self.after.by_plain_index
        if before is None or after is None:
            return {}
        told = {
            "source": after.source,
            "before": before.to_dict()["summary"],
            "after": after.to_dict()["summary"],
            "left": [finding.to_dict() for finding in after.findings],
        }
        return {"with_index": told}


def fix(
    report: Report,
    unsafe: bool = False,
    drop_broken: bool = False,
    *,
    signs: bool = False,
    only: Iterable[str] | None = None,
    chosen: Callable[[Context], Iterable[tuple[Finding, Proposal]]] | None = None,
    now: datetime | None = None,
    told: Callable[[int], object] = lambda count: None,
) -> Plan:
    """Plan the edits that fix the findings of a report. Write nothing.

    ``unsafe``: also edits that a user may regret. ``drop_broken``: also remove products and
    versions that block others. ``signs``: whether the tool will sign the result, so that it may
    edit signed files. ``only``: names of rules whose findings to fix; by default all findings of
    the report. ``chosen``: proposals that the user chose; the plan makes them after the others.

    ``told``: gets, before each check, the number of edits that the check proves.

    Raises UsageError if no plan for the stream is possible.
    """
    with uncollected():
        planner = _Planner(report, now or datetime.now(timezone.utc), signs=signs)
        planner.told = told
        granted = {flag for flag, given in ((UNSAFE, unsafe), (DROP, drop_broken)) if given}
        elsewhere = not signs and signed_by_others(report)
        try:
            if elsewhere:
                return replace(planner.plan(), signed_elsewhere=True)
            planner.run(granted, None if only is None else frozenset(only), chosen)
            return planner.proven()
        finally:
            planner.close()


def checked_with(report: Report, proposals: Sequence[Proposal]) -> Report:
    """The report on a stream with these edits, whether they help or not.

    Raises LintError for an impossible edit.
    """
    with uncollected():
        planner = _Planner(report, datetime.now(timezone.utc), signs=True)
        try:
            return planner.supposed(proposals)
        finally:
            planner.close()


class _Planner:
    """The rounds of proposing, applying and checking."""

    def __init__(self, report: Report, now: datetime, *, signs: bool) -> None:
        # All rules prove an edit, whichever rules the report used.
        self._given = report
        self._before = report = replace(report, findings=_by_all_rules(report))
        self._now = now
        self._signs = signs
        stream = report.look.stream
        self._start = stream.start
        self._tree = local_tree(report)
        self._files = FileSurvey(self._tree, report.look.survey)
        self._texts: dict[str, str] = {}
        self._report = report
        self._edits: list[Edit] = []
        self._refused: dict[tuple[str, str], Edit] = {}
        self._failed: dict[tuple[str, str], Edit] = {}
        self._objection: str | None = None  # to the last edit that was tried by itself
        self._granted: set[str] = set()
        self._round = 0  # edits made before it
        self.told: Callable[[int], object] = lambda count: None
        self._lists = True  # whether lists of products follow
        self.made: list[Wanted] = []
        self._size = sum(len(file.answer.body or b"") for file in stream.files.values())
        self._spare = SPARE

    def close(self) -> None:
        """Keep what was hashed."""
        self._files.close()

    def plan(self) -> Plan:
        """What came of it."""
        left = {(f.code, f.message) for f in self._report.findings}
        return Plan(
            self._before,
            self._report,
            tuple(self._edits),
            {path: text.encode("utf-8", "surrogatepass") for path, text in self._texts.items()},
            tuple(e for e in self._refused.values() if (e.code, e.reason) in left),
            tuple(e for e in self._failed.values() if (e.code, e.reason) in left),
        )

    def proven(self) -> Plan:
        """The plan after a check of the whole, which sees all that a later check sees.

        If image files have changed meanwhile, and that check shows new harm, the plan has no edit.
        """
        if not self._edits:
            return self.plan()
        proof = self._report
        survey = self._files.whole(proof.look)
        if alike(survey, proof.look.survey):
            return self.plan()
        self._report = self._checked(self._texts, self._start, survey)
        unseen = _grave(self._report) - _grave(proof)
        if not unseen or not changed(proof.look.survey, survey):
            return self.plan()
        code, message = min(unseen)
        warning = f"image files changed meanwhile, and a check of the whole shows {code}: {message}"
        failed = tuple(replace(edit, warning=warning) for edit in self._edits)
        return Plan(self._before, self._before, (), {}, tuple(self._refused.values()), failed)

    def run(
        self,
        granted: set[str],
        only: frozenset[str] | None,
        chosen: Callable[[Context], Iterable[tuple[Finding, Proposal]]] | None,
    ) -> None:
        """Fix until no more fix is possible."""
        if only is None and len(self._given.findings) < len(self._before.findings):
            only = frozenset(f.name for f in self._given.findings)
        self._granted = granted
        self._rounds(only)
        if chosen is not None:  # now, since it may name products by what was just written
            self._granted = granted | {CHOICE}
            self._try(list(chosen(self._context())))
            self._rounds(only)

    def supposed(self, proposals: Sequence[Proposal]) -> Report:
        """A report on the stream with these edits."""
        texts = self._applied(with_lists(proposals, self._report.look))
        return self._checked(texts, self._start)

    def _rounds(self, only: frozenset[str] | None) -> None:
        for _ in range(ROUNDS):
            context = self._context()
            proposals = [
                (finding, _owned_up(proposal, context))
                for finding in self._report.findings
                if finding.name in FIXERS and (only is None or finding.name in only)
                for proposal in FIXERS[finding.name](finding, context)
                if _is_json(proposal) and not self._is_respelt(proposal)
            ]
            if not self._try(proposals):
                return

    def _is_respelt(self, proposal: Proposal) -> bool:
        """Whether it edits a file that the stream has by its plain path as well."""
        known = self._report.look.stream.files
        files = {part.file for part in proposal.parts}
        return any(plain_path(file) != file and plain_path(file) in known for file in files)

    def _context(self) -> Context:
        report = self._report
        return Context(report.look, report.findings, self._tree, self._files.images, self._now)

    def _try(self, proposals: Sequence[tuple[Finding, Proposal]]) -> bool:
        """Make the allowed edits that help, and say whether another round may make more."""
        wanted: list[Wanted] = []
        seen: set[tuple[Any, ...]] = set()
        for finding, proposal in proposals:
            edit = _edit(finding, proposal)
            key = (edit.place.file + edit.place.pointer, edit.what)
            lacking = self._lacking(proposal)
            if lacking is not None:
                self._refused.setdefault(key, replace(edit, consent=lacking))
            elif key not in self._failed and (parts := _parts(proposal)) not in seen:
                seen.add(parts)
                wanted.append((finding, proposal))
        self._round = len(self._edits)
        chosen, known = compatible(wanted), len(self._failed)
        made = bool(chosen) and self._make(chosen)
        # A postponed edit may help now, because the edit before it has failed.
        return made or (len(chosen) < len(wanted) and len(self._failed) > known)

    def _lacking(self, proposal: Proposal) -> str | None:
        """The flag that an edit needs and that the user did not give."""
        if proposal.consent is not None and proposal.consent not in self._granted:
            return proposal.consent
        changed = {*(part.file for part in proposal.parts), *proposal.added}
        return SIGN if not self._signs and any(map(self._is_signed, changed)) else None

    def _is_signed(self, path: str) -> bool:
        """Whether there is a signature of a file, which an edit would make invalid."""
        file = self._before.look.stream.files.get(path)
        return file is not None and signature_of(file) is not None

    def _make(self, wanted: list[Wanted]) -> bool:
        """Make the edits that help; say whether there were any.

        The search for harmful edits uses a small stream with only the harmed products.
        """
        harm = self._harm_of(wanted)
        if not harm:
            return True
        moves = moves_of(wanted)
        bad = [spot(finding.place, moves) in harm for finding, _ in wanted]
        suspects = [each for each, marked in zip(wanted, bad, strict=True) if marked]
        if not suspects or not self._is_worth_a_trial(suspects):
            return self._halve(wanted, harm)
        trial = self._trial(suspects, harm)
        trial._halve(suspects)
        good = {id(proposal) for _, proposal in trial.made}
        batch = [w for w, marked in zip(wanted, bad, strict=True) if not marked or id(w[1]) in good]
        self._failed |= trial._failed
        if len(batch) == len(wanted):  # the small stream shows no harm, and the whole one is known
            return self._halve(batch, harm)
        return bool(batch) and self._halve(batch)

    def _is_worth_a_trial(self, suspects: list[Wanted]) -> bool:
        """Whether the edits concern a few products of a large stream, and change nothing else."""
        products = {finding.place.path[:2] for finding, _ in suspects}
        inside = all(
            finding.place.product is not None
            and not proposal.added
            and all(part.change.path[:2] == finding.place.path[:2] for part in proposal.parts)
            for finding, proposal in suspects
        )
        return inside and len(products) * FEW < len(self._report.look.catalog.products)

    def _trial(self, suspects: list[Wanted], harm: set[tuple[str, str]]) -> _Planner:
        """A planner for a stream with the products of these edits, and the harmed ones."""
        kept = {(finding.place.file, finding.place.product) for finding, _ in suspects} | harm
        trial = copy(self)
        trial._edits, trial._failed, trial.made, trial._lists = [], {}, [], False
        trial._round, trial._spare = 0, SPARE
        trial._texts = dict(self._texts)
        for file in self._report.look.catalog.files:
            names = {product.name: product.raw for product in file.products}
            data = self._context().data(file.path)
            held = {n: raw for n, raw in names.items() if (file.path, n) in kept}
            trial._texts[file.path] = json.dumps({**data, "products": held})
        trial._size = sum(map(len, trial._texts.values()))
        trial._report = self._checked(trial._texts, self._start)
        return trial

    def _halve(self, wanted: list[Wanted], harm: set[tuple[str, str]] | None = None) -> bool:
        """Make all edits at once if that does no harm; else first those of unharmed products.

        ``harm``: the harmed products, if known.
        """
        harm = self._harm_of(wanted) if harm is None else harm
        if not harm:
            return True
        if len(wanted) == 1:
            self._fail(wanted)
            return False
        moves = moves_of(wanted)
        products = [spot(finding.place, moves) for finding, _ in wanted]
        parts = _split(wanted, [product in harm for product in products])
        if parts is None:  # one edit of each product first, so that it shows which does the harm
            known: set[tuple[str, str]] = set()
            again = [p in known or bool(known.add(p)) for p in products]  # type: ignore[func-returns-value]
            parts = _split(wanted, again)
        if parts is None and harm.issuperset(products) and not self._may_try(len(wanted)):
            self._fail(wanted)
            return False
        half = len(wanted) // 2
        first, second = parts or (wanted[:half], wanted[half:])
        count = len(self.made)
        made = self._halve(first)
        # If all of the first are made, the second leads to the result that was just seen.
        seen = len(second) > 1 and len(self.made) == count + len(first)
        harmed = seen and harm.issuperset(spot(finding.place, moves) for finding, _ in second)
        return self._halve(second, harm if harmed else None) or made

    def _may_try(self, count: int) -> bool:
        """Whether the plan tries this many edits one by one, each of which may do harm.

        Each needs a new check, and that takes long for a large stream.
        """
        if count > FEW or self._spare < count * self._size:
            return False
        self._spare -= count * self._size
        return True

    def _fail(self, wanted: list[Wanted]) -> None:
        """Do not try these again, except edits whose places another edit has moved since."""
        moves = dict(move for edit in self._edits[self._round :] for move in edit.moved)
        objection = self._objection if len(wanted) == 1 else None
        for finding, proposal in wanted:
            if any(is_moved(place, moves) for place in _places(finding, proposal)):
                continue  # the next round proposes them anew
            edit = replace(_edit(finding, proposal), warning=objection)
            self._failed[(edit.place.file + edit.place.pointer, edit.what)] = edit

    def _harm_of(self, wanted: list[Wanted]) -> set[tuple[str, str]]:
        """Make them all, unless they do harm: then the harmed products."""
        self.told(len(self._edits) + len(wanted))
        given, self._objection = wanted, None
        if self._lists:
            followed = with_lists([proposal for _, proposal in wanted], self._report.look)
            wanted = [(f, p) for (f, _), p in zip(wanted, followed, strict=True)]
        try:
            texts = self._applied([proposal for _, proposal in wanted])
        except ChangeError:
            return {("", "")}
        start = self._start
        for _, proposal in wanted:
            start = next((p for p in proposal.added if p == INDEX_JSON), start)
        after = self._checked(texts, start)
        harm = harm_of(self._report, after, wanted)
        if harm:
            if len(wanted) == 1:
                self._objection = objection_to(self._report, after, *wanted[0])
            return harm
        self.made += given
        warnings = warnings_of(self._report, after, wanted)
        self._edits += [
            replace(_edit(finding, proposal), warning=warning)
            for (finding, proposal), warning in zip(wanted, warnings, strict=True)
        ]
        self._texts, self._report, self._start = texts, after, start
        return set()

    def _applied(self, proposals: Iterable[Proposal]) -> dict[str, str]:
        texts = dict(self._texts)
        changes: dict[str, list[Change]] = {}
        for proposal in proposals:
            for part in proposal.parts:
                changes.setdefault(part.file, []).append(part.change)
            for path, data in proposal.added.items():
                texts[path] = json.dumps(data, indent=1) + "\n"
        for file, several in changes.items():
            texts[file] = apply(self._text(file, texts), several)
        return texts

    def _text(self, file: str, texts: dict[str, str]) -> str:
        if file in texts:
            return texts[file]
        metadata = self._report.look.stream.files[file]
        document = metadata.best
        if document is None or document.fatal is not None:
            raise ChangeError(f"{file} can't be read")
        return document.text

    def _checked(self, texts: dict[str, str], start: str, survey: Survey | None = None) -> Report:
        before = self._before.look
        edited = {p: t.encode("utf-8", "surrogatepass") for p, t in texts.items()}
        own = None if start == before.stream.start else start
        overlay = Overlay(before.stream, self._tree, edited, own, signs=self._signs)
        stream = load(overlay, before.stream.keyring, overlay.known)
        look = look_at(stream, before.releases, before.selections, before.commissioning)
        look.survey = survey or self._files.of(look, self._report.look.survey)
        look.beside = before.beside and before.beside.with_own(stream)
        return replace(self._before, look=look, findings=judged(look, all_rules()))


def _grave(report: Report) -> set[tuple[str, str]]:
    """What costs something, by code and message."""
    return {(f.code, f.message) for f in report.findings if f.severity > Severity.WARNING}


def _by_all_rules(report: Report) -> tuple[Finding, ...]:
    """The report of all rules on a stream, whichever rules an earlier report used."""
    codes = frozenset(rule.code for rule in all_rules())
    if report.asked is not None and report.asked >= codes:
        return report.facts
    return judged(report.look, all_rules())


def of_rules(plan: Plan, rules: frozenset[str]) -> Plan:
    """The plan with only the findings of these rules."""
    asked = frozenset(rule.code for rule in all_rules() if rule.name in rules)
    before, after = (
        replace(report, asked=asked, findings=tuple(f for f in report.findings if f.name in rules))
        for report in (plan.before, plan.after)
    )
    return replace(plan, before=before, after=after)


def local_tree(report: Report) -> LocalTree | None:
    """The tree on disk of a report; ``None`` for a server, and for a tree that is gone."""
    if "://" in report.look.stream.base:
        return None
    try:
        opened = open_source(report.source)
    except UsageError:
        return None
    return opened if isinstance(opened, LocalTree) else None


def _owned_up(proposal: Proposal, context: Context) -> Proposal:
    """An edit that overwrites an object or a list is never safe, whatever its fixer says."""
    for file, change in proposal.parts:
        if proposal.consent is None and isinstance(change, Set):
            held = context.at(Place(file, change.path))
            if isinstance(held, (dict, list)) and held and type(held) is not type(change.value):
                return replace(proposal, consent=UNSAFE)
    return proposal


def _is_json(proposal: Proposal) -> bool:
    """Whether all that a proposal writes is JSON: Python also reads, and writes, ``NaN``."""
    values = [part.change.value for part in proposal.parts if isinstance(part.change, Set)]
    try:
        json.dumps([values, proposal.added], allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def _places(finding: Finding, proposal: Proposal) -> list[Place]:
    """Where a finding is, and what its edit changes."""
    changed = [Place(part.file, part.change.path) for part in proposal.parts]
    return [Place(finding.place.file, finding.place.path), *changed]


def _parts(proposal: Proposal) -> tuple[Any, ...]:
    return (tuple(map(repr, proposal.parts)), tuple(proposal.added))


def _edit(finding: Finding, proposal: Proposal) -> Edit:
    return Edit(
        finding.code,
        finding.name,
        proposal.what,
        finding.message,
        finding.place,
        tuple((part.file, part.change) for part in proposal.parts),
        tuple(proposal.added),
        proposal.renamed,
        proposal.consent,
    )


def _pointed(place: Place) -> dict[str, str]:
    return {"file": place.file, "pointer": place.pointer}


def _said(change: Change) -> dict[str, Any]:
    said: dict[str, Any] = {"pointer": Place("", change.path).pointer}
    if isinstance(change, Set):
        said["value"] = change.value
    for name in ("key", "to"):
        if hasattr(change, name):
            value = getattr(change, name)
            said[name] = value if isinstance(value, str) else Place("", value).pointer
    return said


def _split(wanted: list[Wanted], later: list[bool]) -> tuple[list[Wanted], list[Wanted]] | None:
    """Two parts, the second with the marked edits; ``None`` if one is empty."""
    if len(set(later)) < 2:
        return None
    pairs = list(zip(wanted, later, strict=True))
    return [w for w, marked in pairs if not marked], [w for w, marked in pairs if marked]


def signed_by_others(report: Report) -> bool:
    """Whether a stream is signed, and the user cannot sign it again.

    That is so for a server, and for a tree whose signing key is not in the user's gpg.
    """
    stream = report.look.stream
    start = stream.files.get(stream.start)
    if start is None or signature_of(start) is None:
        return False
    if "://" in stream.base:
        return True
    seen = (start.verification, start.detached_verification)
    keys = [v.key_id for v in seen if v is not None and v.key_id is not None]
    return bool(keys) and not any(map(has_secret, keys))


def signature_of(file: Metadata) -> str | None:
    """The path of the signature that an edit of a metadata file would make invalid."""
    if file.signed:
        return file.path
    if file.twin is not None and file.twin.path.endswith(".sjson"):
        return file.twin.path
    return f"{file.path}.gpg" if file.detached is not None else None


def diff_of(plan: Plan) -> str:
    """All edits as one unified diff, that ``patch -p1`` takes."""
    known = plan.before.look.stream.files
    texts = []
    for path, body in sorted(plan.files.items()):
        before = plan.originals.get(path, b"").decode("utf-8", "surrogateescape")
        if path in known and known[path].signed and (document := known[path].best) is not None:
            before = document.text  # the file gets a new signature
        texts.append(diff(path, before, body.decode("utf-8", "surrogateescape")))
    return "".join(texts)
