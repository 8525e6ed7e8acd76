"""What a plan is made of: consent, clashes, odd texts, and how often a large stream is checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from images import INDEX, PRODUCTS, SQUASHFS, UBUNTU, Tree, item
from maas_stream_lint.api import check
from maas_stream_lint.finding import Finding
from maas_stream_lint.fixing import plan as plan_
from maas_stream_lint.fixing.jsontext import Remove, Set
from maas_stream_lint.fixing.plan import FIXERS, Plan, fix
from maas_stream_lint.fixing.proof import RANKS
from maas_stream_lint.fixing.proposal import Context, Part, Proposal
from maas_stream_lint.outcome import LEFT_OUT, MEANING, rows

GOOD_IMAGES = Path(__file__).parents[1] / "fixtures/good/with-images/tree"
BAD_FIXTURES = Path(__file__).parents[1] / "fixtures/bad"
NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def home(own_home: Path) -> Path:
    return own_home


def planned(root: Path, *more: bool, **said: Any) -> Plan:
    return fix(check(root / INDEX), *more, now=NOW, **said)


def product_of(plan: Plan) -> dict[str, Any]:
    product: dict[str, Any] = json.loads(plan.files[PRODUCTS])["products"][UBUNTU]
    return product


@pytest.mark.parametrize(
    ("field", "given", "wanted"),
    [
        ("version", 22.04, "22.04"),
        ("support_eol", "1 April 2099", "2099-04-01"),
        ("support_eol", "2099-04-01T00:00:00Z", "2099-04-01"),
        ("support_eol", "20990401", "2099-04-01"),
        ("subarches", "generic", "generic,ga-22.04"),
        ("subarches", "generic, ga-22.04", "generic,ga-22.04"),
        ("release_title", None, "22.04 LTS"),
    ],
)
def test_safe(tmp_path: Path, field: str, given: Any, wanted: str) -> None:
    tree = Tree()
    tree.products[UBUNTU][field] = given
    if given is None:
        del tree.products[UBUNTU][field]
    plan = planned(tree.write(tmp_path))
    assert product_of(plan)[field] == wanted
    assert all(edit.consent is None for edit in plan.edits)


def test_a_number_is_not_the_text_that_it_was(tmp_path: Path) -> None:
    """24.10 as a number is 24.1; the product's name tells what was meant."""
    tree = Tree()
    name = UBUNTU.replace("22.04", "24.10")
    tree.products = {name: {**tree.products[UBUNTU], "version": 24.1}}
    plan = planned(tree.write(tmp_path))
    assert json.loads(plan.files[PRODUCTS])["products"][name]["version"] == "24.10"


@pytest.mark.parametrize("left_out", ["sha256", "size"])
def test_a_file_that_contradicts_its_item_is_not_taken_at_its_word(
    tmp_path: Path, left_out: str
) -> None:
    tree = Tree()
    del tree.items["squashfs"][left_out]
    root = tree.write(tmp_path)
    place = root / tree.items["squashfs"]["path"]
    place.write_bytes(SQUASHFS[:-5])
    plan = planned(root)
    assert not plan.edits
    assert "--unsafe" in {edit.consent for edit in plan.refused}
    assert planned(root, True).after.findings[0].severity.label != "fatal"


def test_consent(tmp_path: Path) -> None:
    tree = Tree()
    tree.items["squashfs"]["sha256"] = "0" * 64
    root = tree.write(tmp_path)
    assert [edit.consent for edit in planned(root).refused] == ["--unsafe"]
    plan = planned(root, True)
    assert [(edit.name, edit.consent) for edit in plan.edits] == [("sha256-mismatch", "--unsafe")]
    assert not plan.refused


def test_only_what_the_report_shows_is_mended(tmp_path: Path) -> None:
    tree = Tree()
    del tree.items["squashfs"]["sha256"]
    tree.products[UBUNTU]["version"] = 22.04
    root = tree.write(tmp_path)
    plan = fix(check(root / INDEX, select=["missing-sha256"]), now=NOW)
    assert [edit.name for edit in plan.edits] == ["missing-sha256"]
    assert "number-instead-of-text" in {f.name for f in plan.after.findings}


def test_a_byte_order_mark_is_left_to_people(tmp_path: Path) -> None:
    root = Tree().write(tmp_path)
    (root / PRODUCTS).write_bytes(b"\xef\xbb\xbf" + (root / PRODUCTS).read_bytes())
    plan = planned(root, True, True)
    assert not plan.files
    assert plan.after.findings


def test_of_a_key_that_comes_twice_the_last_counts(tmp_path: Path) -> None:
    root = Tree().write(tmp_path)
    text = (root / PRODUCTS).read_text()
    twice = text.replace('"version": "22.04"', '"version": "20.04",\n   "version": 22.04')
    (root / PRODUCTS).write_text(twice)
    assert planned(root).files[PRODUCTS].decode().count('"version": "22.04"') == 1
    assert '"20.04"' in planned(root).files[PRODUCTS].decode()
    assert planned(root, True).files[PRODUCTS].decode() == text


