"""Commands within a text: people copy them as a whole, so formats set them apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Programs that remedies name. Code in backticks that starts with one, and goes on, is a command.
PROGRAMS = frozenset(
    (
        *("apt-get", "curl", "date", "gpg", "gpgv", "maas", "maas-stream-lint", "mksquashfs"),
        *("openssl", "python3", "rsync", "sha256sum", "sstream-mirror", "sudo", "tar2sqfs"),
        *("xz", "zstd"),
    )
)
_BACKTICKS = re.compile(r"`([^`]*)`")


class Part(NamedTuple):
    """A piece of a text."""

    text: str
    command: bool = False


def is_command(code: str, arguments: int = 1) -> bool:
    """Whether code in a text is a command that somebody can run: not one with ``…`` in it.

    ``arguments``: with at least so many.
    """
    program, *rest = code.split()[: arguments + 1] or [""]
    whole = len(rest) >= arguments and "\N{HORIZONTAL ELLIPSIS}" not in code
    return program in PROGRAMS and whole


def parts(text: str, arguments: int = 1) -> Iterator[Part]:
    """The text cut before and behind each command, which comes without its backticks.

    ``arguments``: a command with fewer stays in the text. A full stop or comma behind a command
    goes: the command ends its line.
    """
    begun = 0
    for found in _BACKTICKS.finditer(text):
        if is_command(found[1], arguments):
            yield from _words(text[begun : found.start()])
            yield Part(found[1], command=True)
            begun = found.end() + (text[found.end() : found.end() + 1] in (".", ","))
    yield from _words(text[begun:])


def _words(text: str) -> Iterator[Part]:
    if text.strip():
        yield Part(text.strip())
