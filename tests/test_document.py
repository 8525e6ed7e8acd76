"""The parser against json.loads, and places against the text."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maas_stream_lint import document, spots
from maas_stream_lint.document import MAX_DEPTH, Document, parse, parse_text
from steps import grows_linearly

repeatable = settings(derandomize=True, deadline=None)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["{", "}]", '":', "\\", '"', "\ud800", "é\u2028", "\U0001f600"])
)
keys = st.text(max_size=4) | st.sampled_from(["a", "b", '"', "}", "\\u", "\udc00", "a:b"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)
jsonish = st.text(st.sampled_from("{}[]:,\"\\ue1d80'nulltrfasNI.-+ \n\r\t\0\ufeff"), max_size=40)


def pieces(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """Every path in a value, with its value."""
    yield path, value
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from pieces(inner, (*path, step))


def tail(text: str, place: tuple[int, int]) -> str:
    """What stands at a place and after it."""
    lines = text.split("\n")[place[0] - 1 :]
    return "\n".join(lines)[place[1] - 1 :]


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from 1.0 and True, and holds NaN for itself."""
    return repr(one) == repr(other)


def agree(text: str) -> None:
    found = parse_text(text)
    try:
        wanted = json.loads(text)
    except ValueError:
        assert found.fatal is not None
        assert found.data is None
        assert found.flaws == (found.fatal,)
        assert 0 <= found.fatal.offset <= len(text)
        assert found.fatal.message
        assert "\n" not in found.fatal.message
        found.position(found.fatal.offset)
    else:
        assert found.fatal is None
        assert same(found.data, wanted)
    found.locate([(), ("a", 0)])


@repeatable
@given(jsonish)
@example("\ufeff{}")
@example('{"a": 1} x')
@example("1" * 4301)
@example("-" + "1" * 4300)
@example("1" * 5000 + ".5")
@example("1" * 5000 + ".")
@example("1" * 5000 + "e+")
@example("1" * 5000 + ".\u0661")
def test_text_is_taken_and_refused_as_json_loads_does(text: str) -> None:
    agree(text)


@repeatable
@given(values, st.data())
def test_damaged_json_is_refused_as_json_loads_does(value: Any, data: Any) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    agree(
        text[:at]
        + data.draw(st.sampled_from(["", "\0", '"', "\\", ",", "}", "é"]))
        + text[at + 1 :]
    )


@repeatable
@given(st.binary(max_size=60))
@example(b"\xed\xa0\x80")
@example(b"\xef\xbb\xbf{}")
def test_any_bytes_get_a_document(raw: bytes) -> None:
    found = parse(raw)
    if found.fatal is not None and found.fatal.kind == "not-utf8":
        with pytest.raises(UnicodeDecodeError) as caught:
            raw.decode()
        assert found.text[: found.fatal.offset] == raw[: caught.value.start].decode()
    else:
        agree(raw.decode())


