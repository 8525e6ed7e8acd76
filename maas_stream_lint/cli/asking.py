"""A live MAAS on the command line: its URL and key, and a run for each of its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.one_maas import OneMaas
from maas_stream_lint.cli.options import PREDICTED, together
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from maas_stream_lint.boot_sources import BootSource
    from maas_stream_lint.cli.options import Options
    from maas_stream_lint.logs.maas_state import MaasState, SourceOfMaas

LIVE = together(
    click.option(
        "--maas-url",
        metavar="URL",
        help="A MAAS to ask for its sources, keyrings and selections, as for `maas login`: "
        "http://host:5240/MAAS. The tool only reads it.",
    ),
    click.option(
        "--api-key-file",
        metavar="FILE",
        shell_complete=completion.source,
        help="A file that holds the API key for --maas-url.  [default: $MAAS_API_KEY]",
    ),
    click.option(
        "--profile", metavar="NAME", help="URL and key of this profile of the maas command."
    ),
    heading=PREDICTED,
)


def asked(options: Options) -> MaasState | None:
    """What the live MAAS says, if the user named one. Raises LintError."""
    url, file, profile = options.maas_url, options.api_key_file, options.profile
    if url is None and profile is None:
        if file is not None:
            raise UsageError("--api-key-file goes with --maas-url", "give --maas-url URL")
        return None
    from maas_stream_lint.logs import api_key
    from maas_stream_lint.logs.maas_client import MaasClient
    from maas_stream_lint.logs.maas_state import read_state

    if profile is not None:
        if url is not None:
            raise UsageError("--maas-url and --profile can't go together", "choose one")
        url, key = api_key.profile(profile)
    else:
        key = api_key.given_key(file)
    client = MaasClient(url or "", key, ca_bundle=options.ca_bundle, timeout=options.timeout)
    try:
        return read_state(client)
    finally:
        client.close()


def runs_of(state: MaasState, options: Options, kept: ExitStack) -> tuple[list[Options], bool]:
    """A run for each source of a MAAS that can be checked: its release line, keyring, selections.

    They are judged together, as the boot sources of one MAAS. Also whether these are all that MAAS
    reads: of any other nothing is known.

    ``kept`` keeps the keyrings until the runs are over.
    """
    from maas_stream_lint.cli.console import complain, notice
    from maas_stream_lint.logs.live import held_keyring, unfit
    from maas_stream_lint.source import without_secrets

    made: list[Options] = []
    sources: list[BootSource] = []
    whole = True
    for source in state.sources:
        why, name = unfit(source), without_secrets(source.url)
        if why is not None:
            what = f"{name or 'a source without a URL'} is not checked: {why}"
            if source.enabled:
                complain(f"error: {what}")
                whole = False
            else:
                notice(what)
            continue
        keyring, note = kept.enter_context(held_keyring(source))
        if note:
            notice(f"{name}: {note}")
        lines = options.maas or ((state.line,) if state.line is not None else ())
        made.append(
            options.unsigned()._replace(
                source=source.url,
                maas=lines,
                keyring=str(keyring) if isinstance(keyring, str) else None,
                no_keyring=keyring is None,
                selected=source.selections,
            )
        )
        sources.append(_of_maas(source, made[-1]))
    if not made:
        raise UsageError("this MAAS has no source that can be checked", "name a SOURCE")
    if len(made) < 2:
        return made, whole
    maas = OneMaas(sources)
    return [run._replace(one_maas=maas) for run in made], whole


def _of_maas(source: SourceOfMaas, run: Options) -> BootSource:
    """A source as its MAAS has it."""
    from maas_stream_lint.boot_sources import BootSource
    from maas_stream_lint.source import without_secrets

    return BootSource(
        without_secrets(source.url),
        source.url,
        selections=run.selecting,
        keyring=run.trusted,
        priority=source.priority,
        skip_keyring_verification=source.unverified or None,
        options=run.fetching(),
    )
