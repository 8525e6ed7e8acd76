"""A run that is killed at any step leaves the old tree or the new one; two runs do not mix."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint import atomic
from maas_stream_lint.api import check
from maas_stream_lint.building import versions
from maas_stream_lint.building.builder import Options, build
from maas_stream_lint.building.pruning import Options as PruneOptions
from maas_stream_lint.building.pruning import prune
from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.errors import LintError
from maas_stream_lint.finding import Severity
from maas_stream_lint.rulebook import releases
from packed import tarball

INDEX = "streams/v1/index.json"
BASES = "streams/v1/local.maas:bases-download.json"
ROCKY = "local.maas:rhel-bases:rocky9:amd64"
NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
LATER = NOW + timedelta(days=9)
#: What changes a file system; a run is killed before each of these in turn, and after an exchange.
STEPS = {"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate"}
KILLED = 9
FORK = multiprocessing.get_context("fork")


def held(root: Path) -> list[str]:
    if not (root / INDEX).exists():
        return []
    data = json.loads((root / BASES).read_text())
    return sorted(data["products"][ROCKY]["versions"])


def sound(root: Path) -> bool:
    findings = check(root / INDEX).findings
    # Files that no metadata names are what a killed run may leave.
    return [f for f in findings if f.severity > Severity.INFO and f.name != "orphan-file"] == []


def built(root: Path, image: Path, now: datetime, *, update: bool) -> None:
    assert build(root, [Wanted(image)], Options(releases(), update=update), now=now).written


def pruned(root: Path) -> None:
    prune(
        root,
        lambda known, present, needs: versions.beyond(known, 1, present, needs),
        PruneOptions(grace=timedelta()),
        LATER + timedelta(days=1),
    )


def killed_at(number: int, work: Any, *args: Any, **more: Any) -> int:
    """Do it in a process of its own, killed at a step; the exit code."""

    def run() -> None:
        left = number

        def step() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(KILLED)

        def seen(event: str, values: tuple[Any, ...]) -> None:
            writes = event == "open" and isinstance(values[1], str) and set(values[1]) & set("wxa+")
            if event in STEPS or writes:
                step()

        exchange = atomic.exchange

        def exchanged(*places: Path) -> bool:
            step()
            done = exchange(*places)
            step()
            return done

        atomic.exchange = exchanged
        sys.addaudithook(seen)
        work(*args, **more)
        os._exit(0)

    process = FORK.Process(target=run)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def junk(root: Path) -> list[str]:
    return [p.name for p in root.rglob("*") if p.name.startswith(".")]


def test_a_new_tree(tmp_path: Path) -> None:
    image = tarball(tmp_path / "rocky9.tar.gz")
    build(tmp_path / "warm", [Wanted(image)], Options(releases()), now=NOW)
    codes = []
    for number in range(200):
        root = tmp_path / f"out{number}"
        codes.append(killed_at(number, built, root, image, NOW, update=False))
        assert held(root) in ([], ["20261126_01"])
        assert not held(root) or sound(root)
        if codes[-1] == 0:
            break
        if not held(root):
            leftover = root / "rhel/rocky9/amd64/20261126_01"
            if leftover.exists():  # its files may lie there, and are nobody's
                shutil.rmtree(leftover)
            built(root, image, NOW, update=False)
            assert junk(root) == []
    assert codes[-1] == 0
    assert len(codes) > 10
    assert set(codes[:-1]) == {KILLED}


@pytest.fixture
def start(tmp_path: Path) -> tuple[Path, Path]:
    """A tree of one version, and an image for the next."""
    image = tarball(tmp_path / "rocky9.tar.gz")
    built(tmp_path / "start", image, NOW, update=False)
    return tmp_path / "start", tarball(tmp_path / "new.tar.gz", more={"etc/new": b"new"})


def test_an_update(tmp_path: Path, start: tuple[Path, Path]) -> None:
    tree, image = start
    codes = []
    for number in range(200):
        root = tmp_path / f"out{number}"
        shutil.copytree(tree, root)
        codes.append(killed_at(number, built, root, image, LATER, update=True))
        assert held(root) in (["20261126_01"], ["20261126_01", "20261205_01"])
        assert sound(root)
        if codes[-1] == 0:
            break
        # The next run goes on, and takes away what was left.
        built(root, image, LATER + timedelta(days=1), update=True)
        assert sound(root)
        assert junk(root) == []
        shutil.rmtree(root)
    assert codes[-1] == 0
    assert len(codes) > 15


def test_pruning(tmp_path: Path, start: tuple[Path, Path]) -> None:
    tree, image = start
    built(tree, image, LATER, update=True)
    codes = []
    for number in range(200):
        root = tmp_path / f"out{number}"
        shutil.copytree(tree, root)
        codes.append(killed_at(number, pruned, root))
        assert held(root) in (["20261205_01"], ["20261126_01", "20261205_01"])
        assert sound(root)
        if codes[-1] == 0:
            break
        pruned(root)
        assert held(root) == ["20261205_01"]
        assert sound(root)
        assert junk(root) == []
        # What was lost from sight is deleted, too: it was written down first.
        assert [p.name for p in (root / "rhel/rocky9/amd64").iterdir()] == ["20261205_01"]
        shutil.rmtree(root)
    assert codes[-1] == 0
    assert len(codes) > 10


def _many(root: Path, image: Path, number: int) -> None:
    name = f"20261201_{number:02}"
    wanted = Wanted(image, release=f"rocky9-{number}", version_name=name)
    for _ in range(2000):
        try:
            assert build(root, [wanted], Options(releases(["3.8"]), update=True), now=NOW).written
        except LintError as error:
            assert "locked" in str(error) or "another program" in str(error)  # noqa: PT017
            time.sleep(0.02)
            continue
        os._exit(0)
    os._exit(1)


def test_runs_at_once_do_not_mix(start: tuple[Path, Path]) -> None:
    root, image = start
    runs = [FORK.Process(target=_many, args=(root, image, number)) for number in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(120)
    assert [run.exitcode for run in runs] == [0] * 4
    assert sound(root)
    products = json.loads((root / BASES).read_text())["products"]
    assert len(products) == 5
    assert junk(root) == []
