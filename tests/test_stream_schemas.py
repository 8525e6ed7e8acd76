"""The schemas of streams: as the generator makes them, and of one mind with the engines.

Each document of the corpora is put alone behind a good index, so that an event is about it and
nothing else. The engine takes it if no event has its place in it. The schema must say the same,
except where ``NOT_SAYABLE`` tells why it cannot. That list may only shrink.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from click.testing import CliRunner

import stream_schemas
from maas_stream_lint.cli.main import main
from maas_stream_lint.imports import simulate
from maas_stream_lint.rule_files import rules_root
from maas_stream_lint.rulebook import Release, all_releases
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


KINDS_OF_PRODUCTS = tuple(
    kind for kind in stream_schemas.KINDS if kind not in ("index", "products")
)


def test_a_kind_is_narrower_than_all_products() -> None:
    """What fits a kind is a products file; on the strict engine, the reverse is true, too."""
    fitting = dict.fromkeys(KINDS_OF_PRODUCTS, 0)
    for document in documents()[1].values():
        for release in all_releases():
            some = validator(release.line, "products").is_valid(document.data)
            kinds = [
                k for k in KINDS_OF_PRODUCTS if validator(release.line, k).is_valid(document.data)
            ]
            assert some or not kinds, f"{document.id} on {release.line}: {kinds}"
            assert kinds or not some or not release.strict, f"{document.id} on {release.line}"
            for kind in kinds:
                fitting[kind] += 1
    assert min(fitting.values()) > 100


def test_the_command_prints_each() -> None:
    newest = all_releases()[-1].line
    for kind in stream_schemas.KINDS:
        for release in all_releases():
            done = CliRunner().invoke(main, ["schema", kind, "--maas", release.line])
            assert done.output == (FOLDER / release.line / f"{kind}.json").read_text()
        latest = (FOLDER / newest / f"{kind}.json").read_text()
        for line in ([], ["--maas", "latest"], ["--maas", f"v{newest}.1"]):
            assert CliRunner().invoke(main, ["schema", kind, *line]).output == latest
    assert (
        CliRunner().invoke(main, ["schema"]).output
        == (FOLDER / newest / "products.json").read_text()
    )


@pytest.mark.parametrize("path", sorted((FOLDER.parent).glob("*.json")), ids=lambda path: path.stem)
def test_the_command_prints_the_schemas_of_all_else(path: Path) -> None:
    schema = json.loads(CliRunner().invoke(main, ["schema", path.stem]).output)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:maas-stream-lint:{path.stem}:1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nothing"], "no schema 'nothing'"),
        (["index", "--maas", "1.9"], "no MAAS release line '1.9'"),
        (["config", "--maas", "latest"], "--maas and config cannot be combined"),
    ],
)
def test_the_command_says_what_it_does_not_know(given: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["schema", *given])
    assert done.exit_code == 2
    assert said in done.output


CHECK_JSONSCHEMA = Path(sys.executable).parent / "check-jsonschema"


@pytest.mark.skipif(not CHECK_JSONSCHEMA.exists(), reason="without the test extra")
def test_what_the_page_shows_of_check_jsonschema(tmp_path: Path) -> None:
    """The commands and the output of ``docs/schemas.md``, run."""
    page = (ROOT / "docs/schemas.md").read_text("utf-8")
    (bad,) = (ROOT / "fixtures/bad/MSL509-missing-manifest/tree").rglob("*bases-download.json")
    shutil.copy(bad, tmp_path)
    newest = FOLDER / all_releases()[-1].line / "products.json"
    command = [CHECK_JSONSCHEMA, "--schemafile", newest, bad.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert done.stdout.split() == shown.split()
    good = sorted((ROOT / "fixtures/good/every-release/tree/streams/v1").glob("com*.json"))
    assert len(good) == 3
    done = subprocess.run([*command[:3], *good], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_page_names_each_exception() -> None:
    page = (ROOT / "docs/schemas.md").read_text("utf-8").partition("## What a schema cannot say")[2]
    exceptions = len(re.findall(r"^- ", page, re.MULTILINE))
    # Two products that become one image, and indexes at a wrong place, are one line each.
    assert exceptions == len(NOT_SAYABLE) - 2 + len(TOO_STRICT)


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
