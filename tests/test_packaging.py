"""The wheel, installed alone in a fresh environment; the sdist, whole enough to run its tests."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from packaging.version import Version

from maas_stream_lint import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib
from maas_stream_lint.rule_tables import COMPILED

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
BUNDLED = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree"


def run(*command: str | Path, cwd: Path, code: int = 0, **more: str) -> str:
    # Nothing of this environment may leak into the new one.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**env, **more},
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
    run(*command, cwd=folder, PROJECT_URL=ADDRESS, MAAS_STREAM_LINT_DOCS_URL=SITE)
    (built,) = folder.glob("*.whl")
    return built


ADDRESS = "https://git.example.com/team/maas-stream-lint"
SITE = "https://docs.example.com/lint/"


def page_of(wheel: Path) -> Message:
    """What a package index reads of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def test_a_package_index_gets_addresses_and_whole_links(wheel: Path) -> None:
    page = page_of(wheel)
    urls = dict(line.split(", ") for line in page.get_all("Project-URL", []))
    assert urls["Source"] == ADDRESS
    assert urls["Changelog"] == f"{ADDRESS}/blob/v{__version__}/CHANGELOG.md"
    assert {"Homepage", "Issues"} <= urls.keys()
    assert urls["Documentation"] == SITE
    text = page.get_payload()
    assert isinstance(text, str)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(targets) > 15
    assert all(target.startswith(("https://", "#")) for target in targets)
    for target in targets:
        kind, _, path = target.removeprefix(f"{ADDRESS}/").partition(f"/v{__version__}/")
        if kind in ("blob", "raw"):
            assert (ROOT / path).exists(), path
    done = [sys.executable, "-m", "twine", "check", "--strict", wheel]
    assert "PASSED" in run(*done, cwd=wheel.parent)


def test_without_an_address_a_readme_has_no_links() -> None:
    page = pytest.importorskip("hatch_page", reason="without hatchling")
    readme = (ROOT / "README.md").read_text("utf-8")
    bare = page.with_absolute_links(readme, "", "v1")
    assert not re.search(r"\]\((?!https?:|#)", bare)
    assert "[" in readme
    assert "CONTRIBUTING" in bare


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({}, ""),
        ({"PROJECT_URL": "https://h/o/r/"}, "https://h/o/r"),
        ({"READTHEDOCS_GIT_CLONE_URL": "https://h/o/r.git"}, "https://h/o/r"),
        ({"READTHEDOCS_GIT_CLONE_URL": "git@h:o/r.git"}, ""),
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r"},
            "https://github.com/o/r",
        ),
        ({"CI_PROJECT_URL": "https://gitlab.example.com/o/r"}, "https://gitlab.example.com/o/r"),
        ({"CI_PROJECT_URL": "https://other", "PROJECT_URL": "https://h/o/r"}, "https://h/o/r"),
    ],
)
def test_who_says_the_address(
    said: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = pytest.importorskip("hatch_page", reason="without hatchling")
    for name in (
        *("PROJECT_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "CI_PROJECT_URL"),
        "READTHEDOCS_GIT_CLONE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert page.repository("") == address
    assert page.repository("https://configured/") == (
        said.get("PROJECT_URL", "").rstrip("/") or "https://configured"
    )


def test_version_and_changelog_agree() -> None:
    """The newest heading is of this version; so are the changelogs of packages."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first, *older = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    assert re.fullmatch(rf"{re.escape(__version__)} - (unreleased|\d{{4}}-\d\d-\d\d)", first)
    assert not [heading for heading in older if heading.split()[0] == __version__]
    debian = (ROOT / "packaging/debian/changelog").read_text("utf-8")
    assert debian.startswith(f"maas-stream-lint ({__version__}-1) ")


def bounds() -> dict[str, str]:
    """Each dependency, and the oldest version that is allowed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = {}
    for line in project["dependencies"]:
        name, least = re.fullmatch(
            r"([\w-]+)(?:\[\w+\])?>=([\d.]+)(?:,<\d+)?(?:;.*)?", line
        ).groups()  # type: ignore[union-attr]
        found[name] = least
    return found


def test_the_lowest_versions_are_those_that_are_tested() -> None:
    tested = dict(
        re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / ".ci/lowest.txt").read_text(), re.MULTILINE)
    )
    allowed = bounds()
    assert tested.keys() == allowed.keys()
    for name, least in allowed.items():
        assert Version(tested[name]) == Version(least), name


def test_debian_s_package_needs_what_the_project_needs() -> None:
    control = (ROOT / "packaging/debian/control").read_text("utf-8")
    named = dict(re.findall(r"^ python3-([\w-]+) \(>= ([\d.]+)\),$", control, re.MULTILINE))
    # Debian has no ahocorasick-rs, has httpx for httpx2, and no Python that is older than 3.11.
    left_out = {"ahocorasick-rs", "httpx2", "tomli", "backports-datetime-fromisoformat"}
    assert named == {name: least for name, least in bounds().items() if name not in left_out}


@pytest.mark.skipif(not (BIN / "check-jsonschema").exists(), reason="without the test extra")
def test_the_snap_fits_its_schema() -> None:
    check = [BIN / "check-jsonschema", "--builtin-schema", "vendor.snapcraft"]
    assert "ok" in run(*check, "snap/snapcraft.yaml", cwd=ROOT)
    text = (ROOT / "snap/snapcraft.yaml").read_text("utf-8")
    command = re.search(r"craftctl set version=\"\$\((.*)\)\"", text)
    assert command is not None
    assert run("sh", "-c", command[1], cwd=ROOT).strip() == __version__


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
