"""The command ``build``: a stream from finished images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.command import Command
from maas_stream_lint.cli.console import as_json, progress, style_for
from maas_stream_lint.cli.options import (
    COLOR,
    FETCH,
    FORMAT,
    MAAS,
    NO_DATE,
    NO_PROGRESS,
    SIGNING,
    Options,
    signer_of,
    together,
)
from maas_stream_lint.errors import UsageError
from maas_stream_lint.names import EXIT_FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_stream_lint.building.wanted import Wanted

#: What is said of one image, and so of one alone.
_OF_ONE = ("os", "release", "version", "arch", "title", "version_name", "kernel", "initrd")
#: What is said of all images.
_OF_ALL = ("label", "name", "boot_from", "image_initrd")


def _said(option: str, metavar: str, text: str) -> Callable[[Any], Any]:
    return click.option(option, metavar=metavar, help=text)


SAID = together(
    _said("--os", "OS", "The os of MAAS that the image goes under: rhel, windows, …"),
    _said("--release", "NAME", "The release: the part after the slash in MAAS's names."),
    _said("--version", "TEXT", "The version of the operating system, like 9.4."),
    _said("--arch", "ARCH", "The architecture, as MAAS calls it: amd64, arm64, …"),
    _said("--title", "TEXT", "The title of the release; not every MAAS release shows it."),
    _said("--version-name", "NAME", "The name of the new version.  [default: today and a serial]"),
    click.option(
        "--label",
        metavar="TEXT",
        default="stable",
        show_default=True,
        help="The label of all products.",
    ),
)


BOOT = together(
    _said("--name", "NAME", "For Ubuntu: the release becomes NAME-CODENAME, like acme-jammy."),
    click.option(
        "--boot-from",
        metavar="SOURCE",
        shell_complete=completion.source,
        help="For Ubuntu: a stream to take kernel and initrd from.  [default: Canonical's]",
    ),
    click.option(
        "--boot-keyring",
        metavar="FILE",
        shell_complete=completion.source,
        help="The keyring for the signatures of that stream.",
    ),
    click.option(
        "--boot-from-image",
        "image_initrd",
        is_flag=True,
        help="Take kernel and initrd from the image, if its initrd can boot from MAAS.",
    ),
    click.option(
        "--kernel",
        metavar="FILE",
        shell_complete=completion.source,
        help="For Ubuntu: the kernel; needs --initrd.",
    ),
    click.option(
        "--initrd",
        metavar="FILE",
        shell_complete=completion.source,
        help="For Ubuntu: the initrd, which must be able to boot from MAAS.",
    ),
)


@click.command(cls=Command)
@click.argument("images", metavar="IMAGE...", nargs=-1, shell_complete=completion.source)
@click.option(
    "--output",
    "root",
    metavar="DIR",
    required=True,
    shell_complete=completion.folder,
    help="The folder of the stream: a new one, or one without a stream; see --update.",
)
@click.option(
    "--list",
    "lists",
    metavar="FILE",
    multiple=True,
    shell_complete=completion.source,
    help="A TOML file that lists images, with settings for each; repeatable.",
)
@click.option(
    "--from-packer-maas",
    "packer",
    metavar="DIR",
    shell_complete=completion.folder,
    help="All images in a checkout of packer-maas, or in the folder of one template.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Add to the stream that is in the folder; its other images do not change.",
)
@MAAS
@together(SIGNING, SAID, BOOT)
@click.option(
    "--prefix",
    metavar="TEXT",
    help="The first part of the names of products.  [default: as in the stream, or local.maas]",
)
@click.option("--copy", is_flag=True, help="Copy image files even if the tool could link them.")
@click.option(
    "--skip-refused",
    is_flag=True,
    help="Build the other images if some are refused.",
)
@click.option("--dry-run", is_flag=True, help="Only say what the tool would build.")
@together(FORMAT, COLOR, NO_DATE, NO_PROGRESS, FETCH)
def build(
    images: tuple[str, ...],
    root: str,
    lists: tuple[str, ...],
    packer: str | None,
    skip_refused: bool,
    update: bool,
    sign: str | None,
    keyring: str | None,
    maas: list[str],
    prefix: str | None,
    copy: bool,
    dry_run: bool,
    form: str,
    boot_keyring: str | None,
    **given: Any,
) -> None:
    """Build a stream from finished images, as packer-maas makes them.

    Use options for what the images do not say; the tool does not guess. The tool refuses an image
    that MAAS cannot deploy, and shows the command that works instead.

    Exit code 0: the tool built the stream, and a check of it finds nothing. 1: the tool refused an
    image and wrote nothing. 2: the build was not possible.
    """
    from maas_stream_lint import output as out
    from maas_stream_lint.building import builder
    from maas_stream_lint.rulebook import releases

    out.check_target(None)
    said = {name: given.pop(name) for name in (*_OF_ONE, *_OF_ALL)}
    options = builder.Options(
        releases(maas or None),
        prefix=prefix,
        copy=copy,
        dry_run=dry_run,
        skip_refused=skip_refused,
        update=update,
        sign=signer_of(sign),
        keyring=Path(keyring) if keyring else None,
        boot_keyring=Path(boot_keyring) if boot_keyring else None,
        fetch=Options(**given).fetching(),
    )
    wanted = _wanted(images, lists, packer, said)
    built = builder.build(Path(root), wanted, options, progress(verbose=False))
    if form == "json":
        text = as_json(built.to_dict())
    else:
        from maas_stream_lint.report import built as built_

        text = built_.render(built, style_for())
    out.write(text, None)
    if built.refusals:
        sys.exit(EXIT_FINDINGS)


def _wanted(
    images: tuple[str, ...], lists: tuple[str, ...], packer: str | None, said: dict[str, Any]
) -> list[Wanted]:
    from maas_stream_lint.building import image_list
    from maas_stream_lint.building.wanted import Wanted

    if not (images or lists or packer):
        raise UsageError("no image is named", "give the files that packer-maas made")
    given = [name for name in _OF_ONE if said[name] is not None]
    if given and (len(images) > 1 or lists or packer):
        option = given[0].replace("_", "-")
        raise UsageError(f"--{option} is about one image", "say it in a list, see --list")
    for name in ("kernel", "initrd"):
        said[name] = Path(said[name]) if said[name] else None
    found = [Wanted(Path(image), **said) for image in images]
    for name in lists:
        found += image_list.listed(Path(name))
    if packer is not None:
        found += image_list.left_by_packer_maas(Path(packer), Wanted(Path(packer), **said))
    return found
