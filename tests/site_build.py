"""The documentation's site, built once for all tests of a run."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Why the site cannot be built here. CI has all that it needs.
LACKING = (
    "without the test extra"
    if importlib.util.find_spec("zensical") is None
    else "no npm; Debian: apt-get install npm"
    if shutil.which("npm") is None
    else ""
)
needs_site = pytest.mark.skipif(bool(LACKING) and os.environ.get("CI") != "true", reason=LACKING)


def built(factory: pytest.TempPathFactory) -> Path:
    """The folder of the site. The first of several processes builds it, and the others wait."""
    base = factory.getbasetemp()
    common = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    site, done = common / "site", common / "site.built"
    with (common / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            command = [sys.executable, "docs/tools/build_site.py", site]
            made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stdout + made.stderr
            done.touch()
    return site
