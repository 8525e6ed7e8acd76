"""What a report says of an image that a machine may boot in more than one way."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from click.testing import CliRunner

from images import UBUNTU, Tree
from maas_stream_lint.api import check
from maas_stream_lint.cli.main import main
from maas_stream_lint.fixing.renaming import fate, renamed
from maas_stream_lint.outcome import MEANING
from maas_stream_lint.uses import simulate
from maas_stream_lint.uses.service import services

HWE = "com.example.maas:v3:boot:22.04:amd64:hwe-22.04"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An Ubuntu release with two kernels."""
    made = Tree()
    made.products[HWE] = copy.deepcopy(made.products[UBUNTU])
    made.products[HWE].update(subarch="hwe-22.04", subarches="generic,hwe-p,hwe-22.04")
    for path, body in {**made.files, **made.metadata}.items():
        file = tmp_path / "tree" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    return tmp_path / "tree"


def test_each_kernel_is_told_with_what_maas_does_by_itself(tree: Path) -> None:
    told = CliRunner().invoke(main, ["preview", str(tree), "--maas", "3.6"]).stdout
    told = " ".join(told.split())
    assert f"{UBUNTU} as amd64/ga-22.04 amd64/generic commissions and deploys with kernel" in told
    assert (
        f"{HWE} as amd64/hwe-22.04 amd64/generic commissions with kernel ga-22.04; deploys with "
        "kernel hwe-22.04 if a user chooses it, otherwise with ga-22.04"
    ) in told


def test_each_service_as_data(tree: Path) -> None:
    look = check(tree, ["3.6"]).look
    simulation = simulate(look.traces, look.releases)["3.6"]
    assert simulation is not None
    said = [services(simulation, image)[0].to_dict() for image in simulation.stock.images]
    assert [one["kernel"] for one in said] == ["ga-22.04", "hwe-22.04"]
    assert [(one["commission"], one["deploy"]) for one in said] == [(True, True)] * 2


def test_the_fate_of_a_new_name_is_that_of_this_product_alone(tree: Path) -> None:
    new = "com.example.maas:boot:22.04:amd64:hwe-22.04"  # without `:v3:`, which Ubuntu needs
    told = fate(renamed(check(tree, ["3.7"]), {HWE: new}), new)
    assert MEANING["ignored"] in told
    assert MEANING["imported"] not in told
