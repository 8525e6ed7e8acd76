"""What findings say of an image against what MAAS makes of it: over the corpus and made streams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings

from maas_stream_lint.api import check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Finding, Place, Severity
from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import Release, all_releases
from maas_stream_lint.stream import load
from maas_stream_lint.uses.obstacles import obstacles
from maas_stream_lint.uses.simulation import Settings, Simulation
from maas_stream_lint.uses.stock_image import Image, architectures_of
from maas_stream_lint.uses.use_verdict import verdict
from made_use import streams, tree_of
from test_use import CASES, RECORDED, written
from trees import KEYRING, MemoryTree

#: The rule on products that are one image: of no use or not, that is what is to be said of them.
DOUBLES = "same-resource-twice"


def blamed(found: tuple[Finding, ...] | list[Finding], product: str, line: str) -> list[Finding]:
    """The findings that say of a product that it is of no use, or lost; not of single items."""
    return [
        finding
        for finding in found
        if line in finding.maas
        and finding.severity >= Severity.UNUSABLE
        and finding.name != DOUBLES
        and any(place.product == product for place in _meant(finding))
        and not (finding.severity is Severity.IGNORED and finding.place.item is not None)
    ]


def _meant(finding: Finding) -> tuple[Place, ...]:
    """What a finding says something bad of: an import's loss is at its first place."""
    of_use = finding.severity is Severity.UNUSABLE or finding.name == "custom-os"
    return finding.places if of_use else finding.places[:1]


def lost(found: tuple[Finding, ...] | list[Finding], product: str, line: str) -> bool:
    """Whether an item of a product is said to be dropped."""
    return any(
        line in finding.maas
        and finding.severity >= Severity.IGNORED
        and any(place.product == product for place in finding.places)
        for finding in found
    )


def doubled(found: tuple[Finding, ...] | list[Finding], product: str, line: str) -> bool:
    """Whether several products make one image, so that neither is what its metadata says."""
    return any(
        finding.name == DOUBLES
        and line in finding.maas
        and any(place.product == product for place in finding.places)
        for finding in found
    )


def is_used(resource: dict[str, Any], release: dict[str, Any]) -> bool:
    """Whether the referee says that machines are deployed from a resource, and commissioned."""
    deployed = resource["deploy"].values()
    if resource["resource"].startswith("ubuntu/"):
        arch = resource["resource"].split(" ")[1].partition("/")[0]
        own = resource.get("machines")
        commissioned = [
            one["ok"] is True
            for machine, one in release["commission"].items()
            if (machine.partition("/")[0] == arch if own is None else machine in own)
        ]
        return any(one["ok"] is True for one in deployed) and any(commissioned)
    return any(
        "error" not in one["curtin"] and not str(one["ok"]).startswith(("404", "BootResource"))
        for one in deployed
    )


@pytest.mark.parametrize("id_", CASES)
def test_corpus(id_: str, tmp_path: Path) -> None:
    case = json.loads(CASES[id_].read_text("utf-8"))
    if "min_hwe_kernel" in case:
        pytest.skip("a check knows of no machine's least kernel")
    keyring = KEYRING if case["keyring"] else None
    found = check(written(case, tmp_path), keyring=keyring, files="none").findings
    for expected in case["expected"]:
        if expected["fatal"] is not None:
            continue
        used = by_product(expected)
        for line in expected["maas"]:
            for product, said in used.items():
                if all(said):
                    assert not blamed(found, product, line), (line, product)
                elif not any(said):
                    assert blamed(found, product, line) or lost(found, product, line), (
                        line,
                        product,
                    )


def is_open(resource: dict[str, Any]) -> bool:
    """Whether nothing tells if an image is used: there is nothing to boot machines from for it."""
    boots_other = [
        one
        for one in resource["deploy"].values()
        if one["ok"] is not True and one["boot_from"] != resource["resource"].split(" ")[0]
    ]
    ubuntu = resource["resource"].startswith("ubuntu/")
    precise = resource["resource"].startswith("ubuntu/precise ")
    return (precise or not ubuntu) and any("error" not in one["curtin"] for one in boots_other)


