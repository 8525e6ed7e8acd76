"""Names, numbers and release lines in few words, for all formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.output import clean
from maas_stream_lint.rule_files import release_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The most characters of a name or line; a hostile one may have megabytes.
LONGEST = 500

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def brief(text: str) -> str:
    """An untrusted text, made safe and cut to LONGEST."""
    return clean(text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}")


def span(lines: Iterable[str], known: Iterable[str], asked: Iterable[str] = ()) -> str:
    """Release lines, briefly: ``2.9–3.7``, ``3.5, 3.8``.

    ``known``: all release lines, oldest first; neighbours form a range. ``asked``: the lines that
    the user asked for; if ``lines`` are these, the result is ``all``.
    """
    order = list(known)
    wanted = set(lines)
    if len(wanted) > 1 and wanted == set(asked):
        return "all"
    runs: list[list[str]] = []
    for position, line in enumerate(order):
        if line in wanted:
            if runs and position and runs[-1][-1] == order[position - 1]:
                runs[-1].append(line)
            else:
                runs.append([line])
    return ", ".join(r[0] if len(r) == 1 else f"{r[0]}\N{EN DASH}{r[-1]}" for r in runs)


def some(names: list[str], most: int = 3) -> str:
    """A few of many names: ``a, b, c and 477 more``."""
    if len(names) <= most + 1:
        return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
    return ", ".join(names[:most]) + f" and {len(names) - most:,} more"


def count(number: int, noun: str) -> str:
    """``1 product``, ``2 products``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def size(number: int) -> str:
    """A number of bytes in the largest unit that fits: ``1.5 GiB``."""
    amount, unit = float(number), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:,.0f} bytes" if unit == 0 else f"{amount:,.1f} {_UNITS[unit]}"


def maas(lines: Iterable[str], *, dash: str = "-") -> str:
    """Release lines for programs and plain files: ``MAAS 2.9-3.7``."""
    told = span(lines, release_lines())
    return f"MAAS {told}".replace("\N{EN DASH}", dash)
