"""What a rule is: a decorated function with a code, a page, and the causes that it explains."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from maas_stream_lint.look import Look

#: The level of a rule, by the first digit of its code.
LEVELS = {
    "1": "source",
    "2": "index",
    "3": "products file",
    "4": "product",
    "5": "version",
    "6": "item",
    "7": "file",
    "8": "signature",
}


def level_of(code: str) -> str:
    """``source``, ``index`` …, by the first digit of a code."""
    return LEVELS[code[3]]


def needs_files(code: str) -> bool:
    """Whether a rule judges image files, or the server that serves them."""
    return level_of(code) == "file" or code.startswith("MSL12")


#: The kinds of nodes that a rule can ask for.
NODES = ("stream", "index", "entry", "file", "product", "version", "item", "image")


class Said(NamedTuple):
    """What a rule says about one event or node."""

    message: str  #: one sentence in lower case, with the value and what was expected
    remedy: str
    place: Place | None = None  #: ``None``: the place of the event or node
    also: tuple[Place, ...] = ()  #: further places
    #: The release lines that it concerns; ``None``: all that the user asked for.
    lines: tuple[str, ...] | None = None
    severity: Severity | None = None  #: ``None``: the severity of the rule or of the event
    effect: str | None = None  #: what MAAS does, in one clause; ``None``: the event's effect
    log: str | None = None  #: the line that MAAS logs; ``None``: the event's line; ``""``: none


class Page(NamedTuple):
    """A rule's documentation: the sections of its docstring."""

    title: str
    maas: str  #: what MAAS does, per release line, with its source
    why: str
    fix: str
    example: str  #: an excerpt of the rule's fixture


class Rule(NamedTuple):
    """One rule."""

    code: str
    name: str
    severity: Severity  #: the worst one that it reports
    causes: tuple[str, ...]  #: the causes of simulated events that it explains
    at: str | None  #: the kind of node that an event's place is cut to
    on: str | None  #: the kind of node that it judges
    among: Callable[[Look], Sequence[Any]] | None  #: picks the nodes to judge
    check: Callable[..., Any]
    once: tuple[str, ...] = ()  #: its former names, which still work
    alone: bool = False  #: its finding makes every other finding pointless
    of_all: bool = False  #: it concludes from what the stream lacks, so all of it must be read

    @property
    def level(self) -> str:
        """``source``, ``index`` … by the code's hundreds."""
        return level_of(self.code)

    def is_called(self, said: str) -> bool:
        """Whether a code or a name, in upper or lower case, belongs to this rule."""
        return said.lower() in (self.code.lower(), self.name, *self.once)

    @property
    def page(self) -> Page:
        """The rule's documentation. Raises KeyError if a section is missing (a test holds that)."""
        text = inspect.cleandoc(self.check.__doc__ or "")
        parts = re.split(r"^(MAAS|Why|Fix|Example):[ \n]", text, flags=re.MULTILINE)
        found = {
            name: inspect.cleandoc(body).strip()
            for name, body in zip(parts[1::2], parts[2::2], strict=True)
        }
        return Page(parts[0].strip(), found["MAAS"], found["Why"], found["Fix"], found["Example"])


def rule(
    code: str,
    severity: Severity,
    *,
    causes: Sequence[str] | None = None,
    at: str | None = None,
    on: str | None = None,
    among: Callable[[Look], Sequence[Any]] | None = None,
    once: Sequence[str] = (),
    alone: bool = False,
    of_all: bool = False,
) -> Callable[[Callable[..., Any]], Rule]:
    """Make a function a rule.

    The function is called as ``f(event, look)`` for each simulated event with one of ``causes``.
    Without ``causes`` and ``on``, the rule's own name is the cause. With ``on``, the function is
    called as ``f(node, look)`` for each node of that kind. ``among`` can pick some of these nodes;
    it must be fast. The function yields Said, or nothing if nothing is wrong or if another rule
    explains the event. ``once``: former names of the rule. If a rule that is ``alone`` yields
    something, the report has no other finding. A rule ``of_all`` concludes from what the stream
    lacks: it is not asked if this run could not read some metadata.
    """

    def made(check: Callable[..., Any]) -> Rule:
        name = getattr(check, "__name__", "").replace("_", "-")
        explained = () if on is not None and causes is None else tuple(causes or (name,))
        assert on is None or on in NODES
        former = tuple(once)
        return Rule(code, name, severity, explained, at, on, among, check, former, alone, of_all)

    return made


#: The number of steps in the path of a node.
DEPTHS = {"file": 0, "entry": 2, "product": 2, "version": 4, "item": 6}


def cut(place: Place, at: str | None) -> Place:
    """The node of kind ``at`` around a place; the place itself for ``None``."""
    if at is None:
        return place
    return Place(place.file, place.path[: DEPTHS[at]])


def selected(
    rules: Iterable[Rule], select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> list[Rule]:
    """The rules that codes, prefixes of codes (``MSL4``) and names select. Former names count.

    Raises UsageError for a selector that means no rule.
    """
    known = list(rules)

    def meant(selectors: Sequence[str]) -> set[str]:
        codes = set()
        for given in selectors:
            wanted = given.strip()
            hits = {r.code for r in known if r.is_called(wanted) or _has_prefix(r.code, wanted)}
            if not hits:
                raise UsageError(f"no rule {given!r}", "see `maas-stream-lint rules`")
            codes |= hits
        return codes

    chosen = meant(select) if select else {r.code for r in known}
    chosen -= meant(ignore)
    return [r for r in known if r.code in chosen]


def _has_prefix(code: str, wanted: str) -> bool:
    return len(wanted) >= 3 and code.startswith(wanted.upper())
