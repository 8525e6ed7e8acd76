"""What a terminal supports: its width, colour, links.

The variables are the usual ones: NO_COLOR (https://no-color.org), CLICOLOR and CLICOLOR_FORCE
(https://bixense.com/clicolors), FORCE_COLOR, FORCE_HYPERLINK, COLUMNS, TERM.
"""

from __future__ import annotations

import os

from maas_stream_lint.names import PLAIN_WIDTH

_NARROWEST, _WIDEST = 40, 100
#: The most columns that COLUMNS may ask for.
_MOST = 1000

#: Terminals that take links (OSC 8) and show nothing else than the text of a link.
_PROGRAMS = frozenset(
    {"ghostty", "hyper", "iterm.app", "mintty", "rio", "tabby", "vscode", "warpterminal", "wezterm"}
)
_TERMS = ("alacritty", "contour", "foot", "xterm-ghostty", "xterm-kitty", "wezterm")
_MARKS = ("DOMTERM", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "WEZTERM_PANE", "WT_SESSION")
#: VTE, the widget of GNOME's and other terminals, takes links from this version on.
_VTE = 5000
#: tmux, from this version on.
_TMUX = (3, 4)


def width(terminal: bool) -> int:
    """The columns of a text: what COLUMNS says, the terminal's width up to 100, or 80."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdecimal() and int(said[:9]) > 0:
        return max(_NARROWEST, min(_MOST, int(said[:9])))
    if not terminal:
        return PLAIN_WIDTH
    import shutil

    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns))


def takes_color(terminal: bool, wanted: str = "auto") -> bool:
    """Whether colour is shown. ``wanted``: ``always``, ``never``, or ``auto`` for a decision.

    NO_COLOR wins over a variable that forces colour; both win over the kind of the terminal.
    """
    if wanted != "auto":
        return wanted == "always"
    env = os.environ
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return env["FORCE_COLOR"] != "0"
    if env.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return terminal and env.get("CLICOLOR") != "0" and env.get("TERM") != "dumb"


def takes_links(terminal: bool) -> bool:
    """Whether a terminal supports links: only known ones do, and a pipe never does."""
    env = os.environ
    if not terminal or env.get("TERM") == "dumb":
        return False
    if env.get("FORCE_HYPERLINK"):
        return env["FORCE_HYPERLINK"] != "0"
    if env.get("TERM_PROGRAM", "").lower() == "tmux":
        return _version(env.get("TERM_PROGRAM_VERSION", "")) >= _TMUX
    if env.get("TERM_PROGRAM", "").lower() in _PROGRAMS or any(env.get(mark) for mark in _MARKS):
        return True
    vte = env.get("VTE_VERSION", "")
    if vte.isascii() and vte.isdecimal():
        return int(vte[:9]) >= _VTE
    return env.get("TERM", "").startswith(_TERMS)


def _version(text: str) -> tuple[int, ...]:
    """``3.4a`` → ``(3, 4)``."""
    import re

    return tuple(int(part) for part in re.findall(r"\d{1,9}", text)[:2])
