"""What HTML pages share: the frame, the policy that allows nothing else, and text made safe."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from maas_stream_lint import outcome
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style, clean
from maas_stream_lint.report.commands import parts
from maas_stream_lint.report.phrases import brief
from maas_stream_lint.report.stamp import signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_stream_lint.prospect import Served

#: What stands before the word in a cell.
ICONS = {
    outcome.IMPORTED: "\N{CHECK MARK}",
    outcome.UNUSABLE: "!",
    outcome.NOTICE: "i",
    outcome.SHADOWED: "!",
    outcome.UNSELECTED: "\N{EN DASH}",
    outcome.LEFT_OUT: "\N{EN DASH}",
    outcome.IGNORED: "\N{MULTIPLICATION X}",
    outcome.FATAL: "\N{BLACK SQUARE}",
    Severity.WARNING.label: "\N{MIDDLE DOT}",
    Severity.INFO.label: "\N{MIDDLE DOT}",
}


#: Of a page that does not tell when it was made.
NO_STYLE = Style()


def page(
    title: str,
    body: Iterable[str],
    scripts: Sequence[str] = (),
    *,
    footer: str = "",
    style: Style = NO_STYLE,
) -> Iterator[str]:
    """A whole page. ``title``, ``footer``: safe already. ``body``: what stands above the footer.

    ``scripts``: files that make up the only script that may run. The page can be read without it.
    """
    css, code = _asset("web.css"), "\n".join(map(_asset, scripts))
    yield "<!doctype html>\n"
    yield f'<html lang="en">\n<head>\n<meta charset="utf-8">\n{_policy(css, code)}\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{title} - maas-stream-lint</title>\n"
    yield f"<style>{css}</style>\n</head>\n<body>\n"
    yield from body
    yield f"<footer>{signature(style)}{footer}</footer>\n"
    yield f"<script>{code}</script>\n" if code else ""
    yield "</body>\n</html>\n"


def _asset(name: str) -> str:
    return (files("maas_stream_lint.report") / name).read_text("utf-8").strip()


def _policy(css: str, script: str) -> str:
    """The policy that allows only these two, whatever a name tries to add to the page."""
    allowed = (
        f"default-src 'none'; style-src {_hashed(css)}; script-src {_hashed(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'


def _hashed(code: str) -> str:
    return f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'" if code else "'none'"


def text(words: str) -> str:
    """Untrusted text, with hidden characters made visible and markup escaped."""
    return escape(brief(words))


def name(words: str) -> str:
    """An untrusted name in its own direction, which may break behind its colons."""
    return f"<bdi>{text(words).replace(':', ':<wbr>')}</bdi>"


def fates(told: Iterable[tuple[str, str]], before: str = "") -> str:
    """What release lines do with a stream. ``before``: the text before each of their names."""
    items = "".join(
        f"<li><b>{before}{escape(lines)}</b> <span>{text(fate)}</span></li>" for lines, fate in told
    )
    return f'<ul class="fates">{items}</ul>\n' if items else ""


def legend(told: Iterable[tuple[str, str]], more: str = "") -> str:
    """What the words in the cells of a table mean. ``more``: further items."""
    items = "".join(
        f'<li><span class="fate {fate.split()[0]}">{icon(fate)}{fate}</span> {escape(meaning)}</li>'
        for fate, meaning in told
    )
    items += more
    return f'<ul class="legend" aria-label="What the cells say">{items}</ul>\n' if items else ""


def icon(fate: str) -> str:
    """What stands before the word in a cell."""
    return f'<span class="icon" aria-hidden="true">{ICONS[fate]}</span>'


def coded(words: str) -> str:
    """An untrusted sentence, with text in backticks as code."""
    split = clean(words).split("`")
    if len(split) % 2 == 0:
        return escape(clean(words))
    return "".join(
        f"<code>{escape(part)}</code>" if number % 2 else escape(part)
        for number, part in enumerate(split)
    )


def steps(words: str) -> str:
    """An untrusted remedy, whose commands are blocks of their own, to be copied."""
    return "".join(
        f'<div class="command"><code>{escape(clean(part.text))}</code></div>'
        if part.command
        else f"<span>{coded(part.text)}</span>"
        for part in parts(words)
    )


def use(image: Served) -> str:
    """How machines use an image, and its title in the UI."""
    told = "".join(
        f'<p class="{"good" if one.good else "bad"}"><code>{text(one.machine)}</code> '
        f"{text(one.words)}</p>"
        for one in image.services
    )
    return f'<div class="use">{told}<p>in the UI: {text(image.called)}</p></div>'
