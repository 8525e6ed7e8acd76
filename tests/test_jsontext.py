"""Edits to JSON text against the same edits to the value, and against a fresh dump of it."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maas_stream_lint.document import MAX_DEPTH, parse_text
from maas_stream_lint.fixing.jsontext import (
    Change,
    ChangeError,
    Move,
    Remove,
    RemoveDuplicates,
    Rename,
    Set,
    apply,
    diff,
)
from steps import grows_linearly

ROOT = Path(__file__).parents[1]
repeatable = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([1, 1.0, 0.0, -0.0, "{", "}]", '":', "\\", '"', "\ud800", "é\u2028", "\x85"])
)
keys = st.sampled_from(["a", "b", "c", "d", "e", '"', "}", "\\u", "\udc00", "a:b", "ü", "\n"])


class Pairs(list[list[Any]]):
    """An object with all its members, of which some may have the same key."""


def parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=lambda pairs: Pairs([*map(list, pairs)]))


def plain(value: Any) -> Any:
    if isinstance(value, Pairs):
        return {key: plain(inner) for key, inner in value}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def exact(value: Any) -> str:
    """All that equality leaves out: types, order, -0.0, and that NaN is NaN."""
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{key!r}:{exact(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(exact, value)) + "]"
    return repr(value)


def nested(inner: Any) -> Any:
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5)


def nested_pairs(inner: Any) -> Any:
    return st.lists(inner, max_size=4) | st.lists(st.tuples(keys, inner).map(list), max_size=5).map(
        Pairs
    )


values = st.recursive(scalars, nested, max_leaves=12)
documents = values | nested(nested(values))
repetitive = nested_pairs(nested_pairs(st.recursive(scalars, nested_pairs, max_leaves=12)))


def mangled(value: Any, chance: random.Random) -> str:
    """Text with white space wherever it may be, or hardly any."""
    spaces = chance.choice(["", " ", "\n", None])

    def space() -> str:
        some = ["", "", " ", "\n", "\n  ", "\r\n\t", " \n\n ", "\r", "  "]
        return chance.choice(some) if spaces is None else spaces

    def spelt(value: Any) -> str:
        if isinstance(value, Pairs):
            members = [f"{spelt(k)}{space()}:{space()}{spelt(v)}" for k, v in value]
        elif isinstance(value, list):
            members = [spelt(inner) for inner in value]
        else:
            text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
            return text.replace("a", "\\u0061") if text == '"a"' and chance.random() < 0.2 else text
        body = f"{space()},{space()}".join(members)
        inside = f"{space()}{body}{space()}" if members else space()
        return f"{{{inside}}}" if isinstance(value, Pairs) else f"[{inside}]"

    return f"{space()}{spelt(value)}{space()}"


# What changes do to values.


def find(value: Any, step: str | int) -> int | None:
    """Where in an object or list a step leads; the last of what has one key."""
    if isinstance(value, Pairs):
        return max((i for i, (key, _) in enumerate(value) if key == step), default=None)
    known = isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
    return int(step) if known else None


def get(value: Any, path: Any) -> Any:
    for step in path:
        at = find(value, step)
        assert at is not None
        value = value[at][1] if isinstance(value, Pairs) else value[at]
    return value


def insert(holder: Pairs, key: str, value: Any, after: str | None = None) -> None:
    known = [k for k, _ in holder]
    if after in known:
        at = len(known) - known[::-1].index(after)
    elif all(one <= two for one, two in pairwise(known)):
        at = sum(k <= key for k in known)
    else:
        at = len(known)
    holder.insert(at, [key, value])


def changed(value: Any, change: Change) -> Any:
    top = [copy.deepcopy(value)]
    *way, step = (0, *change.path)
    holder = get(top, way)
    at = find(holder, step)
    match change:
        case Set(_, new, after):
            new = parsed(json.dumps(new))
            if at is None and isinstance(holder, Pairs):
                insert(holder, step, new, after)
            elif at is None:
                holder.append(new)
            else:
                old = holder[at][1] if isinstance(holder, Pairs) else holder[at]
                if exact(parsed(json.dumps(plain(old)))) != exact(new):
                    if isinstance(holder, Pairs):
                        holder[at][1] = new
                    else:
                        holder[at] = new
        case Remove():
            del holder[at]
        case Rename(_, key):
            holder[at][0] = key
        case Move(_, to):
            target = get(top, (0, *to[:-1]))
            moved = holder.pop(at)
            insert(target, to[-1], moved[1] if isinstance(holder, Pairs) else moved)
        case RemoveDuplicates():
            holder[:] = [m for i, m in enumerate(holder) if i == at or m[0] != step]
    return top[0]


def places(value: Any, path: Any = ()) -> Any:
    """Every path, with what is there."""
    yield path, value
    if isinstance(value, Pairs):
        for key in dict.fromkeys(key for key, _ in value):
            yield from places(get(value, [key]), (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*path, at))


@st.composite
def one_change(draw: Any, value: Any, below: Any = ()) -> Change | None:
    """Some change that can be made, below some path."""
    known = dict(places(value))
    inner = [path for path in known if path[: len(below)] == below and len(path) > len(below)]
    objects = [path for path, there in known.items() if isinstance(there, Pairs)]
    members = [path for path in inner if path[:-1] in objects]
    objects = [path for path in objects if path[: len(below)] == below]
    lists = [p for p, v in known.items() if type(v) is list and p[: len(below)] == below]
    key = draw(keys)
    after = draw(st.none() | keys)
    kinds = ["remove", "set", "equal"] * bool(inner) + ["append"] * bool(lists)
    kinds += ["move", "move"] * bool(inner and objects) + ["add", "add"] * bool(objects)
    kinds += ["rename", "duplicates"] * bool(members)
    kinds = kinds or ["top"] * (not below)
    if not kinds:
        return None
    match draw(st.sampled_from(kinds)):
        case "top":
            return Set((), draw(values))
        case "set":
            return Set(draw(st.sampled_from(inner)), draw(values), after)
        case "equal":
            path = draw(st.sampled_from(inner))
            return Set(path, plain(known[path]))
        case "append":
            path = draw(st.sampled_from(lists))
            return Set((*path, len(known[path])), draw(values))
        case "add":
            return Set((*draw(st.sampled_from(objects)), key), draw(values), after)
        case "remove":
            return Remove(draw(st.sampled_from(inner)))
        case "duplicates":
            return RemoveDuplicates(draw(st.sampled_from(members)))
        case "rename":
            path = draw(st.sampled_from(members))
            taken = (*path[:-1], key) in known
            return None if taken and key != path[-1] else Rename(path, key)
        case _:
            path = draw(st.sampled_from(inner))
            to = (*draw(st.sampled_from(objects)), key)
            return None if to in known or to[: len(path)] == path else Move(path, to)


@st.composite
def several_changes(draw: Any, value: Any, below: Any = ()) -> tuple[list[Change], Any]:
    """Changes, each possible after those before it, and the value after the last."""
    changes = []
    for _ in range(draw(st.sampled_from([4, 1, 8]))):
        change = draw(one_change(value, below))
        if change is not None:
            changes.append(change)
            value = changed(value, change)
    return changes, value


@repeatable
@given(st.data(), repetitive, st.randoms(use_true_random=False))
def test_the_text_changes_as_the_value_does(data: Any, value: Any, chance: random.Random) -> None:
    text = mangled(value, chance)
    assert apply(text, []) == text
    top = Set((), data.draw(values))
    assert exact(parsed(apply(text, [top]))) == exact(changed(parsed(text), top))
    changes, wanted = data.draw(several_changes(parsed(text)))
    done = apply(text, changes)
    assert exact(parsed(done)) == exact(wanted)
    steps = text
    for change in changes:
        steps = apply(steps, [change])
    assert exact(parsed(steps)) == exact(wanted)


styles = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 1, 2, 4, "\t"]),
        "separators": st.sampled_from([(",", ":"), (",", ": "), (", ", ": "), (" , ", " : ")]),
        "ensure_ascii": st.booleans(),
    }
)


@repeatable
@given(st.data(), documents, styles, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_changed_text_is_as_if_dumped_anew(
    data: Any, value: Any, style: Any, end: str, last: bool
) -> None:
    """So nothing but the changes, and the commas next to them, can have changed."""

    def dumped(value: Any) -> str:
        text = json.dumps(plain(value), **style)
        text = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
        return (text + "\n" * last).replace("\n", end)

    # The first two members show the style; changes leave them alone.
    first = "e" if style["ensure_ascii"] else "é"
    text = dumped({first: [1, 2], "second": {}, "third": value})
    changes, wanted = data.draw(several_changes(parsed(text), ("third",)))
    assert apply(text, changes) == dumped(wanted)


TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+|[{}\[\],:]', re.DOTALL)


def spans(text: str) -> dict[Any, tuple[int, int]]:
    """Where each member or element begins and ends: key, colon, value."""
    tokens = [*TOKEN.finditer(text)]
    found = {}

    def value(at: int, path: Any) -> int:
        mark = tokens[at][0]
        if mark not in ("{", "["):
            return at + 1
        at, number = at + 1, 0
        while tokens[at][0] not in ("}", "]"):
            at += tokens[at][0] == ","
            start = at
            step: Any = number
            if mark == "{":
                step = json.loads(tokens[at][0])
                at += 2
            at = value(at, (*path, step))
            found[(*path, step)] = (tokens[start].start(), tokens[at - 1].end())
            number += 1
        return at + 1

    end = value(0, ())
    found[()] = (tokens[0].start(), tokens[end - 1].end())
    return found


def spelt_members(text: str, path: Any) -> dict[Any, str]:
    found = spans(text)
    return {p[-1]: text[slice(*s)] for p, s in found.items() if p and p[:-1] == path}


@repeatable
@given(st.data(), documents, st.randoms(use_true_random=False))
def test_all_else_stays_to_the_character(data: Any, value: Any, chance: random.Random) -> None:
    text = mangled(parsed(json.dumps(value)), chance)
    value = parsed(text)
    change = data.draw(one_change(value))
    if change is None or isinstance(change, Move):
        return
    done, path, known = apply(text, [change]), change.path, spans(text)
    if not path or (path in known and isinstance(change, Set | Rename)):
        start, end = known[path]
    else:
        start, end = known[path[:-1]]
        before, after = spelt_members(text, path[:-1]), spelt_members(done, path[:-1])
        if isinstance(get(value, path[:-1]), Pairs):
            (before if isinstance(change, Remove) else after).pop(path[-1], None)
            before.pop(path[-1], None)
            assert [*before.items()] == [(k, v) for k, v in after.items() if k != path[-1]]
        elif isinstance(change, Remove):
            assert [t for i, t in enumerate(before.values()) if i != path[-1]] == [*after.values()]
        else:
            assert [*before.values()] == [*after.values()][:-1]
    assert done.startswith(text[:start])
    assert done.endswith(text[end:])
    if exact(parsed(done)) == exact(value):
        assert done == text


ITEM = """{
  "name": "x",  "size" : 1.50,
  "tags": ["a", "b"],
  "low": {"one": 1, "two": 2},
  "deep": {
    "z": {}
  }
}
"""


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ([Set(("size",), 1.5)], "", ""),
        ([Set(("size",), 1)], "1.50", "1"),
        ([Set(("tags", 2), "c")], '"b"]', '"b", "c"]'),
        ([Set(("tags",), ["c", {}])], '["a", "b"]', '["c", {}]'),
        ([Set(("low", "three"), {"x": [1]})], '"one": 1,', '"one": 1, "three": {"x": [1]},'),
        ([Set(("low", "three"), 3, after="two")], '"two": 2', '"two": 2, "three": 3'),
        ([Set(("new",), 1)], "\n  }\n}", '\n  },\n  "new": 1\n}'),
        (
            [Set(("new",), [1, []], after="tags")],
            '"b"],',
            '"b"],\n  "new": [\n    1,\n    []\n  ],',
        ),
        ([Set(("deep", "z", "y"), 1)], "{}", '{\n      "y": 1\n    }'),
        ([Set(("deep", "a"), 1)], '    "z"', '    "a": 1,\n    "z"'),
        ([Remove(("name",))], '"name": "x",  "size"', '"size"'),
        ([Remove(("deep", "z"))], '{\n    "z": {}\n  }', "{}"),
        ([Remove(("deep", "z")), Set(("deep", "z"), {})], "", ""),
        ([Remove(("low", "one"))], '"one": 1, ', ""),
        ([Remove(("deep",))], ',\n  "deep": {\n    "z": {}\n  }', ""),
        ([Rename(("low", "one"), "é")], '"one"', '"\\u00e9"'),
        ([Move(("low",), ("deep", "z", "low"))], "", None),
    ],
)
def test_new_text_looks_like_its_neighbours(changes: Any, old: str, new: str | None) -> None:
    done = apply(ITEM, changes)
    if new is None:
        assert '"z": {\n      "low": {"one": 1, "two": 2}\n    }\n' in done
    else:
        assert done == ITEM.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "changes", "wanted"),
    [
        ('{"b":1,"a":2}', [Move(("a",), ("c",))], '{"b":1,"c":2}'),
        ('{"a":{"b":[]}}', [Set(("a", "b"), {"c": [1, 2]})], '{"a":{"b":{"c":[1,2]}}}'),
        ("{}", [Set(("a",), [1, {"b": 2}])], '{"a": [1, {"b": 2}]}'),
        ("{ }", [Set(("a",), 1)], '{ "a": 1 }'),
        ("{\n}", [Set(("a",), [1])], '{\n  "a": [\n    1\n  ]\n}'),
        (" [ 1 ]\r\n", [Set((1,), "é")], ' [ 1, "\\u00e9" ]\r\n'),
        ('["ü"]', [Set((1,), "é\ud800")], '["ü", "é\\ud800"]'),
        ('{"a": 1, "b": 2, "a": 3}', [Remove(("a",))], '{"a": 1, "b": 2}'),
        ('{"a": 1, "b": 2, "a": 3}', [Rename(("a",), "c")], '{"a": 1, "b": 2, "c": 3}'),
        ('{"a": 1, "b": 2, "a": 3}', [RemoveDuplicates(("a",))], '{"b": 2, "a": 3}'),
        ('{"a": 1, "b": 2, "a": 3}', [RemoveDuplicates(("b",))], '{"a": 1, "b": 2, "a": 3}'),
        ('{"\\u0061": 1}', [Set(("a",), 1)], '{"\\u0061": 1}'),
        ('{"\\u0061": 1}', [Set(("a",), True)], '{"\\u0061": true}'),
        # Comma first, and the blank at the end of a line that Python 2 left there.
        ('{ "a": 1\n, "b": 2\n}', [Set(("c",), 3)], '{ "a": 1\n, "b": 2\n, "c": 3\n}'),
        (
            '{\n "a": 1, \n "b": 2\n}',
            [Set(("b",), [1, 2]), Set(("c",), 3)],
            '{\n "a": 1, \n "b": [\n  1, \n  2\n ], \n "c": 3\n}',
        ),
        (
            '{"a": [\n\n1\n],\n "o": {\n  "b": 1\n }\n}',
            [Move(("a",), ("o", "a"))],
            '{"o": {\n  "a": [\n\n  1\n  ],\n  "b": 1\n }\n}',
        ),
        # An object that was emptied is filled again as it was.
        ('{\n\t"a": 1\n}', [Remove(("a",)), Set(("b",), [1])], '{\n\t"b": [\n\t\t1\n\t]\n}'),
        ('{"o": { "a": 1 }}', [Remove(("o", "a")), Set(("o", "b"), 1)], '{"o": { "b": 1 }}'),
        # Whether keys are sorted is asked of each state anew.
        (
            '{"b": 1, "a": 2}',
            [Set(("c",), 3), Remove(("b",)), Set(("b",), 4)],
            '{"a": 2, "b": 4, "c": 3}',
        ),
        (
            '{"a": 1, "c": 2}',
            [Set(("x",), 3), Set(("b",), 4, after="x"), Set(("d",), 5)],
            '{"a": 1, "c": 2, "x": 3, "b": 4, "d": 5}',
        ),
        # By hand.
        ('{"b": 1,\n "c": 2}', [Set(("a",), 0)], '{"a": 0,\n "b": 1,\n "c": 2}'),
        ('{\n  "a": 1,\n\n    "b": 2\n}', [Remove(("a",))], '{\n\n    "b": 2\n}'),
        ('{"a"\n:1}', [Set(("b",), 1)], '{"a"\n:1, "b": 1}'),
        (
            '{\n    "a": {\n  "b": 1\n}\n}',
            [Set(("a", "c"), [1])],
            '{\n    "a": {\n  "b": 1,\n  "c": [\n      1\n  ]\n}\n}',
        ),
        (
            '{\n "a": {\n  "\\u0062": [\n\n   1\n  ],\n  "c": 2\n }\n}',
            [Move(("a", "b"), ("b",))],
            '{\n "a": {\n  "c": 2\n },\n "\\u0062": [\n\n  1\n ]\n}',
        ),
    ],
)
def test_odd_texts(text: str, changes: Any, wanted: str) -> None:
    assert apply(text, changes) == wanted


def test_a_version_s_field_moves_up_to_its_product() -> None:
    text = json.dumps({"v": {"1": {"i": {"x": {"y": [1, {}]}}}}, "a": 0}, indent=1)
    done = apply(text, [Move(("v", "1", "i", "x"), ("x",))])
    assert done == json.dumps({"v": {"1": {"i": {}}}, "a": 0, "x": {"y": [1, {}]}}, indent=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Set(("x", "y"), 1), "nothing is at /x/y"),
        (Set(("l", 3), 1), "nothing is at /l/3, nor can it be added there"),
        (Set(("l", -1), 1), "nothing is at /l/-1"),
        (Set(("l", "0"), 1), "nothing is at /l/0"),
        (Set(("o", 0), 1), "nothing is at /o/0"),
        (Set(("n", "o"), 1), "nothing is at /n/o"),
        (Set(("n",), {1, 2}), "what is to be at /n is not JSON"),
        (Remove(("a/b~",)), "nothing is at /a~1b~0"),
        (Remove(()), "the top is not in an object or list"),
        (Rename(("l", 0), "x"), "/l/0 is not a member of an object"),
        (Rename(("o",), "n"), "/n exists already"),
        (Move(("o",), ("n",)), "/n exists already"),
        (Move(("o",), ("o", "x")), "/o can't be moved into itself"),
        (Move(("o",), ("l", 2)), "/l/2 is not a member of an object"),
        (Move(("o",), ()), "the top is not a member of an object"),
        (Move((), ("x",)), "the top is not in an object or list"),
        (RemoveDuplicates(("x",)), "nothing is at /x"),
        (Remove(("two\nlines",)), 'nothing is at "/two\\nlines"'),
    ],
)
def test_a_change_that_can_t_be_made_names_its_place(change: Change, said: str) -> None:
    with pytest.raises(ChangeError) as error:
        apply('{"o": {}, "l": [1, 2], "n": 1}', [change])
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1,}', "\ufeff{}", "[" * 5000 + "]" * 5000])
def test_text_that_is_not_json_can_t_be_edited(text: str) -> None:
    with pytest.raises(ChangeError, match="the text can't be edited: "):
        apply(text, [])


def test_depth_has_a_bound() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    path = (0,) * (MAX_DEPTH - 1)
    assert apply(deep, [Set((*path, 0), 1)]).count("1") == 1
    for more in ([], [[[1]]], json.loads("[" * 900 + "]" * 900)):
        with pytest.raises(ChangeError, match=f"more than {MAX_DEPTH} levels of nesting at /0/0"):
            apply(deep, [Set((*path, 0), more)])
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 2):
        value = [value]
    over_lines = apply('{\n "a": 1\n}', [Set(("b",), value)])
    assert parse_text(over_lines).fatal is None
    assert over_lines.count("\n") == 3 + 2 * (MAX_DEPTH - 2)
    endless: list[Any] = []
    for _ in range(100_000):
        endless = [endless]
    with pytest.raises(ChangeError, match="levels of nesting at the top"):
        apply("1", [Set((), endless)])
    half, most = (json.dumps([{}], indent=1) for _ in range(2))
    text = f'{{"a": {"[" * 500 + half + "]" * 500}, "b": {{"c": {most}}}}}'
    assert apply(text, [Set(("a", *(0,) * 500, 0, "x"), 1)]).count('"x": 1') == 1
    nested = '{"a":' * 600 + "{}" + "}" * 600
    with pytest.raises(ChangeError, match="more than"):
        apply(f'{{"a": {nested}, "b": {nested}}}', [Move(("b",), (*("a",) * 500, "b"))])


def large(products: int) -> tuple[str, list[Change]]:
    """A products file of so many products, and four changes to each."""
    product = {
        "arch": "amd64",
        "versions": {
            f"202401{day:02}": {
                "items": {kind: {"path": f"{kind}/{day}", "size": day} for kind in "abcd"}
            }
            for day in range(20)
        },
    }
    data = {"format": "products:1.0", "products": {f"p{n}": product for n in range(products)}}
    changes: list[Change] = []
    for n in range(products):
        version = ("products", f"p{n}", "versions", f"202401{n % 20:02}")
        changes += [
            Set((*version, "items", "a", "size"), 99),
            Set((*version, "items", "b", "sha256"), "0" * 64),
            Remove((*version, "items", "c")),
            Move((*version, "items", "d", "path"), ("products", f"p{n}", "path")),
        ]
    return json.dumps(data, indent=1), changes


def test_the_work_of_many_changes_grows_with_the_text_alone() -> None:
    def work(products: int) -> Callable[[], object]:
        text, changes = large(products)
        return lambda: diff("products.json", text, apply(text, changes))

    assert grows_linearly(work, 10)


def test_many_changes_in_a_large_text() -> None:
    text, changes = large(500)
    done = apply(text, changes)
    shown = diff("products.json", text, done)
    wanted = parsed(text)
    assert len(json.loads(done)["products"]) == len(wanted) + 498
    assert done == json.dumps(json.loads(done), indent=1)
    assert 500 * 9 <= len(re.findall("^[-+] ", shown, re.MULTILINE)) <= 500 * 12


@pytest.mark.parametrize("name", ["good", "bad"])
def test_fixtures_show_a_change_and_nothing_else(name: str) -> None:
    seen = 0
    for file in sorted((ROOT / "fixtures" / name).rglob("*.json")):
        text = file.read_bytes().decode(errors="replace")
        try:
            data = json.loads(text)
        except ValueError:
            continue
        if not isinstance(data, dict) or "format" not in data:
            continue
        seen += 1
        assert apply(text, []) == text
        shown = diff("x", text, apply(text, [Set(("format",), "changed")])).splitlines()
        lines = [line for line in shown[2:] if line[0] in "-+"]
        assert [line[0] for line in lines] == ["-", "+"]
    assert seen


@example("a")
@given(keys)
def test_members_of_one_key_are_told_apart(key: str) -> None:
    said = json.dumps(key)
    text = f"{{{said}: 1, {said}: 2, {said}: 3}}"
    assert apply(text, [Set((key,), 4)]) == f"{{{said}: 1, {said}: 2, {said}: 4}}"
    assert apply(text, [Remove((key,)), Remove((key,))]) == f"{{{said}: 1}}"
    assert apply(text, [RemoveDuplicates((key,))]) == f"{{{said}: 3}}"
