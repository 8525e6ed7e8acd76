"""No silence, no false alarm: findings against the simulation, over corpus and made streams."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Finding, Path, Place, Severity
from maas_stream_lint.imports.trace import Trace
from maas_stream_lint.look import Look, look_at
from maas_stream_lint.outcome import DOWNLOADS
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from made import INDEX, streams
from trees import KEYRING, MemoryTree, corpus, tree_of

CASES = {case["id"]: case for case in corpus()}
#: Not imported on purpose, so that no finding is due.
HARMLESS = ("manifest", "notifications")

#: Rules that tell of a loss for which something else in the stream makes up.
MADE_UP_FOR = ("bootloader-unsupported", "squashfs-key")


def looked(tree: MemoryTree, *, keyring: bool) -> tuple[Look, list[Finding]]:
    look = look_at(load(tree, KEYRING if keyring else None), all_releases())
    return look, findings(look, all_rules())


def lost_items(look: Look, trace: Trace) -> list[Place]:
    """Items of newest versions that an import that came to its end did not record."""
    imported = {(i.file, i.product, i.version, i.item) for i in trace.imported}
    named = {entry.names for index in look.catalog.indexes for entry in index.entries}
    lost = []
    for product in look.catalog.products:
        version = product.newest
        items = version.raw.get("items") if version is not None else None
        if version is None or not isinstance(items, dict):
            continue
        if product.file.path not in named | {look.stream.start}:
            continue
        for key in items:
            if (product.file.path, product.name, version.name, key) not in imported:
                lost.append(version.place.below("items", key))
    return lost


def harmless_items(look: Look) -> set[Place]:
    """Items that nobody misses: manifests by key or file type, and notifications."""
    return {i.place for i in look.catalog.items if i.ftype in HARMLESS or i.key == "manifest"}


def related(place: Place, path: Path) -> bool:
    """Whether one of two paths leads through the other, or both are in one product or entry.

    A field that an item is judged by may stand at any level of its product.
    """
    steps = min(len(place.path), len(path), 2)
    return place.path[:steps] == path[:steps]


def entries_to(file: str, look: Look) -> set[Place]:
    """The entries that lead to a file, those of an index in the index included."""
    found: set[Place] = set()
    files = [file]
    for wanted in files:
        here = {e.place for i in look.catalog.indexes for e in i.entries if e.names == wanted}
        files += {place.file for place in here - found} - set(files)
        found |= here
    return found


def touches(finding: Finding, item: Place, look: Look) -> bool:
    """Whether a finding points at an item, what it is in, or the entry that names its file."""
    file, path = item.file, item.path
    entries = entries_to(file, look)
    for place in finding.places:
        if place.file == file and related(place, path):
            return True
        if any(place.file == e.file and related(place, e.path) for e in entries):
            return True
    return False


def assert_no_silence(look: Look, found: list[Finding]) -> None:
    harmless = harmless_items(look)
    for trace in look.traces:
        for line in trace.lines:
            serious = [f for f in found if f.severity >= Severity.IGNORED and line in f.maas]
            if trace.fatal is not None:
                place = trace.fatal.place
                assert any(
                    f.severity is Severity.FATAL
                    and any(p.file == place.file and related(p, place.path) for p in f.places)
                    for f in serious
                ), (line, trace.fatal)
                continue
            # What another item or product makes up for is no loss, but it is told.
            twins = [f for f in found if f.name in MADE_UP_FOR and line in f.maas]
            for item in lost_items(look, trace):
                if item not in harmless:
                    assert any(touches(f, item, look) for f in serious + twins), (line, item)


def assert_no_false_alarm(look: Look, found: list[Finding]) -> None:
    for finding in found:
        if finding.severity < Severity.IGNORED or finding.name in DOWNLOADS:
            continue  # no download is simulated
        for trace in look.traces:
            if not set(trace.lines) & set(finding.maas):
                continue
            if finding.severity is Severity.FATAL:
                # Or the import of every rack fails, after that of the region.
                assert trace.fatal is not None or finding.name == "custom-os", finding
            elif trace.fatal is None:
                assert affected(finding, trace, look), (finding, trace.lines)


def affected(finding: Finding, trace: Trace, look: Look) -> bool:
    """Whether something that a finding points at is not imported, or nothing there is."""
    product = finding.place.product
    if any(touches(finding, item, look) for item in lost_items(look, trace)):
        return True
    here = [i for i in trace.imported if i.product == product and i.file == finding.place.file]
    return not here


def judge(tree: MemoryTree, *, keyring: bool = False) -> None:
    look, found = looked(tree, keyring=keyring)
    assert_no_silence(look, found)
    assert_no_false_alarm(look, found)
    for finding in found:
        json.dumps(finding.to_dict())
        assert finding.maas
        assert finding.message
        assert finding.remedy
        assert "\n" not in finding.message.replace(finding.place.product or "\0", "")


@pytest.mark.parametrize("name", sorted(CASES))
def test_corpus(name: str) -> None:
    case: dict[str, Any] = CASES[name]
    judge(tree_of(case), keyring=case["keyring"])


def test_two_files_of_one_identity() -> None:
    """MAAS then takes of both the version that the last one has as its newest."""
    item = {"ftype": "root-tgz", "path": "a/root-tgz", "sha256": "0" * 64, "size": 1}
    fields = {"arch": "amd64", "label": "stable", "os": "rhel", "release": "rhel9"}
    index, files = {}, {}
    for number, versions in enumerate((("1", "2"), ("1",))):
        path = f"streams/v1/{number}.json"
        held = {name: {"items": {"root-tgz": item}} for name in versions}
        document = {"content_id": "x", "format": "products:1.0"}
        document["products"] = {"rhel": {**fields, "versions": held}}
        files[path] = json.dumps(document).encode()
        index[str(number)] = {"format": "products:1.0", "path": path}
    files[INDEX] = json.dumps({"format": "index:1.0", "index": index}).encode()
    tree = MemoryTree(files, INDEX)
    judge(tree)
    found = [f for f in looked(tree, keyring=False)[1] if f.name == "duplicate-tuple"]
    assert "only version `1` of this one" in found[0].effect


@settings(
    max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(streams())
def test_made_streams(tree: MemoryTree) -> None:
    judge(tree)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_cut_and_overwritten_files(name: str, data: st.DataObject) -> None:
    """Bytes of a sound file cut off or overwritten anywhere: findings, never an exception."""
    tree = tree_of(CASES[name])
    if not tree.files:
        return
    path = data.draw(st.sampled_from(sorted(tree.files)))
    raw = bytearray(tree.files[path])
    for _ in range(data.draw(st.integers(1, 3))):
        if raw:
            at = data.draw(st.integers(0, len(raw) - 1))
            raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    tree.files[path] = (
        bytes(raw[: data.draw(st.integers(0, len(raw)))])
        if data.draw(st.booleans())
        else bytes(raw)
    )
    judge(tree, keyring=CASES[name]["keyring"])