def test_two_that_want_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are proposed from the same state: one is made, and the other seen anew."""

    def drop(finding: Finding, context: Context) -> Iterator[Proposal]:
        change = Remove((*finding.place.path[:2], "version"))
        yield Proposal((Part(finding.place.file, change),), "take it out")
        yield from real(finding, context)

    real = FIXERS["number-instead-of-text"]
    monkeypatch.setitem(FIXERS, "number-instead-of-text", drop)
    tree = Tree()
    tree.products[UBUNTU]["version"] = 22.04
    plan = planned(tree.write(tmp_path))
    assert product_of(plan)["version"] == "22.04"


@pytest.mark.parametrize(("every", "whole"), [(3, 12), (20, 3)])
def test_many_edits_that_do_harm_take_few_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, whole: int
) -> None:
    """Where few products take harm, it is looked for in a stream of these alone."""
    tree, names = crowd(120, version=22.04, subarches="generic, ga-22.04")
    bad = set(names[::every])
    real = FIXERS["subarches-spaces"]

    def harmful(finding: Finding, context: Context) -> Iterator[Proposal]:
        for proposal in real(finding, context):
            part = Part(finding.place.file, Remove((*finding.place.path[:2], "label")))
            more = (part,) if finding.place.product in bad else ()
            yield Proposal((*proposal.parts, *more), proposal.what)

    monkeypatch.setitem(FIXERS, "subarches-spaces", harmful)
    times = counted(monkeypatch)
    plan = planned(tree.write(tmp_path))
    assert len(plan.edits) == 2 * 120 - len(bad)
    assert {edit.place.product for edit in plan.failed} == bad
    assert sum(products == 120 for products in times) <= whole
    assert len(times) < 40


def test_harm_that_another_product_takes_is_seen_in_the_whole_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial of a few products knows nothing of the others; what it likes is proven again."""
    tree, names = crowd(60, version=22.04)
    tree.products[names[7]]["subarches"] = "generic, ga-22.04"
    real = FIXERS["subarches-spaces"]

    def harmful(finding: Finding, context: Context) -> Iterator[Proposal]:
        for proposal in real(finding, context):
            part = Part(finding.place.file, Set((*finding.place.path[:2], "arch"), "arch8"))
            yield Proposal((*proposal.parts, part), proposal.what)

    monkeypatch.setitem(FIXERS, "subarches-spaces", harmful)
    plan = planned(tree.write(tmp_path))
    assert len(plan.edits) == 60
    assert [edit.name for edit in plan.failed] == ["subarches-spaces"]


def test_harm_that_no_small_stream_shows_is_not_looked_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the other edits are made, those that did harm lead to what was seen before."""
    tree, names = crowd(60, version=22.04)
    bad = set(names[5:15])
    real = plan_.harm_of

    def in_the_whole_alone(before: Any, after: Any, wanted: Any) -> Any:
        harm = real(before, after, wanted)
        if len(after.look.catalog.products) == len(names):
            harm |= {(f.place.file, f.place.product) for f, _ in wanted if f.place.product in bad}
        return harm

    monkeypatch.setattr(plan_, "harm_of", in_the_whole_alone)
    times = counted(monkeypatch)
    plan = planned(tree.write(tmp_path / "tree"))
    assert {edit.place.product for edit in plan.failed} == bad
    assert len(plan.edits) == 50
    assert sum(products == 60 for products in times) == 2


def test_a_clean_stream(tmp_path: Path) -> None:
    plan = planned(Tree().write(tmp_path), True, True)
    assert (plan.edits, plan.files, plan.refused, plan.failed) == ((), {}, (), ())


@pytest.mark.parametrize("count", [50, 400])
def test_many_entries_that_want_the_same_take_few_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """All entries name one file, and each wants to be called by its content id: one can be."""
    root = Tree().write(tmp_path)
    index = json.loads((root / INDEX).read_text())
    (entry,) = index["index"].values()
    index["index"] = {f"entry{n}": {**entry, "updated": "yesterday"} for n in range(count)}
    (root / INDEX).write_text(json.dumps(index))
    times = counted(monkeypatch)
    plan = planned(root)
    assert len(plan.edits) == count + 1
    assert len(times) <= 2


def test_edits_that_rename_and_drop_keep_the_list_of_products(tmp_path: Path) -> None:
    """Each changes the index's list of products; together they leave it right."""
    tree = Tree()
    names = [UBUNTU, *(UBUNTU.replace("amd64", arch) for arch in ("arm64", "i386", "ppc64el"))]
    (product,) = tree.products.values()
    tree.products = {name: {**product, "arch": name.split(":")[4]} for name in names}
    for name in names[1:3]:
        tree.products[name]["versions"] = {}
    plan = planned(tree.write(tmp_path), False, True)
    entry = json.loads(plan.files[INDEX])["index"]["com.example.maas:v3:download"]
    assert entry["products"] == sorted([names[0], names[3]])
    assert not {f.name for f in plan.after.findings} & {"entry-products-stale"}


