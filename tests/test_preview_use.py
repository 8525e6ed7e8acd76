"""What ``preview`` says of the use of images, and its answer to one question."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from images import INDEX, UBUNTU, Tree
from maas_stream_lint.api import check
from maas_stream_lint.cli.main import main
from maas_stream_lint.finding import Severity
from maas_stream_lint.outcome import IMPORTED, rows
from maas_stream_lint.prospect import Users
from maas_stream_lint.question import Wanted, answers
from test_use import CASES, written
from test_use_findings import blamed
from trees import KEYRING

BAD = Path(__file__).parents[1] / "fixtures" / "bad"
ALIKE = BAD / "MSL460-kernel-of-other-release" / "tree" / "streams" / "v1" / "index.json"


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["preview", str(root), *arguments])


def wanted(root: Path, text: str, line: str, *arguments: str) -> str:
    done = run(root, "--wanted", text, "--maas", line, *arguments)
    assert done.exit_code == 0
    return " ".join(done.stdout.split())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Tree().write(tmp_path / "tree") / INDEX


def test_kernel_and_titles(root: Path) -> None:
    told = " ".join(run(root, "--maas", "3.6").stdout.split())
    assert 'ubuntu/jammy, in the UI: Ubuntu / Ubuntu 22.04 LTS "Jammy Jellyfish"' in told
    assert f"{UBUNTU} as amd64/ga-22.04 amd64/generic commissions and deploys" in told


def test_machines_that_are_named(root: Path) -> None:
    told = " ".join(run(root, "--maas", "3.6", "--machine", "amd64/foo").stdout.split())
    assert "; does not commission: failed to compute" in told
    assert (
        "amd64/foo does not deploy: ga-22.04 is not available for ubuntu/jammy on amd64/foo; "
        "does not commission: " in told
    )
    assert "none for these machines" in run(root, "--machine", "arm64/generic").stdout


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--machine", "amd64"], "write amd64/generic"),
        (["--wanted", "ubuntu/jammy"], "write ubuntu/jammy/amd64"),
    ],
)
def test_what_is_malformed(root: Path, more: list[str], told: str) -> None:
    done = run(root, *more)
    assert done.exit_code == 2
    assert told in done.stderr


def test_wanted_and_there(root: Path) -> None:
    said = wanted(root, "ubuntu/jammy/amd64", "3.6")
    assert "MAAS 3.6: yes: amd64/generic commissions and deploys with kernel ga-22.04" in said


def test_wanted_and_missing(root: Path) -> None:
    said = wanted(root, "ubuntu/noble/amd64", "3.6")
    assert "no: the stream has no such product; it has ubuntu/jammy/amd64" in said


def test_wanted_for_another_machine(root: Path) -> None:
    said = wanted(root, "ubuntu/jammy/amd64", "3.6", "--machine", "arm64/generic")
    assert "no: none of these machines is amd64" in said


def test_wanted_where_only_another_kernel_works() -> None:
    said = wanted(ALIKE, "ubuntu/jammy/amd64", "3.8")
    assert "yes: amd64/generic deploys with kernel hwe-22.04, but only if a user chooses it" in said
    assert "MSL460" in said


def test_wanted_where_a_release_is_of_no_use() -> None:
    said = wanted(ALIKE, "ubuntu/jammy-acme/amd64", "2.9")
    assert "no: imported, but amd64/generic neither commissions nor deploys" in said
    assert "MSL456" in said
    assert "do name the release with one word" in said


def test_wanted_where_the_import_fails(root: Path) -> None:
    index = json.loads(root.read_text("utf-8"))
    index["index"] = {}
    del index["format"]
    root.write_text(json.dumps(index), "utf-8")
    assert "MAAS 3.8: no: " in wanted(root, "ubuntu/jammy/amd64", "3.8")


def test_wanted_where_a_name_is_wrong() -> None:
    index = BAD / "MSL401-ubuntu-name" / "tree" / "streams" / "v1" / "index.json"
    said = wanted(index, "ubuntu/jammy/amd64", "3.6")
    assert "no: MAAS does not import it MSL401" in said


@pytest.mark.parametrize("id_", CASES)
def test_every_case(id_: str, tmp_path: Path) -> None:
    """What is imported is of use to a machine, and the answer on a system agrees with that."""
    case = json.loads(CASES[id_].read_text("utf-8"))
    report = check(written(case, tmp_path), keyring=KEYRING if case["keyring"] else None)
    table = rows(report.look, report.findings)
    lines_of = report.look.lines
    fates = {
        (row.product, line, outcome)
        for row in table
        for line, outcome in zip(lines_of, row.outcomes, strict=True)
    }
    for product, line, outcome in fates:
        assert outcome != IMPORTED or not blamed(report.findings, product, line)
    users = Users(report.look)
    for line in lines_of:
        images, lines = users.images(line), (line,)
        for image in images or ():
            useful = any(service.good for service in image.services)
            for product, line in itertools.product(image.products, lines):
                assert useful or (product, line, IMPORTED) not in fates
        for system, arch in {(i.system, i.architecture.partition("/")[0]) for i in images or ()}:
            alike = [i for i in images or () if i.system == system]
            fine = any(
                service.deploying is None
                for image in alike
                if image.architecture.startswith(f"{arch}/")
                for service in image.services
            )
            os, _, release = system.partition("/")
            for asked, answer in answers(report, Wanted(os, release, arch)):
                assert answer.yes is fine or set(asked).isdisjoint(lines)
                assert answer.finding is None or answer.finding.severity >= Severity.UNUSABLE
