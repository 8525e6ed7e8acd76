"""JSON text as MAAS reads it: the values, what is odd about the text, and where everything is."""

from __future__ import annotations

import gc
import json
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count, islice
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

from maas_stream_lint.quoting import quoted
from maas_stream_lint.records import field, record
from maas_stream_lint.spots import WS, _scanstring, found_spots

if TYPE_CHECKING:
    from maas_stream_lint.finding import Path

#: From (line, column) of a text to those of the file that it was taken from.
PlaceMap = Callable[[int, int], tuple[int, int]]

#: How deep values may be nested. The limit of json.loads depends on the Python, and up to 3.11 also
#: on its caller (1,000 frames in all). This number is just below it, and no stream comes near it.
MAX_DEPTH = 990

#: Digits that an integer may have: CPython's default, whatever PYTHONINTMAXSTRDIGITS says here.
MAX_DIGITS = 4300

#: How many flaws of a kind a document lists: a hostile text could have millions.
MAX_FLAWS = 10_000

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"?'
#: The closing quote of a key is not optional, or the `"a` of `"a:b"` would be one.
_KEY = rf"{_STRING.removesuffix('?')}[{WS}]*:"
# Patterns for texts with flaws. A sound text needs none of them, so they are compiled on use.
_TOKEN = rf"(?s)({_KEY})|{_STRING}|[\[\]{{}},]"
_NAN = rf"(?s){_STRING}|(NaN|-?Infinity)"
_HUGE = rf"(?s){_STRING}|([0-9]{{{MAX_DIGITS + 1},}})(?![0-9]|\.[0-9]|[eE][+-]?[0-9])"
#: A pair of surrogates; one alone; any other escape.
_LONE = r"(?s)\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\."
_LAST_COMMA = rf",[{WS}]*[}}\]]"

_LOCK = threading.RLock()

#: What may stand where JSON was expected.
_STRANGERS = {
    "-----BEGIN PGP": "PGP-signed text",
    "<": "markup (XML or HTML)",
    "'": "a single quote, where JSON has only double ones",
    "//": "a comment, which JSON does not have",
}

#: What json.loads looked for when it gave up.
_WANTED = {
    "Expecting value": "a value",
    "Expecting property name enclosed in double quotes": "a key in double quotes",
    "Expecting ':' delimiter": "a colon",
    "Expecting ',' delimiter": "a comma or a closing bracket",
}


@record(frozen=True)
class Flaw:
    """Something odd or wrong about the text itself."""

    kind: str  #: ``not-utf8``, ``bom``, ``not-json``, ``duplicate-key`` …
    message: str  #: what is there: lower case, one clause
    offset: int  #: in characters from the start of the text (also for bytes that are not UTF-8)
    fatal: bool  #: no reader that is built on ``json.loads`` can use the text, so MAAS can't
    path: Path = ()  #: of the second occurrence of a duplicate key; else the top


@record(frozen=True)
class Document:
    """One metadata text, parsed once. ``data`` is not to be altered: locate() relies on it."""

    text: str = field(repr=False)
    data: (
        Any  #: as json.loads gives it (the last of duplicate keys counts); None if a flaw is fatal
    )
    flaws: tuple[Flaw, ...] = ()
    places: PlaceMap | None = None  #: where the text's spots are in its file, if it is only a part
    objects: int = 0  #: how many the text holds

    @property
    def fatal(self) -> Flaw | None:
        """The flaw for which the text can't be read at all."""
        return next((flaw for flaw in self.flaws if flaw.fatal), None)

    @cached_property
    def plain(self) -> bool:
        """Whether the text shows at a glance that all texts in it are printable ASCII."""
        return self.text.isascii() and "\\" not in self.text and "\x7f" not in self.text

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character."""
        return self._positions([offset])[offset]

    def locate(self, paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
        """Line and column of each path: of the key in an object, else of the value.

        A path that leads nowhere gets the place of its last step that exists. Ask for all paths at
        once: a call is at most one pass over the text, for few paths as fast as json.loads.
        """
        wanted = list(paths)
        repeats = any(flaw.kind == "duplicate-key" for flaw in self.flaws)
        with _room():
            spots = found_spots(self.text, self.data, wanted, self.objects) if not repeats else None
            if spots is None:
                from maas_stream_lint.json_walk import walked_spots

                spots = walked_spots(self.text, self.data, wanted, repeats=repeats)
            where = self._positions(set(spots.values()))
            return {path: where[offset] for path, offset in spots.items()}

    def _positions(self, offsets: Iterable[int]) -> dict[int, tuple[int, int]]:
        line, start, last = 1, 0, 0
        found = {}
        for offset in sorted(offsets):
            # Only what lies between is looked at. A minified text may be one line of 14 MB: there
            # a search is much faster than a count.
            if self.text.find("\n", last, offset) >= 0:
                line += self.text.count("\n", last, offset)
                start = self.text.rfind("\n", last, offset) + 1
            last = offset
            place = (line, offset - start + 1)
            found[offset] = self.places(*place) if self.places else place
        return found


def parse(raw: bytes, places: PlaceMap | None = None) -> Document:
    """Parse a file's bytes as MAAS does: strictly UTF-8, then ``json.loads``."""
    text, flaw = decode(raw)
    return Document(text, None, (flaw,), places) if flaw else parse_text(text, places)


