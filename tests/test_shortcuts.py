"""What is judged once for many products comes to the same as what is judged one by one."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings

from maas_stream_lint import objects, product_columns
from maas_stream_lint.checks import all_rules, among, item_content
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Severity
from maas_stream_lint.image_files import _of, wanted_files
from maas_stream_lint.images.observation import FileOptions
from maas_stream_lint.imports import tables
from maas_stream_lint.imports.legacy.claim_rows import ClaimRows
from maas_stream_lint.imports.legacy.first_pass import FirstPass
from maas_stream_lint.imports.stored import HeldFile, Touched
from maas_stream_lint.imports.strict import shapes
from maas_stream_lint.imports.strict.kept_manifest import Manifest
from maas_stream_lint.look import Look, look_at
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from maas_stream_lint.uses import obstacles, use_events
from made import ALIKE, FIELDS, INDEX, UPDATED, crowds, streams
from trees import KEYRING, MemoryTree, corpus, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.catalog import Catalog
    from maas_stream_lint.imports.trace import Trace

CASES = {case["id"]: case for case in corpus()}
#: The shortcuts, each with the answer that makes the simulation go the long way.
SHORTCUTS: dict[tuple[Any, str], Any] = {
    (shapes, "all_usual"): False,
    (shapes, "is_usual"): False,
    (obstacles, "plainly_used"): frozenset(),
    (use_events, "_alike"): False,
    (use_events, "same_obstacles"): None,
    (among, "are"): False,
    (item_content, "are"): False,
    (objects, "are"): False,
    (product_columns, "are"): False,
}
#: More products than any stream here has.
NEVER = 10**6


@contextmanager
def the_long_way() -> Iterator[None]:
    """No shortcut is taken."""
    with ExitStack() as stack:
        for (owner, name), answer in SHORTCUTS.items():
            stack.enter_context(patch.object(owner, name, return_value=answer))
        stack.enter_context(patch.object(tables, "LEAST", NEVER))
        stack.enter_context(patch.object(FirstPass, "each_holds", new=False))
        stack.enter_context(patch.object(ClaimRows, "_odd", lambda _, claims: set(claims)))
        stack.enter_context(patch.object(Manifest, "_odd", lambda _, listed: listed.products))
        yield


def rows(trace: Trace) -> Any:
    """All that MAAS holds."""
    if trace.stored is None:
        return None
    resources = trace.stored.resources
    held = [
        (key, one.kflavor, one.extra, one.rolling, [(kept.version, kept.label, kept.sources)])
        for key, one in resources.items()
        for kept in one.sets.values()
    ]
    files = [
        [getattr(file, slot) for kind in (HeldFile, Touched) for slot in kind.__slots__]
        for file in trace.stored.files()
    ]
    return held, files, trace.stored.needed, trace.stored.sizes, trace.stored.aliases


def told(look: Look) -> dict[str, Any]:
    """All that is said of a stream."""
    found = findings(look, all_rules())
    return {
        "findings": [finding.to_dict() for finding in found],
        "verdicts": {line: t.to_verdict() for t in look.traces for line in t.lines},
        "rows": {line: rows(t) for t in look.traces for line in t.lines},
        "taken": {line: t.imported.products for t in look.traces for line in t.lines},
        "cached": {line: set(t.cached) for t in look.traces for line in t.lines},
    }


def assert_both_ways_alike(tree: MemoryTree, keyring: Any) -> None:
    stream = load(tree, keyring)  # type: ignore[arg-type]
    with patch.object(tables, "LEAST", 1):
        short = look_at(stream, all_releases())
        said = told(short)
    with the_long_way():
        assert told(look_at(stream, all_releases())) == said
    assert_picked(short)
    assert_table(short.catalog)
    assert_wanted(short)


def assert_table(catalog: Catalog) -> None:
    """The columns hold what the nodes say one by one."""
    columns, products, items = catalog.columns, catalog.products, catalog.items
    for field in FIELDS:
        assert columns.own(field) == [product.raw.get(field) for product in products]
        assert columns.texts(field) == [product.get(field) for product in products]
        assert columns.of_items(field) == [item.raw.get(field) for item in items]
        assert columns.texts_of_items(field) == [item.get(field) for item in items]
    assert columns.sizes_said == [item.size for item in items]
    assert columns.newest == [product.newest and product.newest.raw for product in products]
    assert columns.items == [item.raw for item in items]
    assert [columns.item(row) for row in range(len(items))] == items
    assert columns.ftypes == [item.ftype for item in items]
    assert columns.paths == [item.path for item in items]
    assert [columns.paths[row] for row in columns.firsts] == columns.paths
    assert [columns.paths.index(path) for path in columns.paths] == columns.firsts
    for product, nature in zip(products, columns.natures, strict=True):
        assert vars(nature) | vars(product.nature) == vars(product.nature)


def assert_wanted(look: Look) -> None:
    """The columns lead to the image files to which the items lead one by one."""
    items = look.catalog.items
    assert look.downloaded == [bool(look.downloads(item)) for item in items]
    wanted = wanted_files(look, FileOptions())
    every = wanted_files(look, FileOptions(all_versions=True))
    newest = {item.path for item in items if look.downloads(item)}
    assert wanted.keys() == every.keys() & newest
    for item in reversed(items):
        if item.path in wanted and look.downloads(item):
            every[item.path] = _of(item, item.path)
    assert wanted == {path: every[path]._replace(linked=wanted[path].linked) for path in wanted}


def assert_picked(look: Look) -> None:
    """A rule has nothing to say of the products and versions that it was not asked about."""
    nodes: dict[str, list[Any]] = {"product": look.catalog.products, "version": look.catalog.newest}
    for rule in all_rules():
        if rule.among is not None and rule.on in nodes:
            picked = {id(node) for node in rule.among(look)}
            assert picked <= {id(node) for node in nodes[rule.on]}, rule.name
            for node in nodes[rule.on]:
                if id(node) not in picked:
                    said = [one for one in rule.check(node, look) if one.lines != ()]
                    assert not said, (rule.name, node.place)


@pytest.mark.parametrize("id_", CASES)
def test_corpus(id_: str) -> None:
    case = CASES[id_]
    assert_both_ways_alike(tree_of(case), KEYRING if case["keyring"] else None)


@settings(max_examples=100, deadline=None)
@given(streams())
def test_made_streams(tree: MemoryTree) -> None:
    assert_both_ways_alike(tree, None)


@settings(max_examples=100, deadline=None)
@given(crowds())
def test_many_products(tree: MemoryTree) -> None:
    """What is stored and recorded as columns comes to the same, too."""
    assert_both_ways_alike(tree, None)


@pytest.mark.parametrize(
    ("os", "arch", "release", "sha256"),
    [
        ("rhel", "", "rhel9", "0" * 64),
        ("rhel", "amd64", "", "0" * 64),
        (None, "amd64", "rhel9", "0"),
    ],
    ids=[
        "no machine has the architecture",
        "nobody looks for the release",
        "the import leaves a set without files",
    ],
)
def test_an_odd_product_of_another_system(
    os: str | None, arch: str, release: str, sha256: str
) -> None:
    item = {"ftype": "root-tgz", "path": "rhel9/root-tgz", "sha256": sha256, "size": 1000}
    manifest = {**item, "ftype": "manifest", "path": "rhel9/manifest", "sha256": "1" * 64}
    product = {
        "arch": arch,
        "label": "stable",
        "release": release,
        "version": "9",
        "release_title": "9",
        "subarch": "generic",
        "subarches": "generic",
        "versions": {"20260101": {"items": {"root-tgz": item, "manifest": manifest}}},
    }
    named = {**ALIKE[0], "com.example:rhel:9": product | ({} if os is None else {"os": os})}
    head = {"format": "products:1.0", "updated": UPDATED}
    entry = {**head, "path": "streams/v1/a.json", "products": list(named)}
    files = {
        INDEX: {"format": "index:1.0", "index": {"a": entry}, "updated": UPDATED},
        "streams/v1/a.json": {**head, "content_id": "a", "products": named},
    }
    tree = MemoryTree({path: json.dumps(data).encode() for path, data in files.items()}, INDEX)
    assert_both_ways_alike(tree, None)
    found = findings(look_at(load(tree, None), all_releases()), all_rules())  # type: ignore[arg-type]
    assert max(finding.severity for finding in found) >= Severity.UNUSABLE


def test_a_part_of_a_table_picks_what_is_known_of_the_whole() -> None:
    raw = {
        f"p{n}": {
            "os": f"os{n}",
            "versions": {
                "1": {"items": {"a": {"ftype": "f", "path": f"x/{n}", "sha256": "0", "size": 1}}}
            },
        }
        for n in range(tables.LEAST + 2)
    }
    (table,) = tables.Products(raw, plain=True).tables
    part = table.without({0, 3}).without({1})
    assert part.whole is table
    assert (
        part.of_whole(table.names) == part.names == ["p1", *(f"p{n}" for n in range(4, len(raw)))]
    )
    assert part.items[0].names == [name.removeprefix("p") for name in part.names]
    assert part.items[0].widths == {"file-name": 1, "file-sha256": 1}
    assert table.only({1, 2}).whole is not table
