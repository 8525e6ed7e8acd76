"""The command ``fix``: edits of a stream's metadata, listed, shown or made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.checked import looked_at
from maas_stream_lint.cli.configured import Configured
from maas_stream_lint.cli.console import as_json, complain, current_step, leave, style_for
from maas_stream_lint.cli.one_maas import with_settings
from maas_stream_lint.cli.options import (
    COLOR,
    CONFIG,
    EXIT_ZERO,
    FETCH,
    FORMAT,
    KEYRING,
    MAAS,
    NO_DATE,
    NO_PROGRESS,
    RULES,
    SELECTIONS,
    SEVERITY,
    Options,
    signer_of,
    together,
)
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from maas_stream_lint.api import Report
    from maas_stream_lint.fixing.installed import Identify


@click.command(cls=Configured)
@click.argument("source", shell_complete=completion.source)
@together(MAAS, KEYRING, SELECTIONS, RULES, SEVERITY)
@click.option("--in-place", is_flag=True, help="Edit the tree itself. SOURCE must be a directory.")
@click.option("--diff", "as_diff", is_flag=True, help="Print the edits as a unified diff.")
@click.option(
    "--dry-run", is_flag=True, help="List the edits and write nothing. This is the default."
)
@click.option(
    "--output",
    "target",
    metavar="DIR",
    shell_complete=completion.folder,
    help="Write the whole fixed metadata tree to this directory.",
)
@click.option(
    "--with-files", is_flag=True, help="With --output: also link or copy the image files."
)
@click.option(
    "--backup",
    metavar="DIR",
    shell_complete=completion.folder,
    help="Keep replaced files in a new folder below DIR. [default: your state folder]",
)
@click.option("--no-backup", is_flag=True, help="Do not keep the files that are replaced.")
@click.option(
    "--unsafe",
    is_flag=True,
    help="Also make edits that may be wrong: set checksums to those of the files, split a products "
    "file by kind, rename versions.",
)
@click.option(
    "--drop-broken", is_flag=True, help="Also remove products and versions that block others."
)
@click.option(
    "--as",
    "as_os",
    metavar="PRODUCT=OS",
    multiple=True,
    help="Make this product one of that os: ubuntu, rhel, … For products that MAAS drops for "
    "their name or os. Repeatable.",
)
@click.option("--sign", metavar="KEYID", help="Sign all metadata with this gpg key.")
@together(FORMAT, COLOR, NO_DATE, NO_PROGRESS, EXIT_ZERO, FETCH, CONFIG)
def fix(
    in_place: bool,
    as_diff: bool,
    dry_run: bool,
    target: str | None,
    with_files: bool,
    backup: str | None,
    no_backup: bool,
    unsafe: bool,
    drop_broken: bool,
    as_os: tuple[str, ...],
    sign: str | None,
    form: str,
    **given: Any,
) -> None:
    """Fix a stream's metadata, and give the reason for each edit.

    The tool makes an edit only if a new check shows that it helps. Exit code 0: no finding of
    --severity or worse remains. 1: such findings remain. 2: the fix failed, and the tool wrote
    nothing.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.fixing import choice, plan, publish, relabel

    ways = {"--in-place": in_place, "--output": target, "--diff": as_diff, "--dry-run": dry_run}
    chosen = [name for name, value in ways.items() if value]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} cannot be combined", "choose one")
    if with_files and target is None:
        raise UsageError("--with-files goes with --output", "give --output DIR")
    if (no_backup or backup is not None) and not (in_place or target is not None):
        flag = "--no-backup" if no_backup else "--backup"
        raise UsageError(f"{flag} goes with --in-place or --output", "leave it out")
    if no_backup and backup is not None:
        raise UsageError("--backup and --no-backup cannot be combined", "choose one")
    out.check_target(None)
    signer = signer_of(sign)
    options = with_settings(Options(**given), click.get_current_context().obj)
    rules = options.rules()
    wanted = relabel.parsed(as_os)
    report = looked_at(options._replace(select=(), ignore=()))
    identify = _identify(report)
    with current_step() as show:
        planned = plan.fix(
            report,
            unsafe,
            drop_broken,
            signs=signer is not None,
            only=rules if options.select or options.ignore else None,
            chosen=relabel.proposals(wanted, identify, unsafe=unsafe) if wanted else None,
            told=lambda count: show(f"proving {count:,} edits"),
        )
    written = None
    if target is not None or (in_place and (planned.files or signer)):
        written = publish.write(
            planned,
            target,
            sign=signer,
            unverified=unsafe,
            backup=backup or not no_backup,
            with_files=with_files,
        )
        if signer is not None:
            planned = publish.seen_signed(planned, written.where)
    planned = plan.of_rules(planned, rules)
    threshold = options.threshold
    if form == "json":
        text = as_json(planned.to_dict())
    elif as_diff:
        from maas_stream_lint.report import edits

        text = edits.painted(plan.diff_of(planned), style_for(), shown=out.on_terminal())
        complain(edits.brief(planned, threshold))
    else:
        from maas_stream_lint.report import edits

        found = [] if planned.signed_elsewhere else choice.choices(planned.after, identify)
        text = edits.render(planned, found, threshold, style_for(), written)
    out.write(text, None)
    from maas_stream_lint.report.verdict import exit_code

    leave(exit_code(planned.after, threshold))


def _identify(report: Report) -> Identify:
    """The system on an image. The tool reads each file of a local stream once for that."""
    from functools import cache
    from pathlib import Path

    from maas_stream_lint.building import tarball
    from maas_stream_lint.fixing.plan import local_tree

    tree = local_tree(report)

    @cache
    def identify(path: str) -> dict[str, str]:
        place = tree.locate(path) if tree is not None else None
        return tarball.about(Path(place)) if isinstance(place, str) else {}

    return identify
