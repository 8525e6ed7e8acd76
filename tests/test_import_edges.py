"""Edges of the import that the corpus does not reach: small trees, and what MAAS does with them.

Each row is an edit of a good stream, the release lines, and the stage where the import ends or what
is left. The comment above a row names the MAAS function behind it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from maas_stream_lint.imports import simulate
from maas_stream_lint.imports.strict.fieldtypes import number
from maas_stream_lint.imports.strict.shapes import fit
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from made import INDEX, UPDATED, _bootloader, _item, _ubuntu
from trees import MemoryTree

FILE = "streams/v1/a.json"
ELDER = ["2.9", "3.0", "3.1", "3.2", "3.3"]
TO_34 = [*ELDER, "3.4"]
TO_35 = [*TO_34, "3.5"]
FROM_34 = ["3.4", "3.5", "3.6", "3.7"]
FROM_35 = ["3.5", "3.6", "3.7"]

Edit = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], object]


def sound() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A file with one Ubuntu product, that product, and the items of its one version."""
    name, product = _ubuntu("v3", "noble", "24.04", "amd64", "20260101")
    file = {"content_id": "a", "datatype": "image-downloads", "format": "products:1.0"}
    whole = {**file, "updated": UPDATED, "products": {name: product}}
    return whole, product, product["versions"]["20260101"]["items"]


