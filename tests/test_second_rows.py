"""A second import, one change at a time: what MAAS then fetches, keeps and deletes.

``tests/second`` holds what MAAS itself did with some of these changes. This table has one row for
each change that somebody saw or read in MAAS's import code, so that none hangs on one case alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from maas_stream_lint import compare

CASE = json.loads((Path(__file__).parent / "second" / "second-basename-changed.json").read_text())
INDEX = "streams/v1/index.json"
FILE = next(path for path in CASE["before"] if path != INDEX)
PRODUCT = "com.example.maas:v3:boot:22.04:amd64:ga-22.04"
RESOURCE = "ubuntu/jammy amd64/ga-22.04"
FIRST, NEXT = "20240616", "20240701"
#: The groups of release lines that differ, by a line of each.
OLD, MIDDLE, NEW = "3.3", "3.7", "3.8"

Tree = dict[str, Any]


def product(tree: Tree) -> Any:
    return tree["products"][PRODUCT]


def items(tree: Tree, version: str = FIRST) -> Any:
    return product(tree)["versions"][version]["items"]


def publish(tree: Tree, *, again: bool = False) -> None:
    """A newer version; ``again``: with the bytes of the first one."""
    made = copy.deepcopy(items(tree))
    for key, item in made.items():
        item["path"] = item["path"].replace(FIRST, NEXT)
        if not again:
            item["sha256"] = sha256(f"{key} {NEXT}".encode()).hexdigest()
    product(tree)["versions"][NEXT] = {"items": made}


def second_kernel(tree: Tree) -> None:
    made = copy.deepcopy(product(tree))
    made.update(subarch="hwe-22.04", subarches="generic,hwe-p,hwe-22.04")
    for key, item in made["versions"][FIRST]["items"].items():
        item["path"] = item["path"].replace("ga-22.04", "hwe-22.04")
        if key.startswith("boot"):
            item["sha256"] = sha256(f"hwe {key}".encode()).hexdigest()
    tree["products"][PRODUCT.replace("ga-22.04", "hwe-22.04")] = made


def another_root(tree: Tree) -> None:
    """``root-image.gz`` in the place of ``squashfs``."""
    item = items(tree).pop("squashfs")
    path = item["path"].replace("squashfs", "root-image.gz")
    sum_ = sha256(b"root-image").hexdigest()
    items(tree)["root-image.gz"] = item | {"ftype": "root-image.gz", "path": path, "sha256": sum_}


def both_roots(tree: Tree) -> None:
    """``root-image.gz`` beside ``squashfs``, as old series have it."""
    squashfs = items(tree)["squashfs"]
    another_root(tree)
    items(tree)["squashfs"] = squashfs


def one_name(tree: Tree) -> None:
    """Two items whose paths end in the same name."""
    for key in ("boot-kernel", "boot-initrd"):
        items(tree)[key]["path"] = f"{key}/image"


def alone(tree: Tree) -> None:
    """One kernel of one release, and nothing else."""
    tree["products"] = {PRODUCT: product(tree)}


def alone_for_another(tree: Tree) -> None:
    alone(tree)
    product(tree).update(subarch="hwe-22.04")


def leave(tree: Tree, key: str) -> None:
    del items(tree)[key]


class Row(NamedTuple):
    """A change of the tree before the first or the second import, and what MAAS then does."""

    change: str
    before: Callable[[Tree], object]
    after: Callable[[Tree], object]
    #: Three numbers of files: those that MAAS downloads, queues although it has them, and deletes.
    #: Then the number of resource sets of the release that are left, and a line that MAAS logs.
    old: tuple[int, int, int, int, str]
    middle: tuple[int, int, int, int, str]
    new: tuple[int, int, int, int, str]


def same(tree: Tree) -> None:
    """Nothing is changed."""


STAYS = (0, 0, 0, 1, "")
INCOMPLETE = "has no complete resource set!"
SKIPPED = "Finalization of imported images skipped, or all {'ubuntu/amd64/ga-22.04/jammy'} synced"
GONE = "no longer exists in stream, but remains in selections."
INVALID = "Got invalid data for the products file"

ROWS = [
    Row("nothing", same, same, STAYS, STAYS, STAYS),
    Row("a newer version", same, publish, *[(3, 0, 3, 1, "")] * 3),
    Row("the newest version withdrawn", publish, same, *[(3, 0, 3, 1, "")] * 3),
    Row(
        "a newer version with the same bytes",
        same,
        lambda tree: publish(tree, again=True),
        STAYS,
        (0, 3, 0, 1, ""),
        (0, 3, 0, 1, ""),
    ),
    Row(
        "other bytes under one version",
        same,
        lambda tree: items(tree)["squashfs"].update(sha256=sha256(b"other").hexdigest()),
        (1, 0, 1, 1, "Hash mismatch for prev_file="),
        (1, 0, 1, 1, "Hash mismatch for resourceset="),
        (1, 0, 1, 1, ""),
    ),
    Row(
        "another size alone",
        same,
        lambda tree: items(tree)["squashfs"].update(size=2000),
        STAYS,
        (0, 1, 0, 1, INCOMPLETE),
        STAYS,
    ),
    Row(
        "another folder",
        same,
        lambda tree: items(tree)["squashfs"].update(path="elsewhere/squashfs"),
        STAYS,
        STAYS,
        STAYS,
    ),
    Row(
        "another file name",
        same,
        lambda tree: items(tree)["squashfs"].update(path="elsewhere/root.squashfs"),
        STAYS,
        (0, 1, 0, 1, INCOMPLETE),
        (0, 1, 0, 1, ""),
    ),
    Row(
        "a required item removed",
        same,
        lambda tree: leave(tree, "boot-initrd"),
        STAYS,
        STAYS,
        (0, 0, 0, 1, INVALID),
    ),
    Row(
        "an item added",
        same,
        lambda tree: items(tree).update(
            {
                "root-tgz": {
                    "ftype": "root-tgz",
                    "path": "jammy/root-tgz",
                    "sha256": sha256(b"root-tgz").hexdigest(),
                    "size": 1000,
                }
            }
        ),
        (1, 0, 0, 1, INCOMPLETE),
        (1, 0, 0, 1, INCOMPLETE),
        STAYS,
    ),
    Row(
        "a newer version without a required item",
        same,
        lambda tree: (publish(tree), items(tree, NEXT).pop("squashfs")),
        (2, 0, 3, 1, ""),
        (2, 0, 3, 1, ""),
        (0, 0, 0, 1, INVALID),
    ),
    Row(
        "a newer version without items",
        same,
        lambda tree: product(tree)["versions"].update({NEXT: {"items": {}}}),
        (0, 0, 0, 1, GONE),
        (0, 0, 0, 1, GONE),
        (0, 0, 0, 1, INVALID),
    ),
    Row(
        "one of two kernels removed",
        second_kernel,
        same,
        (0, 0, 2, 1, ""),
        (0, 0, 2, 1, ""),
        (0, 0, 0, 2, ""),
    ),
    Row(
        "all of a release removed",
        same,
        lambda tree: tree["products"].pop(PRODUCT),
        (0, 0, 0, 1, GONE),
        (0, 0, 0, 1, GONE),
        STAYS,
    ),
    Row(
        "everything removed",
        same,
        lambda tree: tree["products"].clear(),
        (0, 0, 0, 1, "Unable to import boot images, no image descriptions avaliable."),
        (0, 0, 0, 1, "Unable to import boot images, no image descriptions avaliable."),
        (0, 0, 0, 1, INVALID),
    ),
    Row(
        "another name of the product",
        same,
        lambda tree: tree["products"].update({f"{PRODUCT}x": tree["products"].pop(PRODUCT)}),
        STAYS,
        STAYS,
        STAYS,
    ),
    Row(
        "a name that MAAS does not support",
        same,
        lambda tree: tree["products"].update({"jammy:amd64": tree["products"].pop(PRODUCT)}),
        (0, 0, 0, 1, GONE),
        (0, 0, 0, 1, GONE),
        STAYS,
    ),
    Row(
        "a newer maas_supported",
        same,
        lambda tree: product(tree).update(maas_supported="99"),
        (0, 0, 0, 1, GONE),
        (0, 0, 0, 1, GONE),
        STAYS,
    ),
    Row(
        "another `version` of the product",
        same,
        lambda tree: product(tree).update(version="22.04.1"),
        STAYS,
        (0, 3, 0, 2, ""),
        (0, 3, 0, 2, ""),
    ),
    Row(
        "another subarch",
        same,
        lambda tree: product(tree).update(subarch="hwe-22.04"),
        STAYS,
        (0, 3, 0, 1, ""),
        (0, 3, 0, 2, ""),
    ),
    Row(
        "another kflavor",
        same,
        lambda tree: product(tree).update(kflavor="lowlatency"),
        STAYS,
        (0, 3, 0, 1, ""),
        (0, 3, 0, 2, ""),
    ),
    Row(
        "squashfs for root-image.gz",
        another_root,
        same,
        (1, 0, 1, 1, INCOMPLETE),
        (1, 0, 1, 1, INCOMPLETE),
        (1, 0, 1, 1, ""),
    ),
    Row(
        "root-image.gz for squashfs",
        same,
        another_root,
        (1, 0, 0, 1, INCOMPLETE),
        (1, 0, 0, 1, INCOMPLETE),
        (1, 0, 0, 1, ""),
    ),
    # All that was there would go, and there is nothing to fetch: the older ones keep all of it.
    Row(
        "the only kernel for another subarch",
        alone,
        alone_for_another,
        (0, 0, 0, 2, SKIPPED),
        (0, 3, 0, 1, ""),
        (0, 3, 0, 2, ""),
    ),
    # Its row is deleted and made again in one transaction. Before MAAS deletes the bytes, it asks
    # whether a row needs them.
    Row("both roots, nothing changed", both_roots, both_roots, STAYS, STAYS, (0, 1, 0, 1, "")),
]


def written(folder: Path, tree: Tree) -> str:
    """The tree on disk. Gives the address of its index."""
    index = json.loads(CASE["before"][INDEX])
    next(iter(index["index"].values()))["products"] = list(tree["products"])
    for path, document in ((INDEX, index), (FILE, tree)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(document))
    return str(folder / INDEX)


def verdicts(row: Row, folder: Path) -> dict[str, Any]:
    before, after = (json.loads(CASE["before"][FILE]) for _ in range(2))
    row.before(before)
    row.after(after)
    found = compare(
        written(folder / "before", before),
        written(folder / "after", after),
        selections=CASE["selections"],
        maas=[OLD, MIDDLE, NEW],
    )
    return found.to_dict()["maas"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.change.replace(" ", "-"))
def test_each_change_alone(row: Row, tmp_path: Path) -> None:
    found = verdicts(row, tmp_path)
    for line, wanted in zip((OLD, MIDDLE, NEW), (row.old, row.middle, row.new), strict=True):
        verdict = found[line]
        left = [held for held in verdict["kept"] if held["resource"].startswith("ubuntu/jammy")]
        seen = [len(verdict.get(what, ())) for what in ("downloads", "requeued", "deleted")]
        assert (line, *seen, len(left)) == (line, *wanted[:4])
        told = json.dumps(
            [verdict[part] for part in ("log", "finalize", "fatal") if part in verdict]
        )
        if wanted[4]:
            assert wanted[4] in told
        else:
            assert not [
                text for text in (INCOMPLETE, GONE, INVALID, "Hash mismatch") if text in told
            ]


def test_a_row_takes_the_new_size_where_each_file_has_its_own(tmp_path: Path) -> None:
    row = next(row for row in ROWS if row.change == "another size alone")
    found = verdicts(row, tmp_path)
    sizes = {
        line: next(
            size
            for name, _, file, _, _, size in verdict["files"]
            if name == RESOURCE and file == "squashfs"
        )
        for line, verdict in found.items()
    }
    assert sizes == {OLD: 1000, MIDDLE: 2000, NEW: 1000}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        # The first item is queued before the second one replaces its row.
        (one_name, (0, 2, 0)),
        # The row that is there is not written again, so its size stays.
        (lambda tree: items(tree)["squashfs"].update(size=0), (0, 0, 0)),
    ],
    ids=["one-name", "size-0"],
)
def test_rows_of_the_strict_engine(
    change: Callable[[Tree], object], wanted: tuple[int, int, int], tmp_path: Path
) -> None:
    row = Row("", same, change, STAYS, STAYS, STAYS)
    verdict = verdicts(row, tmp_path)[NEW]
    seen = [len(verdict[what]) for what in ("downloads", "requeued", "deleted")]
    assert (*seen, verdict["aborted"]) == (*wanted, [])


def test_a_size_of_0_where_each_file_has_its_own(tmp_path: Path) -> None:
    """What has arrived is divided by the size, and the import ends."""
    row = Row("", same, lambda tree: items(tree)["squashfs"].update(size=0), STAYS, STAYS, STAYS)
    found = verdicts(row, tmp_path)
    assert found[MIDDLE]["fatal"]["exception"] == "ZeroDivisionError"
    assert found[MIDDLE]["fatal"]["stage"] == "writer"
    assert found[OLD]["fatal"] is found[NEW]["fatal"] is None


def test_the_label_follows_the_stream_but_for_the_strict_engine(tmp_path: Path) -> None:
    row = Row("label", same, lambda tree: product(tree).update(label="daily"), STAYS, STAYS, STAYS)
    labels = {
        line: [held["label"] for held in verdict["kept"] if held["resource"] == RESOURCE]
        for line, verdict in verdicts(row, tmp_path).items()
    }
    assert labels == {OLD: ["daily"], MIDDLE: ["daily"], NEW: ["stable"]}
