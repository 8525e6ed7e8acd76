"""``compare`` on the command line: what becomes of images, and when that fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from images import INDEX, UBUNTU, Tree, item
from maas_stream_lint import check, compare
from maas_stream_lint.changes import changes_of
from maas_stream_lint.cli.main import main
from schemas import validator
from steps import steps

OLD, NEW = "20240101", "20240201"


def run(*given: object) -> Result:
    return CliRunner().invoke(main, ["compare", "--no-config", *map(str, given)])


def tree(*versions: str, squashfs: bytes = b"hsqs", ftypes: str = "kernel initrd root") -> Tree:
    """A stream with one Ubuntu product of these versions, and a RHEL image."""
    made = Tree()
    bodies = {"boot-kernel": b"kernel", "boot-initrd": b"initrd", "squashfs": squashfs}
    made.products[UBUNTU]["versions"] = {
        version: {
            "items": {
                ftype: item(ftype, f"{version}/{ftype}", body + version.encode())
                for ftype, body in {**bodies, "manifest": b"x"}.items()
            }
        }
        for version in versions
    }
    root = item("root-tgz", "rhel/root-tgz", b"\x1f\x8b rhel")
    listing = item("manifest", "rhel/manifest", b"x")
    made.product(
        "com.example:rhel:9", {"root-tgz": root, "manifest": listing}, os="rhel", release="rhel9"
    )
    return made


def without(made: Tree, name: str) -> Tree:
    del made.products[name]
    return made


def broken(made: Tree) -> Tree:
    del made.products[UBUNTU]["label"]
    return made


def fewer(made: Tree) -> Tree:
    """The stream with a version that lacks its squashfs."""
    for version in made.products[UBUNTU]["versions"].values():
        del version["items"]["squashfs"]
    return made


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Result]:
    def compare(before: Tree, after: Tree, *more: object) -> Result:
        sources = []
        for name, made in (("before", before), ("after", after)):
            root = tmp_path / name
            for path, body in made.metadata.items():
                place = root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(body)
            sources.append(root / INDEX)
        return run(*sources, *more)

    return compare


@pytest.mark.parametrize(
    ("before", "after", "kind", "told"),
    [
        (tree(OLD), tree(OLD, NEW), "updated", f"{OLD} → {NEW}"),
        (tree(OLD, NEW), tree(OLD), "regressed", f"{NEW} → {OLD}"),
        (tree(OLD), tree(OLD, squashfs=b"hsqs2"), "republished", OLD),
        (without(tree(OLD), "com.example:rhel:9"), tree(OLD), "added", "rhel/rhel9"),
        (tree(OLD), without(tree(OLD), "com.example:rhel:9"), "stranded", "rhel/rhel9"),
        (tree(OLD), broken(tree(OLD)), "fatal", "every image"),
        (tree(OLD), fewer(tree(NEW)), "partial", "(without"),
    ],
    ids=["updated", "regressed", "republished", "added", "stranded", "fatal", "partial"],
)
def test_kinds(
    compared: Callable[..., Result], before: Tree, after: Tree, kind: str, told: str
) -> None:
    done = compared(before, after, "--maas", "3.6", "--fail-on", kind)
    assert done.exit_code == 1, done.output
    assert f"  {kind}" in done.output
    assert told in done.output
    assert compared(before, after, "--maas", "3.6", "--fail-on", "swaps").exit_code == 0


def test_nothing_changes(compared: Callable[..., Result]) -> None:
    done = compared(tree(OLD), tree(OLD), "--fail-on", "bytes=1")
    assert done.exit_code == 0
    assert "no image changes" in done.output
    assert "downloads 0 bytes, deletes 0 bytes" in done.output


def test_two_products_on_one_resource_swap_at_every_import(
    compared: Callable[..., Result],
) -> None:
    twin = tree(OLD)
    other = json.loads(json.dumps(twin.products[UBUNTU]))
    other["label"] = "candidate"
    other["versions"] = {NEW: tree(NEW).products[UBUNTU]["versions"][NEW]}
    twin.products[UBUNTU.replace("example", "example.candidate")] = other
    done = compared(tree(OLD), twin, "--maas", "3.6", "--fail-on", "swaps")
    assert done.exit_code == 1, done.output
    assert "downloads it again at every import" in done.output


def test_bytes(compared: Callable[..., Result]) -> None:
    assert compared(tree(OLD), tree(NEW), "--fail-on", "bytes=1k").exit_code == 0
    assert compared(tree(OLD), tree(NEW), "--fail-on", "bytes=10").exit_code == 1


def test_forms(compared: Callable[..., Result]) -> None:
    pair = tree(OLD), tree(NEW)
    data: Any = json.loads(compared(*pair, "--format", "json").output)
    validator("compare").validate(data)
    table = compared(*pair, "--format", "markdown").output
    assert f"| updated {OLD} → {NEW} |" in table
    page = compared(*pair, "--format", "html").output
    assert "<script" not in page
    assert f'<span class="fate imported">updated {OLD} → {NEW}</span>' in page


def test_a_hostile_version_is_no_markup(compared: Callable[..., Result]) -> None:
    hostile = "20240301<b>|\x1b[31m"
    page = compared(tree(OLD), tree(hostile), "--format", "html").output
    assert "<b>|" not in page
    table = compared(tree(OLD), tree(hostile), "--format", "markdown").output
    assert "\x1b" not in table + compared(tree(OLD), tree(hostile)).output


@pytest.mark.parametrize("word", ["gone", "bytes", "bytes=many"])
def test_other_words(compared: Callable[..., Result], word: str) -> None:
    done = compared(tree(OLD), tree(OLD), "--fail-on", word)
    assert done.exit_code == 2
    assert "error" in done.output.lower()


def test_a_stream_that_is_not_there(tmp_path: Path) -> None:
    done = run(tmp_path / "none", tmp_path / "none")
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def many(root: Path) -> Path:
    """The metadata of a stream of many products."""
    made = Tree()
    (first,) = made.products.values()
    for number in range(150):
        name = UBUNTU.replace("22.04", f"22.{number}")
        text = json.dumps(first).replace("jammy", f"r{number}").replace("22.04", f"22.{number}")
        made.products[name] = json.loads(text)
    for path, body in made.metadata.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    return root / INDEX


def test_a_comparison_costs_little_more_than_two_checks(tmp_path: Path) -> None:
    """MAAS imports twice, and a third time only where a row was written twice."""
    source, other = many(tmp_path / "a"), many(tmp_path / "b")

    def compared() -> None:
        changes_of(compare(source, other))

    def checked() -> None:
        check(source, files="none")

    def selected() -> None:
        check(source, files="none", selections=[{"os": "ubuntu", "release": "jammy"}])

    for warm in (compared, checked, selected):
        warm()
    alone = steps(checked)
    assert steps(compared) <= 2.5 * alone
    assert steps(selected) <= alone
