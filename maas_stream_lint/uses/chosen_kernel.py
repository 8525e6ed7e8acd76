"""Which kernel MAAS chooses for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses.kernel import GENERIC, ParsedNames
from maas_stream_lint.uses.refusal import Refusal, answered, form_error

if TYPE_CHECKING:
    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.uses.kernels import Kernels

UBUNTU = "ubuntu"


class System(NamedTuple):
    """An operating system's release, which a machine deploys or boots."""

    os: str
    release: str

    def __str__(self) -> str:
        """As MAAS writes it."""
        return f"{self.os}/{self.release}"


class Machine(NamedTuple):
    """The parts of a machine that decide its kernel."""

    arch: str
    platform: str
    least: str | None = None  #: its minimum kernel

    def __str__(self) -> str:
        """Its architecture, as MAAS writes it."""
        return f"{self.arch}/{self.platform}"


class Choice:
    """How one release line chooses kernels.

    Mirrors ``validate_hwe_kernel`` (up to 3.3) and ``get_working_kernel`` (maasserver/utils/
    osystems.py).
    """

    def __init__(self, release: Release, kernels: Kernels, commissioning: System) -> None:
        """``commissioning``: the release from which MAAS installs all systems but Ubuntu."""
        self.release = release
        self.kernels = kernels
        self.commissioning = commissioning
        self._known: dict[tuple[str | None, Machine, System], str | Refusal] = {}

    def kernel(self, asked: str | None, machine: Machine, system: System) -> str | None:
        """The kernel that a machine boots. Raises Refusal if there is none.

        ``None``: the system runs from memory, and any kernel can boot it.
        """
        if system.os in self.release.use("ephemeral"):
            return asked
        if system.os != UBUNTU:
            system = self.commissioning
        wish = (asked, machine, system)
        return answered(self._known, wish, self._kernel, *wish)

    def _kernel(self, asked: str | None, machine: Machine, system: System) -> str:
        names, least = self.kernels.names, machine.least
        wish, asked = asked, asked if asked and names.asked(asked) else None
        least = least if least and names.asked(least) else None
        generic_only = self.release.use("platform-kernels")
        if generic_only and machine.platform != GENERIC and (asked or least):
            told = generic_only.format(platform=machine.platform)
            raise form_error("platform-with-kernel", told)
        if asked:
            return self._asked(asked, least, machine, system)
        if least:
            return self._least(least, machine, system)
        return self._default(wish, machine, system)

    def _asked(self, asked: str, least: str | None, machine: Machine, system: System) -> str:
        names = self.kernels.names
        if asked not in self.kernels.available(str(system), machine.arch, machine.platform):
            told = f"{asked} is not available for {system} on {machine}."
            raise form_error("kernel-not-available", told, asked)
        if not names.newer(asked, system.release):
            raise form_error("kernel-too-old", f"{asked} is too old to use on {system}.", asked)
        if least and not names.newer(asked, least):
            told = self.release.use("older-than-least").format(kernel=asked, least=least)
            raise form_error("kernel-below-least", told, asked)
        return asked

    def _least(self, least: str, machine: Machine, system: System) -> str:
        names, flavour = self.kernels.names, self.kernels.flavour_of(least)
        available = self.kernels.available(str(system), machine.arch, machine.platform, flavour)
        for kernel in available:
            if names.newer(kernel, least) and names.newer(kernel, system.release):
                return kernel
        told = f"{system.release} has no kernels available which meet min_hwe_kernel({least})."
        raise form_error("no-kernel-new-enough", told)

    def _default(self, wish: str | None, machine: Machine, system: System) -> str:
        flavour = self.release.use("default-flavour") or None
        available = self.kernels.available(str(system), machine.arch, machine.platform, flavour)
        for kernel in available:
            if self._is_platform(kernel) and kernel in (wish, machine.platform):
                return kernel
            if self.kernels.names.newer(kernel, system.release):
                return kernel
        told = f"{system.release} has no kernels available."
        raise form_error("no-kernels", told, available=tuple(available), system=system)

    def _is_platform(self, kernel: str) -> bool:
        """Whether it is an old-style platform, which fits any release."""
        if not isinstance(self.kernels.names, ParsedNames):
            return False
        return not self.kernels.names.parsed(kernel).kernel and kernel != GENERIC
