"""Images that a TOML file lists, or that packer-maas has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.configuration import tomlplaces
from maas_stream_lint.configuration.lines import Page
from maas_stream_lint.configuration.toml import parsed, read
from maas_stream_lint.configuration.validation import validate
from maas_stream_lint.distributions import packer_maas
from maas_stream_lint.errors import UsageError
from maas_stream_lint.output import printable_path
from maas_stream_lint.records import replace
from maas_stream_lint.source import is_local

if TYPE_CHECKING:
    from pathlib import Path

_HINT = "or name the images one by one"
_FILES = ("path", "kernel", "initrd")
_ENDINGS = (".tar.gz", ".dd.gz")


def listed(path: Path) -> list[Wanted]:
    """The images of a list (``rules/schemas/images.json``). Raises UsageError with the line."""
    text = read(path, _HINT)
    data = parsed(path, text, _HINT)
    page = Page(path, tomlplaces.lines(text), ())
    validate(page, data, "images")
    return [_wanted(page, number, table) for number, table in enumerate(data["image"])]


def left_by_packer_maas(folder: Path, base: Wanted) -> list[Wanted]:
    """The images in a checkout of packer-maas, or in the folder of one template.

    ``base``: the options for all images. Raises UsageError if there are none.
    """
    if not folder.is_dir():
        raise UsageError(f"{printable_path(folder)} is no directory", "name one of packer-maas")
    found = [
        replace(base, path=place, base_image=packer_maas().get(template.name, {}).get("base-image"))
        for template in [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]
        for place in _outputs(template)
    ]
    if not found:
        hint = "run make in a template's folder first"
        raise UsageError(f"{printable_path(folder)} holds no image of packer-maas", hint)
    return found


def _outputs(template: Path) -> list[Path]:
    usual = [f"{template.name}{ending}" for ending in _ENDINGS]
    names = packer_maas().get(template.name, {}).get("outputs", usual)
    return [template / name for name in names if (template / name).is_file()]


def _wanted(page: Page, number: int, table: dict[str, Any]) -> Wanted:
    said: dict[str, Any] = {key.replace("-", "_"): value for key, value in table.items()}
    for key in _FILES:
        if key in said:
            said[key] = page.beside(said[key])
    source = said.get("boot_from")
    if source is not None and is_local(source):
        said["boot_from"] = str(page.beside(source))
    said["image_initrd"] = said.pop("boot_from_image", False)
    try:
        return Wanted(**said)
    except UsageError as error:
        raise page.error(("image", number), error.message, error.hint) from None
