"""Where results go: standard output, or a file that is never half-written."""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: The width of a report that goes to no terminal.
PLAIN_WIDTH = 80
_NARROWEST, _WIDEST = 40, 100

#: Controls, direction marks and zero-width characters, private use, lone surrogates, line ends.
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

#: Replacements for an output that is not Unicode.
_ASCII = str.maketrans(
    {"\N{EN DASH}": "-", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{MIDDLE DOT}": "-"}
)


class Style(NamedTuple):
    """How a text is made for where it goes."""

    width: int = PLAIN_WIDTH
    color: bool = False  #: whether it has colour
    links: bool = False  #: whether what can be clicked leads somewhere (OSC 8)
    sharing: int = 1  #: the reports that one output holds


def clean(text: str) -> str:
    """An untrusted text, with all characters escaped that a terminal might obey or hide."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _UNSEEN else c for c in text)


def printable_path(path: Path) -> str:
    """A path for a report, whatever encoding its name has on disk."""
    return clean(os.fsencode(path).decode("utf-8", "backslashreplace"))


def style(output: str | None) -> Style:
    """The style for standard output: a terminal's width and colour; plain text otherwise.

    NO_COLOR and FORCE_COLOR are obeyed; a file never gets colour.
    """
    terminal = output is None and sys.stdout is not None and sys.stdout.isatty()
    width = PLAIN_WIDTH
    if terminal:
        import shutil

        width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns))
    if output is not None or os.environ.get("NO_COLOR"):
        return Style(width, color=False)
    if os.environ.get("FORCE_COLOR"):
        return Style(width, color=os.environ["FORCE_COLOR"] != "0")
    return Style(width, color=terminal and os.environ.get("TERM") != "dumb")


def check_target(output: str | None) -> None:
    """Raise UsageError if a target cannot be written, before any work is done."""
    if output is not None:
        _target(output)
    elif sys.stdout is None:
        raise UsageError("standard output is closed", "name a file with --output")


def write(text: str | Iterable[str], output: str | None) -> None:
    """Write a result to the file, or to standard output where none is given.

    Parts are written as they come. A file is written under another name, synced and renamed.
    A reader that stops reading (``| head``) is no error.
    """
    parts = [text] if isinstance(text, str) else text
    if output is not None:
        _replace(_target(output), (part.encode("utf-8", "backslashreplace") for part in parts))
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        for part in parts:
            sys.stdout.write(_encodable(part, encoding))
        sys.stdout.flush()
    except OSError as error:
        # Otherwise the interpreter flushes again at exit, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise _unwritable("standard output", error) from None


def append(text: str, output: str) -> None:
    """Add a text to the end of a file that other programs write to."""
    from pathlib import Path

    try:
        with Path(output).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(output, error) from None


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text


def _escaped(char: str) -> str:
    return ascii(char)[1:-1]


def _target(output: str) -> Path:
    from pathlib import Path

    # A link stays a link: the file that it leads to is replaced.
    target = Path(os.path.realpath(output))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        if not output or output.endswith("/") or not target.parent.is_dir():
            raise UsageError(
                f"cannot write {output!r}: no such directory", "create it first"
            ) from None
        return target
    except OSError as error:
        raise _unwritable(output, error) from None
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise UsageError(f"cannot write {output!r}: it is {kind}", "name a file")
    return target


def _replace(target: Path, parts: Iterable[bytes]) -> None:
    from maas_stream_lint import atomic

    try:
        atomic.replace(target, parts)
    except OSError as error:
        raise _unwritable(str(target), error) from None


def _unwritable(output: str, error: OSError) -> UsageError:
    why = (error.strerror or "unwritable").lower()
    return UsageError(f"cannot write {output!r}: {why}", "check the path and its permissions")
