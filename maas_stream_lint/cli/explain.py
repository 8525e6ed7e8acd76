"""The command ``explain``: what a rule is about, and what a line of MAAS's log means."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.console import as_json, shortened, style_for
from maas_stream_lint.cli.options import (
    COLOR,
    CONFIG,
    FETCH,
    FORMAT,
    KEYRING,
    MAAS,
    NO_DATE,
    NO_PROGRESS,
    Options,
    together,
)
from maas_stream_lint.errors import UsageError
from maas_stream_lint.names import EXIT_FAILED

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.logs.tally import Tally

#: So much of standard input is taken for pasted text; a log goes through `--log -`.
_MOST_PASTED = 2**20


_WAY_OUT = (
    "paste one whole line of the log, or the last line of a traceback; see `maas-stream-lint rules`"
)


class Explaining(Configured):
    """A command that needs a configuration only to check a stream."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for the file only if a stream is named: it says how that is checked."""
        given = self.make_parser(ctx).parse_args(list(args))[0]
        if given.get("source") or given.get("config"):
            return super().parse_args(ctx, args)
        return click.Command.parse_args(self, ctx, args)


@click.command(cls=Explaining)
@click.argument(
    "words", metavar="[CODE|NAME|LOG-LINE]...", nargs=-1, shell_complete=completion.rules
)
@click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="FILE",
    shell_complete=completion.source,
    help="Explain every message about images in this log, or in standard input (-); repeatable.",
)
@click.option(
    "--source",
    shell_complete=completion.source,
    help="Also show what causes the line, or what the rule finds, in this stream.",
)
@together(MAAS, KEYRING, FORMAT, COLOR, NO_DATE, NO_PROGRESS, FETCH, CONFIG)
def explain(words: tuple[str, ...], logs: tuple[str, ...], form: str, **given: Any) -> None:
    """Explain rules, or lines pasted from MAAS's log.

    Rules are named by code, by the beginning of a code (MSL4), or by name. Paste a line as it is,
    with its time stamp and logger; best in quotes. Without any word, or for -, standard input is
    read.

    Exit code 2: the tool knows no rule or message of that kind, or the run was not possible.
    """
    from maas_stream_lint import output as out

    out.check_target(None)
    options = Options(**given)
    rules = _rules(words) if words and not logs else []
    if rules:
        out.write(_of_rules(words, rules, options, form), None)
        return
    answer = _of_logs(logs) if logs else _of_text(_pasted(words))
    nothing = not (answer.entries or logs)
    if nothing and form != "json":
        raise UsageError(*_unknown(answer.unknown))
    out.write(_answered(answer, options, form), None)
    if nothing:
        sys.exit(EXIT_FAILED)


def _pasted(words: tuple[str, ...]) -> str:
    """The text of the words, or of standard input."""
    if words and words != ("-",):
        return " ".join(words)
    if not words and sys.stdin.isatty():
        raise UsageError("nothing is named to explain", "name a rule, or paste a line of the log")
    return sys.stdin.buffer.read(_MOST_PASTED).decode("utf-8", "replace")


def _rules(words: tuple[str, ...]) -> list[str]:
    """The codes of the rules that the words name; none if one of the words names no rule."""
    from maas_stream_lint.rule_files import rule_codes

    codes = rule_codes(old=True)
    found = []
    for word in " ".join(words).replace(",", " ").split():
        prefix = word.upper() if word.upper().startswith("MSL") else "-"
        named = [c for n, c in codes.items() if word.lower() == n or c.startswith(prefix)]
        if not named:
            return []
        found += [code for code in named if code not in found]
    return found


def _of_rules(words: tuple[str, ...], codes: list[str], options: Options, form: str) -> str:
    """The pages of the rules, or the list of rules if only a prefix names them."""
    from maas_stream_lint.checks import all_rules
    from maas_stream_lint.report import data, rule_pages

    known = [rule for rule in all_rules() if rule.code in codes]
    if form == "json":
        report = _report(options)
        return as_json(data.rule_pages(known, report), dated=report is not None)
    if len(known) > len(words) and options.source is None:
        return rule_pages.rules(known, style_for())
    report = _report(options)
    return "\n\n".join(rule_pages.rule_page(rule, report, style_for()) for rule in known)


def _of_text(text: str) -> Tally:
    from maas_stream_lint.logs.tally import explained

    if not text.strip():
        raise UsageError("there is nothing to explain", "paste a line of the log, or name a rule")
    return explained(text)


def _of_logs(logs: tuple[str, ...]) -> Tally:
    from maas_stream_lint.cli.console import reading
    from maas_stream_lint.logs.conclusion import read

    return read(logs, reading()).tally


def _report(options: Options) -> Report | None:
    """A check of the named source."""
    if options.source is None:
        return None
    from maas_stream_lint.cli.checked import looked_at

    return looked_at(options)


def _answered(answer: Tally, options: Options, form: str) -> str:

    report = _report(options)
    if form == "json":
        from maas_stream_lint.report import data

        return as_json(data.answer(answer, report), dated=report is not None)
    from maas_stream_lint.report import log_lines

    text = log_lines.render(answer, style_for(), source=report is not None)
    if report is not None:
        from maas_stream_lint.report.explained import in_stream

        text += in_stream(answer, report, style_for())
    return text


def _unknown(texts: list[tuple[str, int]]) -> tuple[str, str]:
    """What to say if the tool knows nothing, and what the user can do."""
    import difflib

    from maas_stream_lint.rule_files import rule_codes

    what = " ".join(text for text, _ in texts)
    near = difflib.get_close_matches(what.strip().lower(), rule_codes(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else _WAY_OUT
    return f"not known to this tool: {shortened(what)}", hint
