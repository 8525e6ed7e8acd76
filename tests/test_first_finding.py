"""From a checkout to the first finding: one command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whatever pip would fetch, fetched beforehand."""
    folder = tmp_path_factory.mktemp("downloads")
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    command += ["-d", str(folder), "hatchling>=1.27", "editables", str(ROOT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_one_command_from_checkout_to_finding(downloads: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (command,) = re.findall(r"^python3 -m venv .* check .*$", readme, re.MULTILINE)
    checkout = tmp_path / "checkout"
    left_out = (".*", "__pycache__", "conformance", "build", "dist", "site", "*.egg-info")
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*left_out))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    env = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_", "GITHUB_"))
    }
    env |= {
        "PATH": f"{tmp_path / 'bin'}:{env['PATH']}",
        "HOME": str(tmp_path),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(downloads),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        ["sh", "-c", command], cwd=checkout, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("stream fixtures/")
    assert "MSL401 ubuntu-name" in done.stdout
