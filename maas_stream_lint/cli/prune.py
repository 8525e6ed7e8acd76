"""The commands ``prune`` and ``remove``: they remove versions from a stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maas_stream_lint.cli import completion, parameters
from maas_stream_lint.cli.command import Command
from maas_stream_lint.cli.console import as_json, style_for
from maas_stream_lint.cli.options import (
    COLOR,
    FORMAT,
    NO_DATE,
    SIGNING,
    signer_of,
    together,
)
from maas_stream_lint.cli.parameters import Age

if TYPE_CHECKING:
    from datetime import timedelta

    from maas_stream_lint.building.pruning import Chooser, Options

HOW = together(
    click.option(
        "--older",
        "grace",
        type=Age(),
        default="3d",
        show_default=True,
        metavar="AGE",
        help="Delete files that left the metadata at least this long ago: 3d, 12h, 0.",
    ),
    click.option(
        "--orphans",
        is_flag=True,
        help="Also delete files that no metadata ever named.",
    ),
    click.option(
        "--dry-run", is_flag=True, help="Only say what the tool would delete, and how many bytes."
    ),
    SIGNING,
    FORMAT,
    COLOR,
    NO_DATE,
)


@click.command(cls=Command)
@click.argument("root", metavar="DIR", shell_complete=completion.folder)
@click.option(
    "--keep",
    type=parameters.Whole(1),
    required=True,
    metavar="N",
    help="Keep this number of the newest versions of each product.",
)
@click.option("--only", multiple=True, metavar="GLOB", help="Only products whose names match.")
@HOW
def prune(
    root: str,
    keep: int,
    only: tuple[str, ...],
    grace: timedelta,
    orphans: bool,
    dry_run: bool,
    sign: str | None,
    keyring: str | None,
    form: str,
) -> None:
    """Remove old versions from a stream, and later their files.

    The tool removes versions from the metadata at once. It keeps their files for --older, because a
    MAAS may still read an old index; a later run deletes them. A product always keeps its newest
    complete version. If the tool cannot read some metadata, it changes nothing.

    Exit code 0: done. 2: it could not be done.
    """
    from maas_stream_lint.building import versions

    _run(
        root,
        lambda known, present, needs: versions.beyond(known, keep, present, needs, only),
        _options(grace, orphans=orphans, dry_run=dry_run, sign=sign, keyring=keyring),
        form,
    )


@click.command(cls=Command)
@click.argument("root", metavar="DIR", shell_complete=completion.folder)
@click.argument("names", metavar="PRODUCT[/VERSION]...", nargs=-1, required=True)
@HOW
def remove(
    root: str,
    names: tuple[str, ...],
    grace: timedelta,
    orphans: bool,
    dry_run: bool,
    sign: str | None,
    keyring: str | None,
    form: str,
) -> None:
    """Remove products or versions from a stream, and later their files.

    The tool deletes files later, as `prune` does. It removes the last complete version of a product
    only together with the product.

    Exit code 0: done. 2: it could not be done.
    """
    from maas_stream_lint.building import versions

    _run(
        root,
        lambda known, present, needs: [
            gone
            for name in dict.fromkeys(names)
            for gone in versions.named(known, name, present, needs)
        ],
        _options(grace, orphans=orphans, dry_run=dry_run, sign=sign, keyring=keyring),
        form,
    )


def _options(
    grace: timedelta, *, orphans: bool, dry_run: bool, sign: str | None, keyring: str | None
) -> Options:
    from maas_stream_lint.building.pruning import Options

    ring = Path(keyring) if keyring else None
    return Options(grace, orphans, dry_run, signer_of(sign), ring)


def _run(root: str, choose: Chooser, options: Options, form: str) -> None:
    from maas_stream_lint import output as out
    from maas_stream_lint.building.pruning import prune as pruned

    out.check_target(None)
    done = pruned(Path(root), choose, options)
    if form == "json":
        text = as_json(done.to_dict())
    else:
        from maas_stream_lint.report import pruned as pruned_

        text = pruned_.render(done, style_for())
    out.write(text, None)
