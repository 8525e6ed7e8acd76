"""The command ``explain``: what a rule is about, and what a line of MAAS's log means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.checked import checked
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.console import shortened
from maas_stream_lint.cli.options import CONFIG, FETCH, KEYRING, MAAS, Options, together
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(cls=Configured)
@click.argument(
    "words",
    metavar="CODE|NAME|LOG-LINE",
    nargs=-1,
    required=True,
    shell_complete=completion.rules,
)
@click.option(
    "--source",
    shell_complete=completion.source,
    help="Also show what causes the line, or what the rule finds, in this stream.",
)
@together(MAAS, KEYRING, FETCH, CONFIG)
def explain(
    words: tuple[str, ...],
    **given: Any,
) -> None:
    """Explain a rule, or a line of MAAS's log.

    Paste the line as it is, with its time stamp and logger, in quotes. Several lines are explained
    one after another.
    """
    from maas_stream_lint import loglines
    from maas_stream_lint import output as out
    from maas_stream_lint.checks import all_rules
    from maas_stream_lint.report import explain as explain_

    out.check_target(None)
    known = all_rules()
    what = " ".join(words)
    rule = next((r for r in known if r.is_called(what.strip())), None)
    matches = [] if rule is not None else loglines.recognise_all(what)
    if rule is None and not matches:
        raise UsageError(
            f"neither a rule nor a known line of MAAS's log: {shortened(what)}",
            _nearest(what, known),
        )
    options = Options(**given)
    report = checked(options) if options.source is not None else None
    if rule is not None:
        text = explain_.rule_page(rule, report, out.style(None))
    else:
        pages = [explain_.log_page(match, known, report, out.style(None)) for match in matches]
        text = "\n\n".join(pages)
    out.write(text, None)


def _nearest(what: str, known: Sequence[Any]) -> str:
    import difflib

    near = difflib.get_close_matches(what.strip().lower(), [r.name for r in known], n=3, cutoff=0.5)
    if not near:
        return "see `maas-stream-lint rules`, or paste one whole line of the log"
    return f"did you mean {' or '.join(near)}?"