def decode(raw: bytes) -> tuple[str, Flaw | None]:
    """Give the text, or a makeshift for it and what is wrong with the bytes."""
    try:
        return raw.decode(), None
    except UnicodeDecodeError as error:
        at = error.start
    said = f"byte 0x{raw[at]:02x} at offset {at} is not UTF-8"
    if raw.startswith(b"\x1f\x8b"):
        said = "gzip data, not text"
    elif raw.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_other_is_nul(raw):
        said = "UTF-16 text, not UTF-8"
    flaw = Flaw("not-utf8", said, len(raw[:at].decode()), fatal=True)
    return raw.decode(errors="replace"), flaw


def _every_other_is_nul(raw: bytes) -> bool:
    """Whether it is UTF-16 that has no byte order mark."""
    return (raw[0:8:2] == bytes(4)) != (raw[1:8:2] == bytes(4))


def parse_text(text: str, places: PlaceMap | None = None) -> Document:
    """Parse a text. ``places`` says where its spots are in its file, if it is only a part."""
    odd: set[str] = set()
    tick = (objects := count()).__next__
    once = dict[str, str]().setdefault  # a stream repeats most of its texts: each is kept once

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        tick()
        found = {}
        for key, value in pairs:
            found[key] = once(value, value) if type(value) is str else value
        if len(found) != len(pairs):
            odd.add("duplicate-key")
        return found

    def constant(name: str) -> float:
        odd.add("nan")
        return float(name)

    flaws: list[Flaw] = []
    try:
        with _room():
            data = json.loads(text, object_pairs_hook=members, parse_constant=constant)
            _check_depth(data)
            if "duplicate-key" in odd:
                flaws += islice(_duplicates(text), MAX_FLAWS)
    except JSONDecodeError as error:
        return Document(text, None, (_broken(text, error),), places)
    except RecursionError:
        said = f"more than {MAX_DEPTH} levels of nesting"
        return Document(text, None, (Flaw("too-deep", said, 0, fatal=True),), places)
    except ValueError:
        said = f"an integer of over {MAX_DIGITS:,} digits"
        huge = next(_tokens("huge-number", _HUGE, said, text))
        return Document(text, None, (huge,), places)
    if "nan" in odd:
        flaws += islice(_tokens("nan", _NAN, "{} is not JSON", text), MAX_FLAWS)
    if "\\" in text and ("\\ud" in text or "\\uD" in text):
        flaws += islice(_tokens("lone-surrogate", _LONE, "{} is half a character", text), MAX_FLAWS)
    return Document(text, data, tuple(flaws), places, next(objects))


@contextmanager
def _room() -> Iterator[None]:
    """Let the C scanner work at one speed and depth for every caller, and restore all settings."""
    with _LOCK:
        collecting, frames = gc.isenabled(), sys.getrecursionlimit()
        digits = getattr(sys, "get_int_max_str_digits", int)()  # not before 3.10.7
        limit_digits = getattr(sys, "set_int_max_str_digits", int)
        gc.disable()  # a third of the time, and nothing here makes cycles
        sys.setrecursionlimit(frames + MAX_DEPTH + 100)
        limit_digits(MAX_DIGITS)
        try:
            yield
        finally:
            limit_digits(digits)
            sys.setrecursionlimit(frames)
            if collecting:
                gc.enable()


