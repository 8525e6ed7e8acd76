"""The command ``compare``: what changes for each MAAS when one stream replaces another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion, parameters
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.console import as_json, leave, plain_style, style_for
from maas_stream_lint.cli.one_maas import configured
from maas_stream_lint.cli.options import (
    BESIDE,
    COLOR,
    CONFIG,
    EXIT_ZERO,
    FETCH,
    KEYRING,
    MAAS,
    NO_DATE,
    OUTPUT,
    SELECTIONS,
    TOLD,
    Options,
    together,
)
from maas_stream_lint.names import EXIT_FINDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.changes import Changes
    from maas_stream_lint.comparison import Comparison


@click.command(cls=Configured)
@click.argument("before", metavar="OLD", shell_complete=completion.source)
@click.argument("source", metavar="NEW", shell_complete=completion.source)
@together(MAAS, KEYRING, SELECTIONS, BESIDE)
@click.option(
    "--fail-on",
    callback=parameters.listed,
    multiple=True,
    metavar="KINDS",
    help="Exit with 1 for these changes: fatal, swaps, removed, regressed, stranded, partial, "
    "republished, updated, added, or bytes=SIZE for a larger download. Repeatable. "
    " [default: fatal]",
)
@together(EXIT_ZERO, TOLD, OUTPUT, COLOR, NO_DATE, FETCH, CONFIG)
def compare(before: str, fail_on: list[str], form: str, output: str | None, **given: Any) -> None:
    """Show what each MAAS release does when stream NEW replaces stream OLD at the same URL.

    MAAS has imported OLD, and all downloads succeeded. The comparison lists images that are new,
    changed, older than before, incomplete or gone. It also shows the bytes that MAAS downloads and
    deletes.

    Exit code 1: a change of a kind that --fail-on names. 2: the comparison failed.
    """
    from maas_stream_lint import changes
    from maas_stream_lint import output as out
    from maas_stream_lint.cli.checked import require_read
    from maas_stream_lint.report import changed

    out.check_target(output)
    fails, most = _limits(fail_on or [changes.FATAL])
    made = _compared(before, configured(Options(**given)))
    require_read(made.streams)
    found = changes.changes_of(made)
    if form == "json":
        out.write(as_json(made.to_dict()), output)
    elif form == "markdown":
        out.write(changed.as_markdown(made, found, plain_style()), output)
    elif form == "html":
        out.write(changed.as_html(made, found, plain_style()), output)
    else:
        out.write(changed.as_text(made, found, style_for(output)), output)
    if _is_too_much(found, fails, most):
        leave(EXIT_FINDINGS)


def _compared(before: str, options: Options) -> Comparison:
    """Both imports, with the other sources of the same MAAS, if the user named any."""
    from maas_stream_lint import comparison
    from maas_stream_lint.source import tree_index

    assert options.source is not None
    maas = options.one_maas
    if maas is not None:
        own = maas.own(options)
        return comparison.compare(
            maas.read_with(own, before),
            maas.read(own),
            options.lines,
            commissioning=options.commissioning,
        )
    return comparison.compare(
        tree_index(before) or before,
        tree_index(options.source) or options.source,
        options.lines,
        options.selecting,
        options.trusted,
        commissioning=options.commissioning,
        options=options.fetching(),
    )


def _limits(given: Sequence[str]) -> tuple[set[str], int | None]:
    """The kinds of change that fail, and the most bytes. Raises UsageError for other words."""
    from maas_stream_lint.changes import MEANING
    from maas_stream_lint.errors import UsageError
    from maas_stream_lint.quoting import quoted

    kinds, most = set(), None
    for word in given:
        name, _, size = word.partition("=")
        if name == "bytes" and size:
            most = parameters.Size().convert(size, None, None)
        elif word in MEANING:
            kinds.add(word)
        else:
            known = ", ".join([*MEANING, "bytes=SIZE"])
            raise UsageError(f"--fail-on knows no {quoted(word)}", f"write one of: {known}")
    return kinds, most


def _is_too_much(found: Sequence[Changes], fails: set[str], most: int | None) -> bool:
    return any(seen.of(*fails) or (most is not None and seen.fetched > most) for seen in found)