@repeatable
@given(values, st.sampled_from([None, 0, 1, "\t"]), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_each_place_shows_the_key_or_value_it_names(
    value: Any, indent: int | str | None, ascii_only: bool, end: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).replace("\n", end)
    found = parse_text(text)
    wanted = dict(pieces(value))
    places = found.locate(wanted)
    assert places.keys() == wanted.keys()
    for path, place in places.items():
        rest = tail(text, place)
        decoder = json.JSONDecoder()
        shown, after = decoder.raw_decode(rest)
        if path and isinstance(path[-1], str):
            assert same(shown, path[-1])
            rest = rest[after:].lstrip()
            assert rest[0] == ":"
            shown, _ = decoder.raw_decode(rest[1:].lstrip())
        assert same(shown, wanted[path])
    # One at a time, the walk stops early; the place is the same.
    for path in list(places)[:5]:
        assert found.locate([path]) == {path: places[path]}


#: Texts that look like what is between texts, or like something else on the way.
alike = st.sampled_from(["", "a", "b", ",", ":", ": ", ":1,", ",a", "}", "{", "[", "a:b", "true"])
objects = st.recursive(
    alike | st.integers(0, 1) | st.lists(alike, max_size=2),
    lambda inner: st.dictionaries(alike, inner, max_size=4),
    max_leaves=12,
)


@settings(repeatable, max_examples=300)
@given(objects, st.sampled_from([None, 1]), st.data())
def test_a_search_for_keys_finds_what_a_walk_finds(
    value: Any, indent: int | None, data: Any
) -> None:
    found = parse_text(json.dumps(value, indent=indent))
    paths = [path for path, _ in pieces(value)]
    wanted = data.draw(st.lists(st.sampled_from(paths), max_size=6))
    places = found.locate(wanted)
    with patch.object(spots._Leap, "has_found", return_value=False):
        assert found.locate(wanted) == places


@repeatable
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=8), st.data())
def test_of_duplicate_keys_the_last_is_located(members: list[Any], data: Any) -> None:
    inner = st.sampled_from(["0", "{}", "[]", '[{"a": 1}]', '{"a": 0, "b": {"a": 9, "a": 8}}'])
    spelled = [(key, data.draw(inner)) for key, _ in members]
    text = "{" + ", ".join(f'"{key}": {value}' for key, value in spelled) + "}"
    found = parse_text(text)
    starts, at = [], 1
    for key, value in spelled:
        starts.append(at)
        at += len(f'"{key}": {value}, ')
    last = {key: start for (key, _), start in zip(spelled, starts, strict=True)}
    wanted = dict(pieces(found.data))
    places = found.locate(wanted)
    for key, start in last.items():
        assert places[(key,)] == (1, start + 1)
    for path, place in places.items():
        rest = tail(text, place)
        if path and isinstance(path[-1], str):
            assert rest.startswith(json.dumps(path[-1]) + ":")
            rest = rest.split(":", 1)[1].lstrip()
        assert json.JSONDecoder().raw_decode(rest)[0] == wanted[path]
    seen: set[str] = set()
    again = [
        start
        for (key, _), start in zip(spelled, starts, strict=True)
        if key in seen or seen.add(key)
    ]
    assert [flaw.offset for flaw in found.flaws if len(flaw.path) == 1] == again


def test_duplicate_keys_are_named_with_their_paths() -> None:
    found = parse(b'{"p": [{}, {"x:": 1, "q": {"y": 1, "y": 2},\n "x:": 3}], "\\u0070": 4}')
    assert found.data == {"p": 4}
    assert [(flaw.path, flaw.fatal) for flaw in found.flaws] == [
        (("p", 1, "q", "y"), False),
        (("p", 1, "x:"), False),
        (("p",), False),
    ]
    assert found.flaws[1].message == "a second `x:` in one object"
    assert found.position(found.flaws[1].offset) == (2, 2)


@pytest.mark.parametrize(
    ("text", "kind", "texts"),
    [
        ('[NaN, "NaN", -Infinity, "\\"Infinity"]', "nan", ["NaN", "-Infinity"]),
        ("Infinity", "nan", ["Infinity"]),
        (
            r'["\ud83d\ude00", "\\ud800", "\uDC00", "\ud800\n"]',
            "lone-surrogate",
            [r"\uDC00", r"\ud800"],
        ),
    ],
)
def test_oddities_that_python_reads(text: str, kind: str, texts: list[str]) -> None:
    found = parse_text(text)
    assert found.fatal is None
    assert {flaw.kind for flaw in found.flaws} == {kind}
    assert [flaw.message.split(" ")[0] for flaw in found.flaws] == texts
    assert all(
        text.startswith(said, flaw.offset) for said, flaw in zip(texts, found.flaws, strict=True)
    )


def test_equal_texts_are_kept_once() -> None:
    items = parse_text('[{"a": "one text", "n": 1}, {"b": {"a": "one text", "n": true}}]').data
    assert items[0]["a"] is items[1]["b"]["a"]
    assert (items[0]["n"], items[1]["b"]["n"]) == (1, True)
    assert items[1]["b"]["n"] is True


def test_messages_can_be_printed() -> None:
    found = parse_text(r'{"\ud800\u009b": 1, "\ud800\u009b": 2}')
    assert {flaw.message for flaw in found.flaws if flaw.path} == {
        r"a second `\ud800\u009b` in one object"
    }


@pytest.mark.parametrize("text", ['"NaN"', r'"\\ud800"', r'"\ud83d\ude00 \\"', '{"a": {"a": 1}}'])
def test_what_only_looks_odd_is_no_flaw(text: str) -> None:
    assert parse_text(text).flaws == ()


