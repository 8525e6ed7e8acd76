"""The wheel, installed alone in a fresh environment; the sdist, whole enough to run its tests."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from maas_stream_lint import __version__
from maas_stream_lint.rule_tables import COMPILED

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree"


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    # Nothing of this environment may leak into the new one.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that no stray file of the checkout is taken along unseen."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "copy"
    left_out = (".*", "__pycache__", "tests", "fixtures", "bench", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*left_out))
    near = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    command = [sys.executable, "-m", "build", "--wheel", *near, "--outdir", folder, copy]
    run(*command, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_all_data_and_nothing_else(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    rules = {p.relative_to(ROOT).as_posix() for p in (ROOT / "rules").rglob("*") if p.is_file()}
    assert rules
    rules.add(f"rules/{COMPILED}")  # every build makes it
    in_wheel = {name for name in held if name.startswith("maas_stream_lint/rules/")}
    assert in_wheel == {f"maas_stream_lint/{path}" for path in rules}
    package = ROOT / "maas_stream_lint"
    code = {
        p.relative_to(ROOT).as_posix()
        for kind in ("*.py", "*.css", "*.js")
        for p in package.rglob(kind)
    }
    others = held - in_wheel - code - {"maas_stream_lint/py.typed"}
    assert code <= held
    assert "maas_stream_lint/py.typed" in held
    man = f"maas_stream_lint-{__version__}.data/data/share/man/man1/maas-stream-lint.1"
    assert man in others
    others.remove(man)
    assert all(name.startswith(f"maas_stream_lint-{__version__}.dist-info/") for name in others)
    assert any(name.endswith("licenses/LICENSE") for name in others)


def test_the_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    run(home / "bin/pip", "install", "-q", "--disable-pip-version-check", wheel, cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    tool = home / "bin/maas-stream-lint"

    assert __version__ in run(tool, "--version", cwd=empty)
    assert __version__ in (home / "share/man/man1/maas-stream-lint.1").read_text("utf-8")
    assert "MSL401" in run(tool, "rules", cwd=empty)
    shutil.copytree(BUNDLED, empty / "mirror")
    index = "mirror/streams/v1/index.json"
    assert "MSL401" in run(tool, "check", index, cwd=empty, code=1)
    seen = json.loads(run(tool, "preview", index, "--format", "json", cwd=empty))
    lines = {p.stem for p in (ROOT / "rules" / "releases").glob("*.toml")}
    assert set(seen["maas"]) == lines
    code = f"import maas_stream_lint as m; print(m.check({index!r}).worst.label, m.__file__)"
    worst, file = run(home / "bin/python", "-c", code, cwd=empty).split()
    assert worst in ("ignored", "fatal")
    assert file.startswith(str(home))


def test_the_sdist_holds_every_file_of_the_repository(tmp_path: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode or (ROOT / "PKG-INFO").exists():
        pytest.skip("this is no checkout, so nothing says which files belong to it")
    near = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    run(sys.executable, "-m", "build", "--sdist", *near, "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    present = {name for name in tracked.stdout.split("\0") if name and (ROOT / name).exists()}
    assert present <= held
