"""What ``fix`` promises is confirmed by the use of the images, not only by their import."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings

from maas_stream_lint.api import Report
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.fixing.plan import Plan, fix
from maas_stream_lint.look import Look
from made_use import streams
from test_use_findings import blamed, by_product, doubled, is_open, judged, lost
from test_use_rows import (
    NEW,
    nvidia,
    other,
    own,
    seen,
    stream,
    ubuntu,
)
from trees import MemoryTree

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)


def planned(tree: MemoryTree, maas: tuple[str, ...] | None = None) -> Plan:
    look = seen(tree, maas)
    return fix(Report(tree.label, look, tuple(findings(look, all_rules()))), unsafe=True, now=NOW)


def used(look: Look, line: str) -> dict[str, bool]:
    """Product → whether machines are commissioned with it and deployed, as ``use`` says it."""
    simulation = look.uses[line]
    if simulation is None or next(t for t in look.traces if line in t.lines).fatal is not None:
        return {}
    release = next(release for release in look.releases if release.line == line)
    told = judged(simulation, release)
    unsure = {name for one in told["resources"] if is_open(one) for name in one["products"]}
    return {
        product: all(said) for product, said in by_product(told).items() if product not in unsure
    }


def offered(look: Look, line: str) -> list[str]:
    """The architectures that a machine may have."""
    simulation = look.uses[line]
    return simulation.stock.architectures if simulation is not None else []


#: The purpose of each fix: the products, the release lines, the rule, and the architecture that
#: machines must have afterwards.
PROMISED: list[tuple[str, list[dict[str, Any]], tuple[str, ...] | None, str]] = [
    ("no-generic-machines", [ubuntu(subarches="ga-24.04")], None, "amd64/generic"),
    ("no-generic-machines", [ubuntu(), ubuntu(arch="arm64", subarches="x")], None, "arm64/generic"),
    ("subarch-not-generic", [ubuntu(), other(subarch="x", subarches="x")], None, "amd64/generic"),
    ("release-title-not-a-version", [own()], None, "amd64/generic"),
    (
        "release-title-not-a-version",
        [own(subarch="ga-acme", subarches="generic,ga-acme")],
        None,
        "amd64/generic",
    ),
    ("platform-not-offered", [nvidia()], NEW, "arm64/nvidia"),
    (
        "platform-not-offered",
        [nvidia(subarch="nvidia-ga-22.04", subarches="generic,nvidia-ga-22.04")],
        NEW,
        "arm64/nvidia",
    ),
    ("missing-kflavor", [ubuntu(kflavor=None)], None, "amd64/generic"),
]


@pytest.mark.parametrize(("rule", "products", "maas", "architecture"), PROMISED)
def test_what_is_promised_holds(
    rule: str, products: list[dict[str, Any]], maas: tuple[str, ...] | None, architecture: str
) -> None:
    plan = planned(stream(*products), maas)
    assert rule in {edit.name for edit in plan.edits}
    assert rule not in {finding.name for finding in plan.after.findings}
    for line in plan.after.look.lines:
        assert all(used(plan.after.look, line).values()), line
        assert architecture in offered(plan.after.look, line), line


def test_no_spelling_of_a_platform_serves_all_lines() -> None:
    """The report says on which lines the edit would cost the image, and by which rule."""
    plan = planned(stream(nvidia()))
    (tried,) = [edit for edit in plan.failed if edit.name == "platform-not-offered"]
    assert not [edit for edit in plan.edits if edit.name == "platform-not-offered"]
    assert tried.warning is not None
    assert "would become unusable on MAAS 2.9 to 3.3" in tried.warning
    assert "ubuntu-generic-subarch" in tried.warning


def test_a_platform_in_the_name_alone_is_listed_for_all_lines() -> None:
    named = nvidia(subarch="nvidia-ga-22.04", subarches="generic,nvidia-ga-22.04")
    plan = planned(stream(named))
    assert "platform-not-offered" in {edit.name for edit in plan.edits}
    for line in NEW:
        assert "arm64/nvidia" in offered(plan.after.look, line)


@settings(max_examples=60, deadline=None)
@given(streams(["amd64", "amd64", "arm64"]))
def test_nothing_is_used_less(tree: MemoryTree) -> None:
    plan = planned(tree)
    for line in plan.after.look.lines:
        before, after = used(plan.before.look, line), used(plan.after.look, line)
        for product, was in before.items():
            if doubled(plan.before.findings, product, line):
                continue  # it was of use by the files of its twin
            assert not was or after.get(product, True), (line, product)
        for product, fine in after.items():
            found = plan.after.findings
            told = blamed(found, product, line) or lost(found, product, line)
            assert fine or told or doubled(found, product, line), (line, product)
