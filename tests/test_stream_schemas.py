"""The schemas of streams: as the generator makes them, and of one mind with the engines.

Each document of the corpora is put alone behind a good index, so that an event is about it and
nothing else. The engine takes it if no event has its place in it. The schema must say the same,
except where ``NOT_SAYABLE`` tells why it cannot. That list may only shrink.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

import stream_schemas
from maas_stream_lint.imports import simulate
from maas_stream_lint.rulebook import Release, all_releases, rules_root
from maas_stream_lint.stream import load
from trees import KEYRING, MemoryTree, corpus, tree_of

ROOT = Path(__file__).parents[1]
FOLDER = rules_root() / "schemas/streams"
INDEX = "streams/v1/index.json"
GOOD_INDEX = {
    "format": "index:1.0",
    "updated": "Sun, 01 Nov 2026 10:00:00 +0000",
    "index": {
        "com.example:only": {
            "datatype": "image-ids",
            "format": "products:1.0",
            "path": "streams/v1/only.json",
            "products": [],
            "updated": "Sun, 01 Nov 2026 10:00:00 +0000",
        }
    },
}
ONLY = "streams/v1/only.json"

#: Causes of events that a schema accepts, at least sometimes, and why it has to.
NOT_SAYABLE = {
    "aliases-broken": "an alias has to be followed",
    "duplicate-tuple": "two products are compared",
    "entry-nested-index": "only what names a document tells whether it may be an index",
    "identity-overridden": "two products are compared",
    "index-names-itself": "the path of the document itself is not in it",
    "lone-surrogate-stored": "patterns have no name for half a character that all dialects know",
    "maas-supported-newer": "versions would have to be ordered",
    "size-not-a-number": "to a schema 1000.0 is the integer 1000; the legacy engine reads a text",
    "slash-in-name": "up to 3.4 MAAS only fails if it has the file's content already",
}
#: Why a schema refuses what the engine takes.
TOO_STRICT = {
    "aliases": "an alias may stand for what seems to be missing",
    "old-version": "a schema does not know which version is the newest, so it judges all",
    "falsy": "where MAAS asks whether a path is empty, the number 0 is empty, too",
}


class Document(NamedTuple):
    """A document of the corpora, by its case."""

    id: str
    data: Any


def everything() -> Iterator[tuple[str, MemoryTree, bool]]:
    for case in corpus():
        yield case["id"], tree_of(case), case["keyring"]
    for tree in sorted((ROOT / "fixtures").glob("*/*/tree")):
        paths = [path for path in tree.rglob("*") if path.suffix in (".json", ".sjson")]
        files = {path.relative_to(tree).as_posix(): path.read_bytes() for path in paths}
        yield tree.parent.name, MemoryTree(files, INDEX if INDEX in files else ""), False


@cache
def documents() -> tuple[dict[str, Document], dict[str, Document]]:
    """Each index and each products file that is JSON, once."""
    indexes, products = {}, {}
    for id_, tree, _ in everything():
        stream = load(tree, KEYRING)  # type: ignore[arg-type]
        for path, read in stream.files.items():
            document = read.legacy(signed=path.endswith(".sjson")).document
            if document is not None:
                data = json.loads(json.dumps(document.data))
                is_index = path == stream.start and not (
                    isinstance(data, dict) and "products" in data
                )
                kept = indexes if is_index else products
                kept.setdefault(json.dumps(data), Document(f"{id_} {path}", data))
    return indexes, products


def events(release_lines: tuple[Release, ...], tree: MemoryTree, path: str) -> dict[str, set[str]]:
    """Line → the causes of the events in a document."""
    found: dict[str, set[str]] = {}
    for trace in simulate(load(tree), release_lines):  # type: ignore[arg-type]
        causes = {event.cause for event in trace.events if event.place.file == path}
        found |= dict.fromkeys(trace.lines, causes)
    return found


def alone(data: Any) -> MemoryTree:
    files = {INDEX: GOOD_INDEX, ONLY: data}
    return MemoryTree({path: json.dumps(value).encode() for path, value in files.items()}, INDEX)


@cache
def validator(line: str, kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((FOLDER / line / f"{kind}.json").read_text()))


def test_the_files_are_those_of_the_generator() -> None:
    made = dict(stream_schemas.files())
    if os.environ.get("UPDATE_SCHEMAS"):
        for path, text in made.items():
            (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / path).write_text(text, "utf-8")
    there = {p.relative_to(FOLDER).as_posix(): p.read_text() for p in FOLDER.rglob("*.json")}
    assert there.keys() == made.keys()
    assert [path for path in made if there[path] != made[path]] == [], (
        "UPDATE_SCHEMAS=1 writes them"
    )


@pytest.mark.parametrize("line", [release.line for release in all_releases()])
def test_each_is_a_schema_that_says_what_it_is_of(line: str) -> None:
    for kind in stream_schemas.KINDS:
        schema = validator(line, kind).schema
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:maas-stream-lint:stream:{line}:{kind}"
        assert line in schema["title"]


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            elif key == "patternProperties":
                yield from value
            yield from patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from patterns(value)


def test_patterns_mean_the_same_in_every_dialect() -> None:
    """Python's and ECMAScript's ``\\d`` and ``\\w`` differ, and so do their groups and flags."""
    found = {p for _, text in stream_schemas.files() for p in patterns(json.loads(text))}
    assert len(found) > 10
    odd = re.compile(r"\(\?[^:=!]|\\[dwbDWBAZ]|\(\?<|\\x")
    assert [pattern for pattern in found if odd.search(pattern)] == []


def newest_only(data: Any) -> Any:
    """A products file without older versions."""
    data = json.loads(json.dumps(data))
    for product in data["products"].values():
        if isinstance(product, dict) and isinstance(product.get("versions"), dict):
            versions = product["versions"]
            if versions:
                product["versions"] = {max(versions): versions[max(versions)]}
    return data


def why_too_strict(line: str, kind: str, data: Any) -> str:
    if "_aliases" in data:
        return "aliases"
    if validator(line, kind).is_valid(newest_only(data)):
        return "old-version"
    best = jsonschema.exceptions.best_match(validator(line, kind).iter_errors(data))
    assert best is not None
    return "falsy" if best.instance == 0 else f"{best.json_path}: {best.message}"


def judge(kind: str) -> tuple[dict[str, list[str]], dict[str, list[str]], int]:
    """Causes that schemas accept, reasons to refuse what engines take, and how many agreed."""
    accepted, refused = defaultdict(list), defaultdict(list)
    agreed = 0
    for document in documents()[kind == "products"].values():
        index = {INDEX: json.dumps(document.data).encode()}
        tree = alone(document.data) if kind == "products" else MemoryTree(index, INDEX)
        seen = events(all_releases(), tree, ONLY if kind == "products" else INDEX)
        for release in all_releases():
            line = f"{document.id} on {release.line}"
            causes = seen[release.line]
            if kind == "index":
                causes = causes - {"entry-file-missing"}  # it is not beside it here
            taken = validator(release.line, kind).is_valid(document.data)
            if taken and causes:
                for cause in causes:
                    accepted[cause].append(line)
            elif not taken and not causes:
                refused[why_too_strict(release.line, kind, document.data)].append(line)
            else:
                agreed += 1
    return accepted, refused, agreed


@cache
def judged() -> tuple[dict[str, list[str]], dict[str, list[str]], int]:
    parts = [judge("index"), judge("products")]
    accepted = {k: v for part in parts for k, v in part[0].items()}
    refused = {k: v for part in parts for k, v in part[1].items()}
    return accepted, refused, sum(part[2] for part in parts)


def test_schemas_refuse_what_engines_refuse() -> None:
    accepted, _, agreed = judged()
    new = {cause: lines for cause, lines in accepted.items() if cause not in NOT_SAYABLE}
    assert new == {}
    assert agreed > 3000


def test_schemas_take_what_engines_take() -> None:
    refused = judged()[1]
    new = {why: lines for why, lines in refused.items() if why not in TOO_STRICT}
    assert new == {}


def test_no_exception_is_kept_that_is_not_needed() -> None:
    accepted, refused, _ = judged()
    assert NOT_SAYABLE.keys() - accepted.keys() == set()
    assert TOO_STRICT.keys() - refused.keys() == set()
