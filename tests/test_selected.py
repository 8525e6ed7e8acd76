"""``check`` with selections: what they take, what they pass over, and what that is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundled import FIXTURES
from images import FOLDER, INDEX, UBUNTU, Tree
from maas_stream_lint import UsageError, check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli.main import main
from maas_stream_lint.finding import Severity
from maas_stream_lint.fixing.proof import RANKS
from maas_stream_lint.imports.situation import Selection
from maas_stream_lint.look import look_at
from maas_stream_lint.outcome import UNSELECTED
from maas_stream_lint.outcome import rows as fates
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from maas_stream_lint.unselected import judged
from made import streams
from trees import MemoryTree, corpus, tree_of

MISNAMED = FIXTURES / "bad" / "MSL401-ubuntu-name" / "tree"
NO_ARCH = FIXTURES / "bad" / "MSL430-missing-arch" / "tree"
RULES = all_rules()
GOOD = FIXTURES / "good" / "ubuntu" / "tree"


def found(tree: Any, code: str, **told: Any) -> list[tuple[str, int]]:
    report = check(tree / "streams/v1/index.json", files="none", select=(code,), **told)
    return [(f.severity.label, len(f.maas)) for f in report.findings]


def test_what_nobody_selects_costs_nothing() -> None:
    """The dropped product is told all the same, as what it is to this MAAS."""
    everything = found(MISNAMED, "MSL401")
    assert "ignored" in dict(everything)
    other = [{"os": "ubuntu", "release": "xenial", "arches": ["amd64"]}]
    assert {severity for severity, _ in found(MISNAMED, "MSL401", selections=other)} == {"info"}
    same = [{"os": "ubuntu", "release": "jammy"}]
    assert found(MISNAMED, "MSL401", selections=same) == everything


def test_what_ends_the_import_stays_fatal() -> None:
    """Whoever selects another release has no images, either."""
    other = [{"os": "ubuntu", "release": "xenial", "arches": ["amd64"]}]
    assert found(NO_ARCH, "MSL430") == found(NO_ARCH, "MSL430", selections=other)


def test_default_selections_are_each_lines_own() -> None:
    report = check(GOOD, files="none", selections="default", select=("MSL130",))
    (row,) = [f for f in report.findings if "focal" in f.message]
    assert row.maas == ("2.9", "3.0", "3.1", "3.2", "3.3", "3.4")
    assert "3.8" not in {line for f in report.findings for line in f.maas}


def test_selections_of_no_kind() -> None:
    with pytest.raises(UsageError, match="no selections 'noble'"):
        check(GOOD, selections="noble")


def narrowed(tree: MemoryTree, row: Selection) -> None:
    """A selection that takes less makes no verdict worse for what it takes, and takes no more."""
    stream = load(tree)  # type: ignore[arg-type]
    lines = all_releases()
    rows = {release.line: (row,) for release in lines}
    wide, narrow = look_at(stream, lines), look_at(stream, lines, rows)
    before = {line: trace for trace in wide.traces for line in trace.lines}
    for trace in narrow.traces:
        for line in trace.lines:
            whole = before[line]
            if trace.fatal is not None:
                assert whole.fatal is not None, line
            elif whole.fatal is None:
                assert set(trace.imported) <= set(whole.imported), line
    pairs = zip(fates(wide, judged(wide, RULES)), fates(narrow, judged(narrow, RULES)), strict=True)
    for everything, selected in pairs:
        for was, now, line in zip(everything.outcomes, selected.outcomes, wide.lines, strict=True):
            worse = now != UNSELECTED and RANKS[now] < RANKS[was]
            assert not worse, (line, selected.product, was, now)


ROWS = [
    *(Selection("ubuntu", "noble", ("amd64",)), Selection("ubuntu", "jammy")),
    *(Selection("rhel", "rhel9", ("amd64",)), Selection("*", "*", ("arm64",))),
    Selection("*", "noble", ("amd64",)),
]


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(tree=streams(), row=st.sampled_from(ROWS))
def test_made_streams(tree: MemoryTree, row: Selection) -> None:
    narrowed(tree, row)


@pytest.mark.parametrize("case", corpus()[::5], ids=lambda case: case["id"])
def test_corpus(case: dict[str, Any]) -> None:
    narrowed(tree_of(case), Selection("ubuntu", "jammy", ("amd64",)))


def test_findings_are_sorted_by_what_they_cost() -> None:
    other = [{"os": "ubuntu", "release": "xenial"}]
    report = check(MISNAMED, files="none", selections=other)
    costs = [finding.severity for finding in report.findings]
    assert costs == sorted(costs, reverse=True)
    assert Severity.INFO in costs


def two_products(root: Path, **changed: object) -> Path:
    """The metadata of jammy, and of noble, changed."""
    tree = Tree()
    items = json.loads(json.dumps(tree.items).replace("jammy", "noble"))
    tree.product(
        NOBLE,
        items,
        os="ubuntu",
        release="noble",
        release_title="24.04 LTS",
        version="24.04",
    )
    tree.products[NOBLE] |= changed
    tree.products[NOBLE] = {k: v for k, v in tree.products[NOBLE].items() if v is not None}
    for path, body in tree.metadata.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    return root / INDEX


NOBLE = "com.example.maas:v3:boot:24.04:amd64:ga-24.04"
JAMMY = [{"os": "ubuntu", "release": "jammy", "arches": ["amd64"]}]


def test_what_ends_the_import_says_whom_it_costs(tmp_path: Path) -> None:
    source = two_products(tmp_path, label=None)
    (found,) = check(source, select=("MSL431",), selections=JAMMY).findings
    assert found.severity is Severity.FATAL
    assert f"no selection takes this product, but it costs the selected `{UBUNTU}`" in found.effect
    (found,) = check(source, select=("MSL431",)).findings
    assert "costs" not in found.effect


def test_a_file_of_a_selected_product_counts_whoever_else_has_it(tmp_path: Path) -> None:
    """The finding stands at its first product, which is not selected."""
    tree = Tree()
    first = {NOBLE: {**tree.products[UBUNTU], "release": "noble", "version": "24.04"}}
    tree.products = first | tree.products
    root = tree.write(tmp_path)
    (root / FOLDER / "squashfs").unlink()
    (found,) = check(root / INDEX, select=("MSL701",), selections=JAMMY, maas=["3.6"]).findings
    assert found.place.product == NOBLE
    assert found.severity > Severity.INFO
    assert f"it costs the selected `{UBUNTU}`" in found.effect


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_what_nobody_selects_is_one_line_counted(tmp_path: Path, form: str) -> None:
    source = two_products(tmp_path)
    for path in source.parent.iterdir():
        path.write_text(path.read_text().replace(NOBLE, NOBLE.replace(":v3", "")))
    given = ["check", "--no-config", str(source), "--selection", "ubuntu/jammy/amd64"]
    done = CliRunner().invoke(main, [*given, "--format", form, "--maas", "2.9,3.8"])
    left = [f for f in check(source, ["2.9", "3.8"], selections=JAMMY).findings if f.passed_over]
    assert left
    told = f"{len(left)} finding{'s' * (len(left) > 1)} on 1 product that no selection takes"
    if form == "json":
        shown = [f for f in json.loads(done.output)["findings"] if "no selection" in f["effect"]]
        assert len(shown) == len(left)
    else:
        assert told in " ".join(done.output.split())
        assert left[0].message not in done.output


@pytest.mark.parametrize(
    ("row", "line", "told"),
    [
        ({"os": "ubuntu", "release": "jammy", "arches": ["amd64"]}, "3.6", None),
        (
            {"os": "ubuntu", "release": "jammy", "labels": ["stable", "daily"]},
            "3.6",
            "['stable', '",
        ),
        ({"os": "ubuntu", "release": "jammy", "subarches": ["ga-22.04", "x"]}, "3.6", "'x']"),
        ({"os": "*", "release": "jammy"}, "3.6", "OS * with release jammy has no available images"),
        ({"os": "ubuntu", "release": "jammy", "labels": ["stable", "daily"]}, "3.8", None),
    ],
)
def test_what_the_form_refuses(
    tmp_path: Path, row: dict[str, Any], line: str, told: str | None
) -> None:
    source = two_products(tmp_path)
    found = check(source, [line], selections=[row], select=("MSL132",)).findings
    assert [told in finding.effect for finding in found] == ([True] if told else [])


def test_the_form_may_have_taken_it_where_nothing_is_known(tmp_path: Path) -> None:
    """MAAS does not fill its list of images where the import ends before."""
    source = two_products(tmp_path, label=None)
    found = check(source, selections=[{"os": "*", "release": "jammy"}], select=("MSL132",))
    assert found.findings == ()
