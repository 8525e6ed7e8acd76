"""What findings say at the edges of an import: each row is an edit of a sound stream.

The row names the grave findings of the edit, with the first and the last line of each. What is
judged once for many products comes to the same there as what is judged one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.strict.fieldtypes import moment
from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from made import INDEX, UPDATED, _item
from test_import_edges import FILE, sound
from test_shortcuts import assert_both_ways_alike
from trees import MemoryTree

Edit = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], object]

#: The edit, and the codes with the first and the last line of each.
ROWS: dict[str, tuple[Edit, dict[str, tuple[str, str]]]] = {
    # BootSourceCacheBuilder: texts of 255 letters, on the strict engine as well.
    "a long release_title": (
        lambda _file, product, _items: product.update(release_title="24.04 LTS" + "x" * 250),
        {"MSL441": ("2.9", "3.8")},
    ),
    "a long release_codename": (
        lambda _file, product, _items: product.update(release_codename="x" * 256),
        {"MSL441": ("2.9", "3.8")},
    ),
    # Nobody misses a list of packages, whether its key or its ftype says that it is one.
    "another ftype under the key manifest": (
        lambda _file, _product, items: items.update(manifest=_item("list", "x/m")),
        {},
    ),
    "a manifest under another key": (
        lambda _file, _product, items: items.update(packages=_item("manifest", "x/m")),
        {},
    ),
    # updated_validator: no April has 31 days; the thirty-first of January is no other month's.
    "a date that does not exist": (
        lambda file, _product, _items: file.update(updated="Fri, 31 Apr 2026 10:00:00 +0000"),
        {"MSL306": ("3.8", "3.8")},
    ),
    # SingleFileProduct and MultiFileProduct: a version may have a date of its own.
    "a version's own date that is none": (
        lambda _file, product, _items: product["versions"]["20260101"].update(support_eol="soon"),
        {"MSL445": ("2.9", "3.8")},
    ),
    # _update_cache: `fromisoformat` of 3.8 takes a date by its week, older parsers do not.
    "a date by its week": (
        lambda _file, product, _items: product.update(support_eol="2029-W10-1"),
        {"MSL445": ("2.9", "3.7")},
    ),
}


def tree_of(file: dict[str, Any]) -> MemoryTree:
    """A stream of that one file."""
    entry = {"path": FILE, "format": "products:1.0", "updated": UPDATED}
    entry |= {"datatype": "image-downloads", "products": list(file["products"])}
    index = {"format": "index:1.0", "updated": UPDATED, "index": {"a": entry}}
    return MemoryTree({INDEX: json.dumps(index).encode(), FILE: json.dumps(file).encode()}, INDEX)


def grave(tree: MemoryTree) -> dict[str, tuple[str, str]]:
    """The codes of what costs something, each with its first and its last line."""
    look = look_at(load(tree), all_releases())
    found = [f for f in findings(look, all_rules()) if f.severity > Severity.WARNING]
    order = look.lines.index
    lines: dict[str, set[str]] = {}
    for finding in found:
        lines.setdefault(finding.code, set()).update(finding.maas)
    return {code: (min(of, key=order), max(of, key=order)) for code, of in lines.items()}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    edit, expected = ROWS[name]
    file, product, items = sound()
    assert grave(tree_of(file)) == {}
    edit(file, product, items)
    assert grave(tree_of(file)) == expected
    assert_both_ways_alike(tree_of(file), None)


@pytest.mark.parametrize("month", range(1, 13))
def test_usual_times_are_judged_as_all_others(month: int) -> None:
    """The quick way for times in the usual form takes exactly what ``strptime`` takes."""
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    for day in (0, 1, 28, 29, 30, 31, 32):
        for time in ("00:00:00", "23:59:59", "24:00:00", "10:60:00", "10:00:60", "10:00:61"):
            for year in (2023, 2024):
                text = f"Sun, {day:02} {names[month - 1]} {year} {time} +0000"
                assert _is_taken(text) is _is_parsed(text), text


#: The place of a character in the usual form → what may stand there instead.
OTHERWISE = {
    0: "sXé",
    3: ";",
    5: "x٣",
    8: "jX",
    12: "x٣",
    17: "x٣ ",
    19: ".",
    26: " Z",
    29: "5679x",
}


@pytest.mark.parametrize("place", OTHERWISE)
def test_nearly_usual_times_are_judged_as_all_others(place: int) -> None:
    usual = "Mon, 01 Jan 2024 10:00:00 +0000"
    for other in (*OTHERWISE[place], ""):
        text = usual[:place] + other + usual[place + 1 :]
        assert _is_taken(text) is _is_parsed(text), text


def _is_taken(text: str) -> bool:
    try:
        moment(text)
    except ValueError:
        return False
    return True


def _is_parsed(text: str) -> bool:
    try:
        datetime.strptime(text, "%a, %d %b %Y %H:%M:%S %z")
    except ValueError:
        return False
    return True
