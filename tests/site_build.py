"""The documentation's site: built once for all tests of a run, and served."""

from __future__ import annotations

import fcntl
import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from maas_stream_lint import documentation

ROOT = Path(__file__).parents[1]
#: What the site is built with: nobody owns these.
ADDRESS, REPOSITORY = "https://docs.example.com/lint/", "https://git.example.com/team/lint"
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
            env = {**os.environ, documentation.VARIABLE: ADDRESS, "PROJECT_URL": REPOSITORY}
            made = subprocess.run(
                command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
            )
            assert made.returncode == 0, made.stdout + made.stderr
            done.touch()
    return site


class Files(SimpleHTTPRequestHandler):
    """A server of files, and of nothing else."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called
        """Say nothing."""


@contextmanager
def served(site: Path, files: type[Files] = Files) -> Iterator[str]:
    handler = functools.partial(files, directory=os.fspath(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.block_on_close = False  # the browser keeps connections that it may need
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
