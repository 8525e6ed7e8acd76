"""Makes a picture of what a command prints: an SVG that is readable in dark and light.

rich's own export loads fonts from elsewhere and knows one theme, so only its parsed text is used.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.style import Style

#: Pixels of a character and of a line, at this size of font.
WIDE, HIGH, SIZE = 8.4, 19, 14
MARGIN, BAR = 16, 34

_COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

_STYLE = """\
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
 white-space: pre; fill: #1f2328 }
.ground { fill: #f6f8fa; stroke: #d1d9e0 } .bar { fill: #59636e }
.bold { font-weight: 600 } .dim { fill: #59636e }
.red { fill: #cf222e } .yellow { fill: #845306 } .green { fill: #116329 }
.blue { fill: #0550ae } .cyan { fill: #1b5e73 } .white { fill: #fff } .on-red { fill: #cf222e }
@media (prefers-color-scheme: dark) {
 text { fill: #e6edf3 } .ground { fill: #0d1117; stroke: #3d444d } .bar, .dim { fill: #9198a1 }
 .red { fill: #ff7b72 } .yellow { fill: #e3b341 } .green { fill: #56d364 }
 .blue { fill: #79c0ff } .cyan { fill: #76d1e6 } .on-red { fill: #b62324 }
}"""


def picture(command: str, output: str, width: int = 80) -> str:
    """An SVG of a prompt with a command, and of its output with ANSI colours."""
    console = Console(width=width, color_system="standard", force_terminal=True, _environ={})
    lines = [Text.assemble(("$ ", "green bold"), (command, "bold")), Text()]
    for line in output.rstrip("\n").split("\n"):
        # A terminal cuts what is longer than a line, and shows the rest on the next one.
        whole = Text.from_ansi(line)
        lines += whole.divide(range(width, len(whole), width)) if len(whole) > width else [whole]
    columns = max(width, *(line.cell_len for line in lines))
    across, down = round(columns * WIDE + 2 * MARGIN), len(lines) * HIGH + BAR + MARGIN
    drawn = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" width="{across}"'
            f' height="{down}" role="img" aria-label="{escape(command)}">'
        ),
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" x=".5" y=".5" width="{across - 1}" height="{down - 1}" rx="8"/>',
        *(f'<circle class="bar" cx="{x}" cy="18" r="5" opacity=".5"/>' for x in (20, 37, 54)),
    ]
    for number, line in enumerate(lines):
        y, column, spans, grounds = BAR + (number + 1) * HIGH - 5, 0, [], []
        for segment in line.render(console):
            text = segment.text.rstrip("\n")
            if not text:
                continue
            names = _classes(segment.style) if segment.style is not None else []
            if "on-red" in names:
                names.remove("on-red")
                x = MARGIN + column * WIDE
                grounds.append(
                    f'<rect class="on-red" x="{x:.1f}" y="{y - 14}" '
                    f'width="{len(text) * WIDE:.1f}" height="{HIGH - 1}"/>'
                )
            given = f' class="{" ".join(names)}"' if names else ""
            x = MARGIN + column * WIDE
            spans.append(
                f'<tspan{given} x="{x:.1f}" textLength="{len(text) * WIDE:.1f}">'
                f"{escape(text, quote=False)}</tspan>"
            )
            column += len(text)
        drawn += grounds
        if spans:
            drawn.append(f'<text y="{y}">{"".join(spans)}</text>')
    return "\n".join([*drawn, "</svg>", ""])


def words(svg: str) -> str:
    """What can be read in a picture, one line a line."""
    from xml.etree import ElementTree

    lines = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return "".join(f"{''.join(line.itertext())}\n" for line in lines)


def _classes(style: Style) -> list[str]:
    names = [name for name in ("bold", "dim") if getattr(style, name)]
    if style.color is not None and style.color.number is not None:
        names.append(_COLORS[style.color.number % 8])
    if style.bgcolor is not None and style.bgcolor.number is not None:
        names.append("on-red")
    return names