@pytest.mark.parametrize(
    ("raw", "kind", "message", "place"),
    [
        (b"", "empty", "nothing at all", (1, 1)),
        (b" \n\t", "empty", "nothing but white space", (1, 1)),
        (b"\xef\xbb\xbf{}", "bom", "a byte order mark (U+FEFF) at the start", (1, 1)),
        (b"\0\0\0", "nul-bytes", "3 zero bytes at the start", (1, 1)),
        (b"{}\n\0", "nul-bytes", "1 zero byte after 3 characters", (2, 1)),
        (b'{"a": "\0\0"}', "nul-bytes", "2 zero bytes after 7 characters", (1, 8)),
        (b"\n<!DOCTYPE html>\n<html>", "html", "an HTML page", (2, 1)),
        (b"<HTML lang=en>", "html", "an HTML page", (1, 1)),
        (b"<?xml version='1.0'?>", "not-json", "markup (XML or HTML)", (1, 1)),
        (b"\x1f\x8b\x08\0", "not-utf8", "gzip data, not text", (1, 2)),
        ('{"ü": "ü"}'.encode("utf-16"), "not-utf8", "UTF-16 text, not UTF-8", (1, 1)),
        ('{"ü": "ü"}'.encode("utf-16-le"), "not-utf8", "UTF-16 text, not UTF-8", (1, 5)),
        ('{"ü":\n"ü'.encode() + b"\xff", "not-utf8", "byte 0xff at offset 10 is not UTF-8", (2, 3)),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", "not-json", "PGP-signed text", (1, 1)),
        (b'{"a": 1,\n}', "not-json", "a comma with nothing after it", (1, 8)),
        (b"[1 , ]", "not-json", "a comma with nothing after it", (1, 4)),
        (b"{'a': 1}", "not-json", "a single quote, where JSON has only double ones", (1, 2)),
        (b'{"a": 1 // b\n}', "not-json", "a comment, which JSON does not have", (1, 9)),
        (b'{"a": True}', "not-json", '`True` where a value must be', (1, 7)),
        (b'{"a" 1}', "not-json", '`1` where a colon must be', (1, 6)),
        (b'[1 "b"]', "not-json", '`"` where a comma or a closing bracket must be', (1, 4)),
        (b'{"a": ', "not-json", "the end where a value must be", (1, 7)),
        (b'{"a": "b', "not-json", "a string that is never closed", (1, 7)),
        (b'"a\nb"', "not-json", 'a bare `\\n` inside a string', (1, 3)),
        (b'{"a": 1} {}', "trailing-text", '`{` after the end of the JSON value', (1, 10)),
        (b'["' + b"1" * 5000 + b'",\n ' + b"2" * 4301 + b"]", "huge-number",
         "an integer of over 4,300 digits", (2, 2)),
        (b"[" * 991 + b"]" * 991, "too-deep", "more than 990 levels of nesting", (1, 1)),
        (b"[" * 200_000, "too-deep", "more than 990 levels of nesting", (1, 1)),
        (b'{"a":' * 200_000, "too-deep", "more than 990 levels of nesting", (1, 1)),
    ],
)  # fmt: skip
def test_what_is_no_json_is_named(raw: bytes, kind: str, message: str, place: Any) -> None:
    found = parse(raw)
    assert found.fatal is not None
    assert (found.fatal.kind, found.fatal.message) == (kind, message)
    assert found.position(found.fatal.offset) == place
    assert found.locate([("a",)]).keys() == {("a",)}


def nested(depth: int, opening: str = "[", closing: str = "]", inner: str = "") -> str:
    return opening * depth + inner + closing * depth