def by_product(said: dict[str, Any]) -> dict[str, list[bool]]:
    """Whether each image of a product is used, as a verdict on use has it."""
    used: dict[str, list[bool]] = {}
    for resource in said["resources"]:
        release = said["releases"][resource["resource"].split(" ")[0]]
        for product in resource["products"]:
            used.setdefault(product, []).append(is_used(resource, release))
    return used


def known(simulation: Simulation, *, all_images: bool) -> set[tuple[Any, ...]]:
    return {
        (o.cause, o.image.position, o.refusal.text, tuple(i.position for i in o.victims))
        for o in obstacles(simulation, all_images=all_images)
    }


def noble(subarch: str, label: str, root: str) -> dict[str, Any]:
    """A product for `generic` machines."""
    return {
        "os": "ubuntu",
        "release": "noble",
        "version": "24.04",
        "release_title": "24.04 LTS",
        "arch": "amd64",
        "subarch": subarch,
        "subarches": "generic",
        "kflavor": "generic",
        "label": label,
        "ftypes": ["boot-kernel", "boot-initrd", root],
    }


#: A rack takes the files of the first label, though there is no squashfs among them.
TWO_LABELS = [noble("ga-24.04", "stable", "squashfs"), noble("ga-24.04.1", "candidate", "root-tgz")]


@settings(max_examples=150, deadline=None)
@given(streams())
@example(tree_of(TWO_LABELS))
def test_made_streams(tree: MemoryTree) -> None:
    look = look_at(load(tree), all_releases())  # type: ignore[arg-type]
    for _, simulation in look.used:
        assert known(simulation, all_images=False) == known(simulation, all_images=True)
    found = findings(look, all_rules())
    by_line = {line: trace for trace in look.traces for line in trace.lines}
    for line, simulation in look.uses.items():
        if simulation is None or by_line[line].fatal is not None:
            continue
        for image in simulation.stock.images:
            for file, product in image.set.products:
                place = Place(file, ("products", product))
                if doubled(found, product, line):
                    continue
                if line in look.unusable(place):
                    assert blamed(found, product, line) or lost(found, product, line), (
                        line,
                        product,
                    )
                else:
                    assert not blamed(found, product, line), (line, product)


def of_image(simulation: Simulation, image: Image) -> set[str]:
    """The machines that an image may be for: what it makes possible, and its kernel's platform.

    What has no kernel's name, and lists `generic`, is meant for generic machines.
    """
    platform = simulation.kernels.platform_of(image.subarch, image.platform)
    if image.os == "ubuntu" and platform is None and "generic" in image.listed:
        return {f"{image.arch}/generic"}
    own = {f"{image.arch}/generic", f"{image.arch}/{platform or 'generic'}"}
    return own | (architectures_of(image) if image.whole else set(simulation.stock.architectures))


def judged(simulation: Simulation, release: Release) -> dict[str, Any]:
    """What a release line does with each image and the machines that it may be for."""
    images = simulation.stock.images
    machines = {m: None for image in images for m in sorted(of_image(simulation, image))}
    asked = Settings(machines=tuple(machines))
    told = verdict(Simulation(release, simulation.ground, asked), release, RECORDED)
    for image, resource in zip(images, told["resources"], strict=True):
        own = resource["machines"] = of_image(simulation, image)
        resource["deploy"] = {m: one for m, one in resource["deploy"].items() if m in own}
    return told


@settings(max_examples=150, deadline=None)
@given(streams(["amd64", "amd64", "arm64"]))
def test_findings_say_what_use_says(tree: MemoryTree) -> None:
    """What MAAS deploys and commissions has no grave finding, and what it does not has one."""
    look = look_at(load(tree), all_releases())  # type: ignore[arg-type]
    found = findings(look, all_rules())
    for trace in look.traces:
        if trace.fatal is not None or trace.aborted:
            continue
        for release in look.releases:
            if release.line not in trace.lines:
                continue
            line = release.line
            simulation = look.uses[line]
            assert simulation is not None
            told = judged(simulation, release)
            unsure = {p for one in told["resources"] if is_open(one) for p in one["products"]}
            for product, said in by_product(told).items():
                if product in unsure or doubled(found, product, line):
                    continue
                if all(said):
                    assert not blamed(found, product, line), (line, product)
                elif not any(said):
                    assert blamed(found, product, line) or lost(found, product, line), (
                        line,
                        product,
                    )
