"""Where results go: standard output, or a file that is never half-written."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import TYPE_CHECKING

from maas_stream_lint.errors import UsageError
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.names import PLAIN_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: The open files of this process by path, as a shell's ``>( … )`` names them.
_OPEN = r"/(?:dev|proc/self)/fd/(\d{1,4})"

#: Controls, direction marks and zero-width characters, private use, lone surrogates, line ends.
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

#: Replacements for an output that is not Unicode.
_ASCII = str.maketrans(
    {"\N{EN DASH}": "-", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{MIDDLE DOT}": "-"}
)


class Style(NamedTuple):
    """How a text looks at its target."""

    width: int = PLAIN_WIDTH
    color: bool = False  #: whether it has colour
    links: bool = False  #: whether what can be clicked leads somewhere (OSC 8)
    verbose: bool = False  #: each finding in full
    quiet: bool = False  #: only what fails
    statistics: bool = False  #: how often each rule found something, instead of the findings
    exit_zero: bool = False  #: findings do not change the exit code
    made: str = ""  #: when, like 2026-01-31T12:00:00Z; empty if outputs must not tell
    sharing: int = 1  #: the reports that one output holds


def clean(text: str) -> str:
    """An untrusted text, with all characters escaped that a terminal might obey or hide."""
    if text.isascii() and text.isprintable():
        return text
    import unicodedata

    return "".join(_escaped(c) if unicodedata.category(c) in _UNSEEN else c for c in text)


def printable_path(path: Path) -> str:
    """A path for a report, whatever encoding its name has on disk."""
    return clean(os.fsencode(path).decode("utf-8", "backslashreplace"))


def style(output: str | None, color: str = "auto") -> Style:
    """The style of a text for standard output, or for the file that is named.

    ``color``: ``always``, ``never``, or ``auto``: a terminal gets colour unless its variables say
    otherwise, a pipe if they say so, and a file never.
    """
    from maas_stream_lint import terminal

    output = _named(output)
    shown = output is None and on_terminal()
    colored = terminal.takes_color(shown, color) and (output is None or color == "always")
    return Style(terminal.width(shown), colored, colored and terminal.takes_links(shown))


def on_terminal() -> bool:
    """Whether standard output is a terminal, which obeys control characters."""
    return sys.stdout is not None and sys.stdout.isatty()


def check_target(output: str | None) -> None:
    """Raise UsageError before any work if the tool cannot write to a target."""
    output = _named(output)
    if output is None:
        if sys.stdout is None:
            raise UsageError("standard output is closed", "name a file with --output")
    elif not _is_sink(output):
        _target(output)


def write(text: str | Iterable[str], output: str | None) -> None:
    """Write a result to the file, or to standard output where none is given.

    Parts are written as they come. A file is written under another name, synced and renamed. A
    pipe, ``/dev/stderr`` or a terminal gets the parts directly. A reader that stops reading (``|
    head``) is no error.
    """
    parts = [text] if isinstance(text, str) else text
    output = _named(output)
    if output is not None:
        if _is_sink(output):
            _send(output, (part.encode("utf-8", "backslashreplace") for part in parts))
            return
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


def _open_file(output: str) -> int | None:
    """The open file of this process that a path means: 1 for ``/dev/stdout``."""
    if output in ("/dev/stdout", "/dev/stderr"):
        return 1 if output == "/dev/stdout" else 2
    found = re.fullmatch(_OPEN, output)
    return int(found[1]) if found is not None else None


def _named(output: str | None) -> str | None:
    """A target; ``None`` for all names of standard output."""
    return None if output is None or output == "-" or _open_file(output) == 1 else output


def _is_sink(output: str) -> bool:
    """Whether a path is a pipe or a terminal, and not a file to replace."""
    try:
        number = _open_file(output)
        mode = os.stat(output if number is None else number).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return number is not None or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _send(output: str, parts: Iterable[bytes]) -> None:
    """Write into what a path leads to. A reader that stops reading is no error."""
    number = _open_file(output)
    try:
        # To open an own file again would begin at its start, and so overwrite what is there.
        with open(output if number is None else os.dup(number), "wb") as file:  # noqa: PTH123
            file.writelines(parts)
    except BrokenPipeError:
        return
    except OSError as error:
        raise _unwritable(output, error) from None


def _target(output: str) -> Path:
    from pathlib import Path

    if _open_file(output) is not None:
        raise UsageError(f"cannot write {output!r}: it is not open", "name a file")
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
