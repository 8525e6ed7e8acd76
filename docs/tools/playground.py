"""The files of the playground: Python for browsers, this package and the libraries that a check needs.

Nothing of it is kept in the repository. ``docs/playground/package.json`` pins the version of
Pyodide, and its lock file the checksum. The libraries are those of the environment that builds.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from maas_stream_lint import __version__, check
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style
from maas_stream_lint.report.formats import FORMATS
from maas_stream_lint.report.phrases import size
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "playground"
#: What a check imports beside this package.
LIBRARIES = ("httpx2", "idna", "packaging", "rich")
#: The files of Pyodide that a browser loads.
PYODIDE = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
#: The first report of the README.
EXAMPLE = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1"
LINE = "maas.import-images: [warn] Ignoring unsupported product com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64"

_INLINE = re.compile(r"<script(?:\s+id=\"[^\"]*\")?>(.*?)</script>", re.DOTALL)
_PLACE = re.compile(
    r"<!-- (version|size|example index|example products|example line|release lines) -->"
)


class FetchError(Exception):
    """Pyodide, or a library that goes with it, can't be had."""


def add(folder: Path) -> None:
    """Put the playground's files into a folder that holds its page's scripts. Raises FetchError."""
    fetch_pyodide(folder / "pyodide")
    pack(folder / "packages.zip")


def fetch_pyodide(folder: Path) -> None:
    """The pinned Pyodide, from npm's registry, its checksum verified. Raises FetchError."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as made:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, made)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        try:
            done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise FetchError("npm is not installed; it fetches Python for browsers") from None
        if done.returncode:
            raise FetchError(f"npm does not fetch Pyodide\n{done.stderr.strip()}")
        for name in PYODIDE:
            shutil.copy(Path(made) / "node_modules/pyodide" / name, folder)


def pack(place: Path) -> None:
    """This package and its libraries as one archive, byte for byte the same for the same files."""
    with ZipFile(place, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, file in sorted(_packed()):
            archive.writestr(ZipInfo(name), file.read_bytes(), ZIP_DEFLATED)


def _packed() -> Iterator[tuple[str, Path]]:
    """Name in the archive → file."""
    for top, home in (
        ("maas_stream_lint", "maas_stream_lint"),
        ("rules", "maas_stream_lint/rules"),
    ):
        for file in (ROOT / top).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"{home}/{file.relative_to(ROOT / top).as_posix()}", file
    for module in ("play.py", "httpx2_jsfetch.py"):
        yield module, SOURCE / module
    for library in LIBRARIES:
        for path in _files(library):
            if path.suffix == ".py" or "licenses" in path.parts or path.name == "METADATA":
                yield path.as_posix(), Path(str(path.locate()))


def _files(library: str) -> list[metadata.PackagePath]:
    try:
        return metadata.files(library) or []
    except metadata.PackageNotFoundError:
        raise FetchError(f"{library} is not installed; it needs Python 3.11 or newer") from None


def page(text: str, folder: Path) -> str:
    """The playground's page, with what is only known when the site is built. ``folder``: its files."""
    given = {
        "version": __version__,
        "size": size(loaded(folder)),
        "example index": _example("index.json"),
        "example products": _example("*-download.json"),
        "example line": escape(LINE),
        "release lines": "\n".join(map(_box, release_lines())),
    }
    return _PLACE.sub(lambda match: given[match[1]], text)


def loaded(folder: Path) -> int:
    """How many bytes a browser loads for the first check."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _example(pattern: str) -> str:
    (file,) = EXAMPLE.glob(pattern)
    # A blank line would end the block of HTML that this stands in.
    return escape(re.sub(r"\n\s*\n", "\n", file.read_text("utf-8").strip()))


def _box(line: str) -> str:
    return f'<label><input type="checkbox" name="maas" value="{line}" checked> {line}</label>'


def policy(html: str) -> str:
    """The Content-Security-Policy of the playground's page.

    Scripts may come from the site's server, or be in the page as built. The report inherits this
    policy, and only its own script may run there. Requests go only to the site's server.
    """
    scripts = [*_INLINE.findall(html), *_INLINE.findall(_report())]
    hashes = " ".join(dict.fromkeys(map(_hashed, scripts)))
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src blob:",
            "base-uri 'self'",
            "form-action 'none'",
        ]
    )


def _report() -> str:
    """A report. All have the same scripts."""
    report = check(EXAMPLE.parents[1], files="none")
    return "".join(FORMATS["html"].render(report, Severity.UNUSABLE, Style()))


def _hashed(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def guarded(html: str) -> str:
    """The page with its policy, before anything that the policy is about."""
    tag = f'<meta http-equiv="Content-Security-Policy" content="{policy(html)}">'
    head, begun, rest = html.partition("<head>")
    if not begun:
        raise ValueError("the page has no <head>")
    return f"{head}{begun}{tag}{rest}"
