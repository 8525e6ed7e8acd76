"""From 3.5 on the region itself sends the files that machines boot and install."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.uses.boot import Boot, Config, Configs, Files
from maas_stream_lint.uses.curtin import Handed, handed, no_image
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from maas_stream_lint.uses.chosen_kernel import Choice, Machine, System
    from maas_stream_lint.uses.stock import Stock

NOT_BOOTABLE = "failed to compute a bootable {arch}/{kernel} system for {system}: no {lacking}"
PARTS = ("kernel", "initrd", None, "rootfs")
SEVERAL_FILES = "get() returned more than one BootResourceFile -- it returned {count}!"


class Region:
    """Boots and installs machines as the region of one release line does."""

    rack_import: Refusal | None = None  #: racks import nothing

    def __init__(self, choice: Choice, stock: Stock) -> None:
        """``choice``: how kernels are chosen. ``stock``: the images that are there."""
        self.release = choice.release
        self.stock = stock
        self.configs = Configs(choice)
        self.files = Files(choice, stock, with_root=True)

    def boot(self, machine: Machine, config: Config, final: System) -> Boot:
        """What a machine gets to boot; ``final``: the system that it is for."""
        try:
            files = self.files.names(machine, config)
        except Refusal as refusal:
            return Boot(config, None, refusal)
        lacking = [part for part, file in zip(PARTS, files, strict=True) if part and not file]
        if not lacking:
            return Boot(config, files, None)
        told = NOT_BOOTABLE.format(
            arch=machine.arch, kernel=config.kernel, system=final, lacking=", ".join(lacking)
        )
        return Boot(config, files, Refusal("not-bootable", "", told, config.kernel))

    def curtin(self, kernel: str | None, machine: Machine, system: System) -> Handed:
        """What MAAS gives curtin. Raises Refusal if it is nothing.

        Mirrors ``get_curtin_installer_url`` (maasserver/preseed.py).
        """
        name, kind = self._by_kernel(kernel, machine, system)
        return handed(name, kind, system)

    def fetched(self, handed: Handed, machine: Machine, system: System) -> Refusal | None:
        """The region has every file that it names."""
        return None

    def _by_kernel(self, kernel: str | None, machine: Machine, system: System) -> tuple[str, str]:
        if kernel:
            try:
                return self._root(kernel, machine, system)
            except Refusal as refusal:
                if refusal.cause == "several-roots":
                    raise
        return self._root(machine.platform, machine, system)

    def _root(self, subarch: str, machine: Machine, system: System) -> tuple[str, str]:
        """``get_curtin_image``: the root file and how curtin is to write it."""
        types = self.release.curtin_types.get(system.os)
        if types is None:
            told = (
                "Error generating the URL of curtin's image file.  "
                + self.release.deploy("unknown-os").format(os=system.os)
                + " "
            )
            raise Refusal("unsupported-os", "MissingBootImage", told)
        uploads_only = system.os == "custom"
        name = str(system)
        image = None if uploads_only else self.stock.supporting(name, machine.arch, subarch)
        roots = (
            [file for file in image.contents.rows if file[0] in types] if image is not None else []
        )
        if image is None or not roots:
            raise no_image(subarch, machine, system, image)
        if len(roots) > 1:
            told = SEVERAL_FILES.format(count=len(roots))
            raise Refusal("several-roots", "MultipleObjectsReturned", told, image=image)
        ((ftype, file),) = roots
        return file, types[ftype]