@pytest.mark.parametrize("odd", [[], {}, [1], {"a": 1}, None, 5, True])
def test_an_ftype_that_is_no_text(tmp_path: Path, odd: Any) -> None:
    tree = Tree()
    tree.product("com.example:8", {"root-tgz": {"ftype": "root-tgz", "path": "x"}}, os="centos")
    tree.items["manifest"]["ftype"] = odd
    assert planned(tree.write(tmp_path), True, True).to_dict()


@pytest.mark.parametrize("number", ["NaN", "1e400", "-Infinity"])
def test_what_is_no_json_is_not_written(tmp_path: Path, number: str) -> None:
    """Python reads such numbers, and would write them."""
    root = Tree().write(tmp_path)
    text = (root / PRODUCTS).read_text()
    aliases = f'"_aliases": {{"label": {{"stable": {{"foo": {number}}}}}}},'
    (root / PRODUCTS).write_text(text.replace("{", "{" + aliases, 1))
    plan = planned(root, True, True)
    json.dumps(plan.to_dict(), allow_nan=False)
    assert "aliases-used" not in {edit.name for edit in plan.edits}


def crowd(count: int, **fields: Any) -> tuple[Tree, list[str]]:
    """A tree of so many products, each for an architecture of its own, and their names."""
    tree = Tree()
    (product,) = tree.products.values()
    names = [UBUNTU.replace("amd64", f"arch{number}") for number in range(count)]
    tree.products = {
        name: {**product, "arch": f"arch{number}", **fields} for number, name in enumerate(names)
    }
    return tree, names


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many products each check of a plan was of."""
    times: list[int] = []
    real = plan_._Planner._checked

    def check_(self: Any, *given: Any, **more: Any) -> Any:
        report = real(self, *given, **more)
        times.append(len(report.look.catalog.products))
        return report

    monkeypatch.setattr(plan_._Planner, "_checked", check_)
    return times


def test_a_product_that_a_mirror_left_out_is_in_the_way_of_no_edit(tmp_path: Path) -> None:
    tree = Tree()
    tree.products[UBUNTU]["version"] = 22.04
    absent = {"root-tgz": item("root-tgz", "rhel/root-tgz", b"x")}
    absent["manifest"] = item("manifest", "rhel/manifest", b"y")
    tree.product("com.example.maas:rhel-bases:8:amd64", absent, os="rhel", release="rhel8")
    report = check(tree.write(tmp_path) / INDEX, files="head")
    assert any(LEFT_OUT in row.outcomes for row in rows(report.look, report.findings))
    assert product_of(fix(report, now=NOW))["version"] == "22.04"


def test_every_outcome_has_its_rank() -> None:
    assert RANKS.keys() == MEANING.keys()


@pytest.mark.parametrize("size", [None, ""])
def test_a_size_that_is_absent_needs_no_flag(tmp_path: Path, size: str | None) -> None:
    """There is nothing that the file could contradict."""
    tree = Path(shutil.copytree(GOOD_IMAGES, tmp_path / "tree"))
    place = next(p for p in (tree / "streams/v1").glob("*.json") if p.name != "index.json")
    said = json.loads(place.read_text("utf-8"))
    item = next(
        item
        for product in said["products"].values()
        for version in product["versions"].values()
        for item in version["items"].values()
        if item["ftype"] == "squashfs"
    )
    right = item.pop("size")
    if size is not None:
        item["size"] = size
    place.write_text(json.dumps(said), "utf-8")
    plan = planned(tree)
    assert [(edit.consent, edit.changes[0][1].value) for edit in plan.edits] == [(None, right)]  # type: ignore[union-attr]


def test_a_bootloader_without_arches_gets_its_arch() -> None:
    tree = BAD_FIXTURES / "MSL408-bootloader-fields/tree"
    (edit,) = [edit for edit in planned(tree).edits if edit.name == "bootloader-fields"]
    assert edit.what == "write `arches`: `amd64`"
    assert edit.consent is None


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("MSL610-item-key-not-ftype", "root-image.gz", "root-tgz"),
        ("MSL611-bootloader-item-key", "grub-archive", "grub2"),
    ],
)
def test_an_item_with_another_key_is_told_to_have_moved(name: str, old: str, new: str) -> None:
    plan = planned(BAD_FIXTURES / name / "tree")
    ((before, after),) = [pair for edit in plan.edits for pair in edit.moved]
    assert after is not None
    assert (before.path[-1], after.path) == (old, (*before.path[:-1], new))
