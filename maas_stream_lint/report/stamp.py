"""What made an output, and when: the tool's version, and the time if it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint import __version__

if TYPE_CHECKING:
    from maas_stream_lint.output import Style


#: The tool and its version, for people.
TOOL = f"maas-stream-lint {__version__}"


def stamped(data: dict[str, Any], style: Style) -> dict[str, Any]:
    """An output as an object of JSON, with ``tool`` and ``date`` behind its ``version``."""
    rest = dict(data)
    version = {"version": rest.pop("version")} if "version" in rest else {}
    return {**version, **stamp(style), **rest}


def stamp(style: Style) -> dict[str, Any]:
    """``tool`` and, if it is wanted, ``date`` for an object of JSON."""
    tool = {"name": "maas-stream-lint", "version": __version__}
    return {"tool": tool, **({"date": style.made} if style.made else {})}


def signature(style: Style) -> str:
    """The same for people: ``maas-stream-lint 1.2.3, 2026-01-31 12:00:00 UTC``."""
    when = style.made.replace("T", " ").replace("Z", " UTC")
    return TOOL + (f", {when}" if when else "")
