"""Two release lines whose imports differ only in the order of images find the same obstacles."""

from __future__ import annotations

from typing import Any

import pytest

from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.uses.obstacles import Obstacle, obstacles
from maas_stream_lint.uses.same_use import same_obstacles
from maas_stream_lint.uses.simulation import Simulation
from test_use_rows import jammy, seen, stream, ubuntu

#: The last line of the one engine and the first one of the other.
LINES = (
    [release.line for release in all_releases() if not release.strict][-1],
    next(release.line for release in all_releases() if release.strict),
)
#: The files of an image in the order in which both engines store them.
SET = ("boot-initrd", "boot-kernel", "squashfs")
#: An image of no use, and one that is fine, whose release comes first.
OLD = ubuntu(*SET, subarch="ga-22.04", arch="arm64")
FINE = jammy(*SET)


def both(*products: dict[str, Any]) -> tuple[Simulation, Simulation]:
    uses = seen(stream(*products)).uses
    one, other = (uses[line] for line in LINES)
    assert one is not None
    assert other is not None
    return one, other


def told(found: list[Obstacle]) -> list[tuple[Any, ...]]:
    return [(one.image.position, one.image.products, one.cause, one.refusal.text) for one in found]


def test_the_same_images_in_another_order() -> None:
    one, other = both(OLD, FINE)
    assert one.stock.rows.keys == other.stock.rows.keys[::-1]
    found = obstacles(one)
    assert found
    assert told(same_obstacles(other, one, found) or []) == told(obstacles(other))


@pytest.mark.parametrize(
    "products",
    [
        [OLD, FINE, jammy("boot-kernel", "boot-initrd", "squashfs", subarch="hwe-22.04")],
        [OLD, FINE, jammy(*SET, release="acme", release_title="22.04 Acme")],
        [OLD, FINE, ubuntu(*SET, release="nob")],
        [OLD, FINE, ubuntu(*SET, arch="arm64ilp32")],
        [OLD, FINE, ubuntu("boot-initrd", "boot-kernel", subarch="hwe-24.04")],
    ],
    ids=[
        "the files of an image are stored in another order",
        "the list of available images says what a release is",
        "a release starts with another",
        "an architecture starts with another",
        "one line leaves an image out",
    ],
)
def test_each_line_has_its_own(products: list[dict[str, Any]]) -> None:
    one, other = both(*products)
    found = obstacles(one)
    assert found
    assert same_obstacles(other, one, found) is None


def test_victims_depend_on_the_order() -> None:
    one, other = both(OLD, FINE)
    found = [obstacle._replace(victims=(obstacle.image,)) for obstacle in obstacles(one)]
    assert same_obstacles(other, one, found) is None