def _check_depth(data: Any) -> None:
    """Refuse what is too deep; from Python 3.12 on, json.loads itself reads far deeper."""
    # Up to 3.13 at least, an object of text and numbers only is not tracked, nor are these:
    # leaving them out shows in a fraction of the time that most documents are shallow.
    if _reaches(data, MAX_DEPTH - 1, gc.is_tracked) and _reaches(data, MAX_DEPTH, _is_holder):
        raise RecursionError


def _reaches(data: Any, levels: int, holder: Callable[[Any], bool]) -> bool:
    level = [data] if _is_holder(data) else []
    for _ in range(levels):
        level = list(filter(holder, gc.get_referents(*level)))
        if not level:
            return False
    return bool(level)


def _is_holder(value: Any) -> bool:
    return type(value) is dict or type(value) is list


def _tokens(kind: str, pattern: str, said: str, text: str) -> Iterator[Flaw]:
    for token in re.finditer(pattern, text):
        if token[1]:
            yield Flaw(kind, said.format(token[1]), token.start(), kind == "huge-number")


def _duplicates(text: str) -> Iterator[Flaw]:
    """Find keys that their object holds already, and what is too deep in a value so dropped."""
    steps: list[str | int] = []
    seen: list[set[str]] = []
    for token in re.finditer(_TOKEN, text):
        mark = token[0][0]
        if token[1]:
            key = steps[-1] = _scanstring(text, token.start() + 1)[0]
            if key in seen[-1]:
                said = f"a second {quoted(key)} in one object"
                yield Flaw("duplicate-key", said, token.start(), fatal=False, path=tuple(steps))
            seen[-1].add(key)
        elif mark in "{[":
            steps.append("" if mark == "{" else 0)
            seen.append(set())
            if len(steps) > MAX_DEPTH:
                raise RecursionError
        elif mark in "}]":
            steps.pop()
            seen.pop()
        elif mark == "," and isinstance(steps[-1], int):
            steps[-1] += 1


def _broken(text: str, error: JSONDecodeError) -> Flaw:
    """Say what is at the place where json.loads failed."""
    at, start = error.pos, len(text) - len(text.lstrip(WS))
    word = _word(text, at)
    if start == len(text):
        return Flaw("empty", "nothing but white space" if text else "nothing at all", 0, fatal=True)
    if text[0] == "\ufeff":
        return Flaw("bom", "a byte order mark (U+FEFF) at the start", 0, fatal=True)
    if _every_other_is_nul(text[:8].encode(errors="replace")):
        return Flaw("not-utf8", "UTF-16 text, not UTF-8", 0, fatal=True)
    if word.startswith("\0"):
        where = "at the start" if not at else f"after {at:,} characters"
        said = f"{len(word):,} zero byte{'s' if word[1:] else ''} {where}"
        return Flaw("nul-bytes", said, at, fatal=True)
    if text[start : start + 14].lower().startswith(("<!doctype html", "<html")):
        return Flaw("html", "an HTML page", start, fatal=True)
    if error.msg == "Extra data":
        said = f"{quoted(word)} after the end of the JSON value"
        return Flaw("trailing-text", said, at, fatal=True)
    for comma in (at, len(text[:at].rstrip(WS)) - 1):  # from Python 3.13 on, and before
        if comma >= 0 and re.compile(_LAST_COMMA).match(text, comma):
            return Flaw("not-json", "a comma with nothing after it", comma, fatal=True)
    return Flaw("not-json", _what(text, error.msg, at), at, fatal=True)


def _word(text: str, at: int) -> str:
    """What stands at a place: a word, zero bytes or one character."""
    found = re.compile(r"[\w.+-]+|\0+|.?", re.DOTALL).match(text, at)
    assert found is not None
    return found[0]


def _what(text: str, error: str, at: int) -> str:
    for opening, said in _STRANGERS.items():
        if text.startswith(opening, at):
            return said
    if error in _WANTED:
        word = _word(text, at).strip(WS)
        return f"{quoted(word) if word else 'the end'} where {_WANTED[error]} must be"
    if error.startswith("Invalid control character"):
        return f"a bare {quoted(text[at])} inside a string"
    if error.startswith("Unterminated string"):
        return "a string that is never closed"
    return error[:1].lower() + error[1:]