def verdicts(file: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What every line does with a stream of that one file."""
    entry = {"path": FILE, "format": "products:1.0", "updated": UPDATED, "products": []}
    index = {"format": "index:1.0", "updated": UPDATED, "index": {"a": entry}}
    files = {INDEX: json.dumps(index).encode(), FILE: json.dumps(file).encode()}
    traces = simulate(load(MemoryTree(files, INDEX)), all_releases())
    return {line: trace.to_verdict() for trace in traces for line in trace.lines}


def ends_in(stage: str) -> Callable[[dict[str, Any]], bool]:
    return lambda verdict: verdict["fatal"] is not None and verdict["fatal"]["stage"] == stage


def raises(exception: str) -> Callable[[dict[str, Any]], bool]:
    return lambda verdict: (
        verdict["fatal"] is not None and verdict["fatal"]["exception"] == exception
    )


def goes_through(verdict: dict[str, Any]) -> bool:
    return verdict["fatal"] is None and verdict["imported"] != [] and not verdict.get("aborted")


def leaves(*filetypes: str) -> Callable[[dict[str, Any]], bool]:
    return lambda verdict: (
        verdict["fatal"] is None
        and [resource["filetypes"] for resource in verdict["resources"]] == [sorted(filetypes)]
    )


def huge_twin(items: dict[str, Any]) -> None:
    """A second item with the kernel's content, and a size over 64 bits."""
    items["twin"] = {**items["boot-kernel"], "path": "x/twin", "size": 2**63}


def own_title(items: dict[str, Any]) -> None:
    """One item with a title of its own; the cache keeps that of the last item."""
    titles = {"os_title": "Ubuntu\ud800", "release_title": "24.04"}
    items["boot-initrd"] = {**items["boot-initrd"], **titles}


def turn_into_bootloader(file: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One bootloader in the place of the image."""
    name, product = _bootloader("uefi", "grub-efi-signed", "amd64", "grub2-signed")
    file["products"] = {name: product | more}
    return file["products"][name]  # type: ignore[no-any-return]


def list_versions(product: dict[str, Any]) -> None:
    product["versions"] = [
        {"version_name": name, **version} for name, version in product["versions"].items()
    ]


EDGES: dict[str, tuple[Edit, list[tuple[list[str], Callable[[dict[str, Any]], bool]]]]] = {
    # BootResourceStore.insert: up to 3.4 a LargeFile is made once for a sha256, and has the size.
    "huge size of known content": (
        lambda _file, _product, items: huge_twin(items),
        [(TO_34, goes_through), (FROM_35, ends_in("writer"))],
    ),
    # get_or_create_boot_resource: the alias came with 3.6; before, the version is stored nowhere.
    "NUL in version": (
        lambda _file, product, _items: product.update(version="24.04\0"),
        [(TO_35, goes_through), (["3.6", "3.7"], ends_in("writer")), (["3.8"], ends_in("cache"))],
    ),
    # get_or_create_boot_resource: the title goes into `extra`, of each item anew.
    "surrogate in the title of one item": (
        lambda _file, _product, items: own_title(items),
        [(ELDER, goes_through), (FROM_34, ends_in("writer"))],
    ),
    # check_tree_paths: by the format after the aliases, where sync() goes by the one before.
    "aliases that make an index of a products file": (
        lambda file, _product, _items: file.update(
            _aliases={"content_id": {"a": {"format": "index:1.0"}}}
        ),
        [([*TO_35, "3.6", "3.7"], ends_in("descriptions")), (["3.8"], goes_through)],
    ),
    # products_exdata: a digest may stand above the item; it is stored all the same.
    "surrogate in the sha256 of a version": (
        lambda _file, product, items: (
            product["versions"]["20260101"].update(sha256="\ud800"),
            items["boot-kernel"].pop("sha256"),
        ),
        [([*TO_35, "3.6", "3.7"], ends_in("writer"))],
    ),
    # ImageManifestsRepository.create: the whole model is stored, its `format` too.
    "NUL in the format of a products file": (
        lambda file, _product, _items: file.update(format="products:1.0\0"),
        [(["3.8"], ends_in("cache"))],
    ),
    # The same of a list, the form that MAAS itself writes (preprocess_versions).
    "NUL in an item of a version in a list": (
        lambda _file, product, items: product.update(
            versions=[{"version_name": "1", **items, "manifest": _item("manifest\0", "x")}]
        ),
        [(["3.8"], ends_in("cache"))],
    ),
    # preprocess_products comes before updated_validator, which fails on a number with a TypeError.
    "number for the date of a file whose product is bad": (
        lambda file, product, _items: (file.update(updated=1), product.pop("label")),
        [(["3.8"], raises("SimpleStreamsClientException"))],
    ),
    "number for the date of a file": (
        lambda file, _product, _items: file.update(updated=1),
        [(["3.8"], raises("TypeError"))],
    ),
    # Without a mapping that is not empty there is nothing to do before it.
    "number for the date of a file without products": (
        lambda file, _product, _items: file.update(updated=1, products={}),
        [(["3.8"], raises("TypeError"))],
    ),
    # A list is judged to its end, where preprocess_versions stops at the first that does not fit:
    # so a bootloader product lives with a date that is no text, but for a list of versions.
    "number for a date in a bootloader product": (
        lambda file, _product, _items: turn_into_bootloader(file, support_eol=5),
        [(["3.8"], goes_through)],
    ),
    "number for a date in a bootloader product with listed versions": (
        lambda file, _product, _items: list_versions(turn_into_bootloader(file, support_eol=5)),
        [(["3.8"], ends_in("metadata"))],
    ),
    # preprocess_items: an item of that key takes the place of the version's name, and is no text.
    "an item keyed version_name": (
        lambda _file, _product, items: items.update(version_name=_item("manifest", "x")),
        [([*TO_35, "3.6", "3.7"], goes_through), (["3.8"], ends_in("metadata"))],
    ),
    # get_files_to_download_from_product: a squashfs takes the place of a root-image.gz.
    "squashfs after a root-image.gz under another key": (
        lambda _file, _product, items: items["boot-initrd"].update(ftype="root-image.gz"),
        [(["3.8"], leaves("boot-kernel", "squashfs"))],
    ),
    # The same the other way round: only what was stored before is deleted.
    "root-image.gz after a squashfs": (
        lambda _file, _product, items: items.update(
            {"root-image.gz": _item("root-image.gz", "x/root-image.gz")}
        ),
        [(["3.8"], leaves("boot-initrd", "boot-kernel", "root-image.gz", "squashfs"))],
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str) -> None:
    edit, expected = EDGES[name]
    file, product, items = sound()
    assert all(goes_through(verdict) for verdict in verdicts(file).values())
    edit(file, product, items)
    seen = verdicts(file)
    wrong = {line: seen[line] for lines, fits in expected for line in lines if not fits(seen[line])}
    assert wrong == {}


# pydantic's lax `int`, of every version from 2.10 to 2.13: what 3.8 takes for a size.
@pytest.mark.parametrize(
    ("value", "taken"),
    [
        *((v, True) for v in ["12", " 12\n", "12.0", "12.00", "1_000", "+5", "-0", True, 12.0]),
        *((v, True) for v in ["\u300012", "\x8512", 10**30, float(2**62), "9" * 30]),
        *((v, False) for v in ["12.", "0.", ".5", "1__0", "_1", "1e3", "\u0663", "", "+-5"]),
        *((v, False) for v in ["\x1c12", "12\x1f", "\ufeff12"]),
        *((v, False) for v in [1e19, -float(2**63), 1.5, float("nan"), float("inf"), None, []]),
    ],
    ids=ascii,
)
def test_whole_numbers(value: Any, taken: bool) -> None:
    try:
        number(value)
    except ValueError:
        assert not taken
    else:
        assert taken


# UrlContentSource._urlinfo cuts off a query; what is left must be a name that a disk can hold.
@pytest.mark.parametrize(
    ("path", "looked_for"),
    [
        *((path, True) for path in ["none", "a\udc80", "a?\0", "a#\ud800"]),
        *((path, False) for path in ["a\0", "a\ud800", "a\udc7f", "a\0?b"]),
    ],
    ids=ascii,
)
def test_names_that_are_not_opened(path: str, looked_for: bool) -> None:
    """Only what is looked for and not there is an I/O error, which the walk logs."""
    index = {"format": "index:1.0", "index": {"a": {"path": path, "format": "products:1.0"}}}
    tree = MemoryTree({INDEX: json.dumps(index).encode()}, INDEX)
    verdict = simulate(load(tree), all_releases())[0].to_verdict()
    assert ends_in("descriptions")(verdict)
    assert bool(verdict["log"]["descriptions"]) is looked_for


def test_of_versions_with_one_name_the_last_is_the_newest() -> None:
    """MAAS 3.8 sorts versions by name and takes the last one; sorting keeps the order of equals."""
    whole, product, items = sound()
    named = {**items, "version_name": "x"}
    product["versions"] = {"2": {"items": named}, "1": {"items": named}}
    (read,) = fit(whole, all_releases()[-1]).fitting.products
    assert read.newest.step == "1"


def test_an_entry_of_a_list_needs_a_name() -> None:
    """The form that MAAS itself writes has the names inside; its model wants one of each entry."""
    whole, _, _ = sound()
    entry = {"path": FILE, "format": "products:1.0", "updated": UPDATED, "products": []}
    for named, fine in ({"name": "a"}, True), ({}, False), ({"name": 1}, False):
        index = {"format": "index:1.0", "updated": UPDATED, "indexes": [{**entry, **named}]}
        files = {INDEX: json.dumps(index).encode(), FILE: json.dumps(whole).encode()}
        trace = simulate(load(MemoryTree(files, INDEX)), all_releases()[-1:])[0]
        assert goes_through(trace.to_verdict()) is fine
