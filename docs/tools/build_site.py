"""Builds the documentation's site: ``python docs/tools/build_site.py [FOLDER]``, default ``site``.

Zensical makes it from ``mkdocs.yml`` and from the Markdown that `staging` writes. A link that leads
nowhere ends the build, and so does anything that a page would load from elsewhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import playground
from links import faults
from maas_stream_lint import documentation
from staging import Astray, stage

#: Every site has this file.
_OF_A_SITE = "sitemap.xml"
#: So many broken links are named.
_MOST = 50
#: Read the Docs names the address that it publishes at.
_PUBLISHED = "READTHEDOCS_CANONICAL_URL"


def main() -> None:
    """Build, or say what is wrong and exit with 1."""
    parser = argparse.ArgumentParser(description="Build the documentation's site.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("site"))
    try:
        build(parser.parse_args().folder)
    except (Astray, BuildError, playground.FetchError) as error:
        sys.exit(f"error: {error}")


class BuildError(Exception):
    """The site can't be built."""


def build(folder: Path) -> None:
    """Build the site in a folder, and replace an older site in it. Raises Astray, BuildError and FetchError."""
    if folder.exists() and not (folder / _OF_A_SITE).is_file() and any(folder.iterdir()):
        raise BuildError(f"{folder} holds something else than a site; name another folder")
    with tempfile.TemporaryDirectory() as made:
        stage(Path(made))
        _prepare_playground(Path(made) / "docs")
        _zensical(Path(made))
        _guard_playground(Path(made) / "site")
        _require_links(Path(made) / "site")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(made) / "site", folder)


def _prepare_playground(docs: Path) -> None:
    playground.add(docs / "playground")
    page = docs / "playground.md"
    page.write_text(playground.page(page.read_text("utf-8"), docs / "playground"), "utf-8")


def _guard_playground(site: Path) -> None:
    page = site / "playground" / "index.html"
    page.write_text(playground.guarded(page.read_text("utf-8")), "utf-8")


def _zensical(staged: Path) -> None:
    site = os.environ.get(_PUBLISHED) or documentation.address()
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=staged,
        env={**os.environ, "SITE_URL": site, "PYTHONPATH": os.fspath(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = (done.stdout + done.stderr).partition("Traceback")[0].strip()
        raise BuildError(f"Zensical does not build the site\n{told}")


def _require_links(site: Path) -> None:
    found = faults(site)
    if found:
        more = f"\nand {len(found) - _MOST} more" if len(found) > _MOST else ""
        raise BuildError("links lead nowhere\n" + "\n".join(found[:_MOST]) + more)


if __name__ == "__main__":
    main()