@pytest.mark.parametrize("frames", [0, 600])
@pytest.mark.parametrize(
    "build",
    [
        nested,
        lambda depth: nested(depth - 1, '{"a":', "}", "{}"),
        lambda depth: nested(depth - 1, '{"b": [], "a":', "}", '{"a": 1}'),
        lambda depth: '{"a": ' + nested(depth - 1) + ', "a": 1}',
    ],
)
def test_the_same_depth_whoever_calls(build: Any, frames: int) -> None:
    def at_depth(frames: int, text: str) -> Document:
        return at_depth(frames - 1, text) if frames else parse_text(text)

    for depth, kind in ((MAX_DEPTH, None), (MAX_DEPTH + 1, "too-deep")):
        found = at_depth(frames, build(depth))
        assert (found.fatal.kind if found.fatal else None) == kind
    deep = parse_text(nested(MAX_DEPTH))
    path = (0,) * (MAX_DEPTH - 1)
    assert deep.locate([path, ()]) == {path: (1, MAX_DEPTH), (): (1, 1)}


def test_a_path_that_leads_nowhere_gets_its_nearest_ancestor() -> None:
    found = parse_text(' {"a": [10, {"b": "c"}]}')
    assert found.locate(
        [("x", "y"), ("a", 2), ("a", -1), ("a", "0"), ("a", 1, "b", 0), (0,), ("a", 0, "b")]
    ) == {
        ("x", "y"): (1, 2),
        ("a", 2): (1, 3),
        ("a", -1): (1, 3),
        ("a", "0"): (1, 3),
        ("a", 1, "b", 0): (1, 14),
        (0,): (1, 2),
        ("a", 0, "b"): (1, 9),
    }
    assert found.locate([]) == {}


def test_places_are_mapped_to_the_file() -> None:
    found = parse_text('{\n"a": 1,\n"a": 2}', lambda line, column: (line + 10, column + 2))
    assert found.locate([("a",)]) == {("a",): (13, 3)}
    assert found.position(found.flaws[0].offset) == (13, 3)


@pytest.mark.parametrize("text", ["{}", "{", "[" * 5000, "1" * 5000])
def test_the_interpreter_is_left_as_it_was(text: str) -> None:
    digits = getattr(sys, "get_int_max_str_digits", int)
    before = sys.getrecursionlimit(), digits()
    for collecting in (True, False):
        (gc.enable if collecting else gc.disable)()
        try:
            parse_text(text).locate([()])
            assert gc.isenabled() is collecting
        finally:
            gc.enable()
    assert (sys.getrecursionlimit(), digits()) == before


def test_many_flaws_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_FLAWS", 3)
    for text in (
        "{" + '"a": 1,' * 9 + '"a": 1}',
        "[" + "NaN," * 9 + "1]",
        r'"' + r"\ud800" * 9 + '"',
    ):
        assert len(parse_text(text).flaws) == 3


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "[" + "1," * n + "1]",
        lambda n: '{"a": "' + r"\"" * n,
        lambda n: "{" + '"a":{"b":1},' * n + '"a":{"b":2}}',
        lambda n: "[" + '"\\ud800",' * n + "1]",
        lambda n: "[" * n + '"',
    ],
    ids=["numbers", "escapes", "repeats", "surrogates", "depth"],
)
def test_no_text_takes_more_than_linear_work(text: Callable[[int], str]) -> None:
    def work(size: int) -> Callable[[], object]:
        return lambda: parse_text(text(size)).locate([(), (size - 1,), ("a", "b"), (7,)])

    assert grows_linearly(work, 1000)


def products(size: int) -> dict[str, object]:
    return {f"p{i}": {"v": [{"path": f"x/{j}"} for j in range(5)]} for i in range(size)}


def test_all_paths_of_a_one_line_text_are_found_in_one_go() -> None:
    def work(size: int) -> Callable[[], object]:
        parsed, paths = parse_text(json.dumps(products(size))), pieces(products(size))
        return lambda: parsed.locate([path for path, _ in paths])

    assert grows_linearly(work, 40)
    data = products(4000)
    text = json.dumps(data)
    places = parse_text(text).locate([path for path, _ in pieces(data)])
    assert len(places) == 4000 * 12 + 1
    for i in (0, 1999, 3999):
        line, column = places[(f"p{i}", "v", 3, "path")]
        assert line == 1
        assert text.startswith('"path": "x/3"', column - 1)


def test_a_colon_inside_a_text_makes_no_key() -> None:
    document = parse_text('{"format": "x", "format": "index:1.0", "a": ["b:c", "d"]}')
    assert [(f.kind, f.path) for f in document.flaws] == [("duplicate-key", ("format",))]
    assert document.data["format"] == "index:1.0"
