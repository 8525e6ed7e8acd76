"""What changed with each MAAS release line, in sentences, from ``rules/releases`` and ``changes.toml``."""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rule_files import release_lines
from maas_stream_lint.rulebook import all_releases

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maas_stream_lint.rulebook import Release

#: What stands for itself, and is told elsewhere on the page.
LEFT_OUT = ("line", "version", "models")
#: What is no value.
_NOTHING: tuple[Any, ...] = (None, "", 0, [], {})


class Run(NamedTuple):
    """Neighbouring release lines that have one value of a key."""

    lines: tuple[str, ...]
    value: Any

    @property
    def when(self) -> str:
        """``From 3.6 on``, ``Up to 3.4``, ``From 3.5 to 3.7``, ``On 3.5``."""
        known = release_lines()
        first, last = self.lines[0], self.lines[-1]
        if last == known[-1]:
            return f"From {first} on"
        if first == known[0]:
            return f"Up to {last}"
        return f"On {first}" if first == last else f"From {first} to {last}"


def leaves(data: dict[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its value: ``KEY`` at the top, ``TABLE.KEY`` in a table."""
    for key, value in data.items():
        path = f"{at}.{key}".strip(".")
        if isinstance(value, dict) and not at:
            yield from leaves(value, path)
        else:
            yield path, value


def differing() -> list[str]:
    """The keys that do not have one value on all lines, in the order of the files."""
    data = [dict(leaves(release.data)) for release in all_releases()]
    keys = dict.fromkeys(key for one in data for key in one)
    return [
        key
        for key in keys
        if key.partition(".")[0] not in LEFT_OUT
        and any(one.get(key) != data[0].get(key) for one in data)
    ]


def sections(headings: Mapping[str, str]) -> Iterator[str]:
    """A heading and lists for each release line after the first, the newest first.

    ``headings``: table of a release file → what it is about.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for key in differing():
        for line, text in changes(key):
            about = headings.get(key.partition(".")[0], "the release as a whole")
            found.setdefault(line, {}).setdefault(about, []).append(text)
    for line in reversed(release_lines()[1:]):
        yield f"## What came with {line}"
        if line not in found:
            yield "Nothing of what this tool knows."
        for about, texts in found.get(line, {}).items():
            yield f"**{about[:1].upper()}{about[1:]}**"
            yield "\n".join(f"- {text}" for text in dict.fromkeys(texts))


def runs(key: str, value_of: Callable[[Release, str], Any]) -> list[Run]:
    """The values of a key, oldest first."""
    found: list[Run] = []
    for release in all_releases():
        value = value_of(release, key)
        if found and found[-1].value == value:
            found[-1] = Run((*found[-1].lines, release.line), value)
        else:
            found.append(Run((release.line,), value))
    return found


def _value_of(release: Release, key: str) -> Any:
    return dict(leaves(release.data)).get(key)


def words(key: str) -> dict[str, str]:
    """The sentences on the values of a key: its own, or those of its table."""
    table, _, name = key.partition(".")
    found = _words().get(table, {})
    own = found.get(name) if name else found
    return own if isinstance(own, dict) else {k: v for k, v in found.items() if isinstance(v, str)}


def sentence(key: str, value: Any) -> str | None:
    """The sentence on a value of a key, but for lists; ``None`` if nobody has written one."""
    known = words(key)
    exact = value if isinstance(value, str) else json.dumps(value)
    text = known.get("none") if value in _NOTHING and value is not False else known.get(exact)
    text = text or known.get("any")
    return _filled(text, key, value) if text else None


def changes(key: str) -> Iterator[tuple[str, str]]:
    """Each change of a key: the release line that came with it, and what it means."""
    known = words(key)
    if "has" in known:
        yield from _members(key, known)
    elif "told-by" not in known:
        found = runs(key, _value_of)
        for before, after in pairwise(found):
            new, old = _said(key, after.value), _said(key, before.value)
            told = f"**{after.when}**, {new}"
            yield after.lines[0], told if new == old else f"{told} **{before.when}**, {old}"


def _said(key: str, value: Any) -> str:
    """The sentence on a value; of one that nobody has written a sentence on, the bare value."""
    return sentence(key, value) or f"`{key}` is {_value(value)}."


def _members(key: str, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each change of a list: what came, and what went."""
    every = dict.fromkeys(
        json.dumps(one) for release in all_releases() for one in _value_of(release, key) or ()
    )
    told: dict[Run, list[Any]] = {}
    for text in every:
        member = json.loads(text)
        found = runs(key, lambda release, key, one=member: one in (_value_of(release, key) or ()))
        for run in found[1:]:
            told.setdefault(run, []).append(member)
    for run, members in told.items():
        text = known["has" if run.value else "lacks"]
        yield run.lines[0], f"**{run.when}**, {_filled(text, key, members)}"


def _filled(text: str, key: str, value: Any) -> str:
    members = {k: _value(v) for k, v in value.items()} if isinstance(value, dict) else {}
    names = {
        "value": _value(value),
        "either": _value(value, "or"),
        "key": f"`{key.rpartition('.')[2]}`",
        "keys": _value(list(members), "or"),
        "text": value,
    }
    return text.format_map({**members, **names})


def _value(value: Any, last: str = "and") -> str:
    if isinstance(value, list):
        *first, end = [_value(one) for one in value] or ["nothing"]
        return f"{', '.join(first)} {last} {end}" if first else end
    if isinstance(value, dict) and {"os", "release"} <= value.keys():  # a selection
        return "`" + "/".join([value["os"], value["release"], *value.get("arches", [])]) + "`"
    if isinstance(value, int):
        return f"{value:,}"
    return f"`{str(value).strip('`')}`"


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "changes.toml").read_text("utf-8"))
