"""What a machine boots: the system, its kernel and the files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses.chosen_kernel import Machine, System
from maas_stream_lint.uses.kernel import GENERIC
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from maas_stream_lint.uses.chosen_kernel import Choice
    from maas_stream_lint.uses.curtin import Handed
    from maas_stream_lint.uses.stock import Stock
    from maas_stream_lint.uses.stock_image import Image

DTB = "boot-dtb"
#: The kernel that the boot requests if there is none.
NO_KERNEL = "no-such-kernel"
NO_UPLOAD = "BootResource matching query does not exist."
SEVERAL = "get() returned more than one BootResource -- it returned {count}!"


class Config(NamedTuple):
    """What MAAS tells a machine to boot."""

    system: System
    kernel: str  #: of that name, or the directory of a platform, or NO_KERNEL


class Boot(NamedTuple):
    """The result of a boot."""

    config: Config | None
    #: kernel, initrd, dtb; from 3.5 on the root, too
    files: tuple[str | None, ...] | None
    refusal: Refusal | None


class Configs:
    """``get_boot_config_for_machine`` (maasserver/rpc/boot.py) of one release line."""

    def __init__(self, choice: Choice) -> None:
        """``choice``: how kernels are chosen."""
        self.choice = choice
        self.release = choice.release

    def commissioning(self, machine: Machine, system: System) -> Config:
        """What MAAS commissions a machine with, if this release is the commissioning release.

        Raises Refusal if MAAS cannot compare a kernel.
        """
        if self.release.use("commissions-with") == "kernel":
            return Config(system, self._working(None, machine, system))
        kernel = machine.platform
        if kernel == GENERIC and machine.least:
            kernel = self._chosen(None, machine, system) or NO_KERNEL
        return Config(system, kernel)

    def deploying(self, kernel: str | None, machine: Machine, system: System) -> Config:
        """What a machine boots to install a system. ``kernel``: the one that a user chose.

        Raises Refusal if MAAS cannot compare a kernel, or looks for the image among uploads.
        """
        precise = system.release == "precise"
        own = system.os == "ubuntu" and not precise
        if system.os == "custom" and self.release.use("custom-boots") == "not-found":
            raise Refusal("custom-os", "DoesNotExist", NO_UPLOAD)
        booted = system if own else self.choice.commissioning
        if self.release.use("commissions-with") == "kernel":
            return Config(booted, self._working(kernel if own else None, machine, booted))
        chosen = kernel if machine.platform == GENERIC and not precise else None
        return Config(booted, chosen or machine.platform)

    def _working(self, own: str | None, machine: Machine, system: System) -> str:
        """``own``: the machine's kernel. MAAS then takes this one or none."""
        found = self._chosen(own or machine.platform, machine, system)
        if found is None and own is None:
            found = self._chosen(None, machine, system)
        return found or NO_KERNEL

    def _chosen(self, asked: str | None, machine: Machine, system: System) -> str | None:
        """The kernel, or nothing if a form would refuse it."""
        try:
            return self.choice.kernel(asked, machine, system)
        except Refusal as refusal:
            if refusal.form:
                return None
            raise


class Files:
    """``get_boot_filenames`` (maasserver/rpc/boot.py) of one release line."""

    def __init__(self, choice: Choice, stock: Stock, *, with_root: bool) -> None:
        """``with_root``: whether the region names the root, too."""
        self.choice = choice
        self.stock = stock
        self.with_root = with_root

    def names(self, machine: Machine, config: Config) -> tuple[str | None, ...]:
        """Kernel, initrd and dtb by file name, and the root. Raises Refusal if unclear."""
        files = self._files(machine, config)
        needs = self.choice.release.ubuntu_set
        named = tuple(files.pop(ftype, None) for ftype in (needs.kernel, needs.initrd, DTB))
        return (*named, next(iter(files.values()), None)) if self.with_root else named

    def _files(self, machine: Machine, config: Config) -> dict[str, str]:
        kernel = config.kernel
        if kernel == GENERIC:
            kernel = self._generic(machine, config.system)
        image = self._get(config.system, machine.arch, kernel)
        if image is None and kernel != config.kernel and self.with_root:
            image = self._get(config.system, machine.arch, config.kernel)
        return dict(image.files) if image is not None else {}

    def _generic(self, machine: Machine, system: System) -> str:
        """The kernel that the directory ``generic`` stands for."""
        try:
            generic = Machine(machine.arch, GENERIC)
            return self.choice.kernel(GENERIC, generic, system) or GENERIC
        except Refusal as refusal:
            if refusal.form:
                return GENERIC
            raise

    def _get(self, system: System, arch: str, kernel: str) -> Image | None:
        found = self.stock.exactly(str(system), f"{arch}/{kernel}")
        if len(found) > 1:
            told = SEVERAL.format(count=len(found))
            raise Refusal("several-resources", "MultipleObjectsReturned", told, kernel)
        return found[0] if found else None


class Server(ABC):
    """The controller that sends machines their files."""

    def __init__(self, choice: Choice, stock: Stock, *, with_root: bool) -> None:
        """``choice``: how kernels are chosen. ``stock``: the images that are there.

        ``with_root``: whether the region names the root, too.
        """
        self.release, self.stock = choice.release, stock
        self.configs = Configs(choice)
        self.files = Files(choice, stock, with_root=with_root)
        self._boots: dict[tuple[Machine, Config, System], Boot] = {}

    def boot(self, machine: Machine, config: Config, final: System) -> Boot:
        """What a machine gets to boot; ``final``: the system that it is for."""
        key = (machine, config, final)
        if key not in self._boots:
            self._boots[key] = self._boot(machine, config, final)
        return self._boots[key]

    @abstractmethod
    def _boot(self, machine: Machine, config: Config, final: System) -> Boot: ...

    @abstractmethod
    def curtin(self, kernel: str | None, machine: Machine, system: System) -> Handed:
        """What MAAS gives curtin. Raises Refusal if it is nothing.

        Mirrors ``get_curtin_installer_url`` (maasserver/preseed.py).
        """

    @abstractmethod
    def fetched(self, handed: Handed, machine: Machine, system: System) -> Refusal | None:
        """Why curtin does not get its file."""

    @property
    @abstractmethod
    def rack_import(self) -> Refusal | None:
        """The error that ends the import of a rack."""
