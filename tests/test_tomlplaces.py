"""Where the keys of a TOML text stand, against what a parser makes of it."""

from __future__ import annotations

import json
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from maas_stream_lint.configuration.tomlplaces import Key, lines

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WHOLE = '''# a comment = [1]
a = 1 # [x]
"b.c".d = """x
[y]
z = 1"""
e = [1, # ]
  {f = 2, g.h = [ "]" ]},
  2020-01-01T00:00:00Z,
]
[tool."maas-\\u0078"] # a
k = 'a#b'
'l"' = \'\'\'
m = 1\'\'\'\'
[[ignores]]
product = "*\\""
[[ignores]]
[ignores.sub]
x = true
'''


def keys(value: Any, at: Key = ()) -> set[Key]:
    """Every key and list position in a parsed text."""
    held: Any = ()
    if isinstance(value, dict):
        held = value.items()
    elif isinstance(value, list):
        held = enumerate(value)
    return {at}.union(*(keys(inner, (*at, step)) for step, inner in held))


def test_lines() -> None:
    found = lines(WHOLE)
    assert set(found) == keys(tomllib.loads(WHOLE))
    expected: dict[Key, int] = {
        ("a",): 2,
        ("b.c", "d"): 3,
        ("e",): 6,
        ("e", 1, "g", "h", 0): 7,
        ("e", 2): 8,
        ("tool", "maas-x"): 10,
        ("tool", "maas-x", 'l"'): 12,
        ("ignores", 0, "product"): 15,
        ("ignores", 1): 16,
        ("ignores", 1, "sub", "x"): 18,
    }
    assert {key: found[key] for key in expected} == expected


NAMES = st.sampled_from(["a", "b-c", "3", "d.e", "[f]", 'g"#', "h = 1", ""])
SCALARS = st.sampled_from(
    ["1", "2.5", "true", "1979-05-27 07:32:00", '"]"', "'#,}'", '"""\n[x]\ny=1\n"""', "'''\n'''"]
)


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.sampled_from(["scalar", "list", "table"] if depth else ["scalar"]))
    if kind == "list":
        parts = draw(st.lists(values(depth=depth - 1), max_size=3))
        gap = draw(st.sampled_from(["", " ", "\n", " # ]\n"]))
        return "[" + "".join(f"{gap}{part}{gap}," for part in parts) + gap + "]"
    if kind == "table":
        names = draw(st.lists(NAMES, max_size=3, unique=True))
        held = ", ".join(f"{json.dumps(n)} = {draw(values(depth=depth - 1))}" for n in names)
        return "{ " + held + " }"
    return draw(SCALARS)


@st.composite
def texts(draw: st.DrawFn) -> str:
    said = []
    for table in draw(st.lists(NAMES, max_size=3, unique=True)):
        many = draw(st.integers(0, 2))
        for _ in range(max(1, many)):
            name = f"{draw(st.sampled_from(['', ' ']))}{json.dumps(table)}"
            said.append(f"[[{name}]]" if many else f"[{name}]")
            for key in draw(st.lists(NAMES, max_size=3, unique=True)):
                dotted = f"{json.dumps(key)} . {json.dumps(draw(NAMES))}"
                said.append(f"{dotted} = {draw(values())}  # = [")
    return draw(st.sampled_from(["\n", "\r\n", "\n\n"])).join(said)


@given(texts())
def test_no_key_is_missed_or_made_up(text: str) -> None:
    assert set(lines(text)) == keys(tomllib.loads(text))


@given(st.text(alphabet="a.=[]{}\"'#\n, ", max_size=30))
def test_what_is_no_toml_ends_too(text: str) -> None:
    lines(text)
