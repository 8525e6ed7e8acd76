"""From 3.5 on the region itself sends the files that machines boot and install."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.uses.boot import Boot, Config, Server
from maas_stream_lint.uses.curtin import Handed, handed, no_image
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from maas_stream_lint.uses.chosen_kernel import Choice, Machine, System
    from maas_stream_lint.uses.stock import Stock
    from maas_stream_lint.uses.stock_image import Image

NOT_BOOTABLE = "failed to compute a bootable {arch}/{kernel} system for {system}: no {lacking}"
PARTS = ("kernel", "initrd", None, "rootfs")
SEVERAL_FILES = "get() returned more than one BootResourceFile -- it returned {count}!"


class Region(Server):
    """Boots and installs machines as the region of one release line does."""

    rack_import = None  #: racks import nothing

    def __init__(self, choice: Choice, stock: Stock) -> None:
        """``choice``: how kernels are chosen. ``stock``: the images that are there."""
        super().__init__(choice, stock, with_root=True)

    def _boot(self, machine: Machine, config: Config, final: System) -> Boot:
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
        """The root by the kernel's image, or else by the machine's platform."""
        name, kind = self._by_kernel(kernel, machine, system)
        return handed(name, kind, system)

    def fetched(self, handed: Handed, machine: Machine, system: System) -> Refusal | None:
        """The region has every file that it names."""
        return None

    def _by_kernel(self, kernel: str | None, machine: Machine, system: System) -> tuple[str, str]:
        types = self.release.curtin_types.get(system.os)
        if types is None:
            told = (
                "Error generating the URL of curtin's image file.  "
                + self.release.deploy("unknown-os").format(os=system.os)
                + " "
            )
            raise Refusal("unsupported-os", "MissingBootImage", told)
        image, roots = self._roots(kernel, types, machine, system) if kernel else (None, [])
        if not roots:
            image, roots = self._roots(machine.platform, types, machine, system)
        if not roots:
            raise no_image(machine.platform, machine, system, image)
        if len(roots) > 1:
            told = SEVERAL_FILES.format(count=len(roots))
            raise Refusal("several-roots", "MultipleObjectsReturned", told, image=image)
        ((ftype, file),) = roots
        return file, types[ftype]

    def _roots(
        self, subarch: str, types: dict[str, str], machine: Machine, system: System
    ) -> tuple[Image | None, list[tuple[str, str]]]:
        """``get_curtin_image``: an image and those of its files that the driver takes."""
        if system.os == "custom":
            return None, []  # MAAS looks among uploads only
        image = self.stock.supporting(str(system), machine.arch, subarch)
        rows = image.contents.rows if image is not None else ()
        return image, [file for file in rows if file[0] in types]
