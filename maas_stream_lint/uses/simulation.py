"""One release line's use of the imported images: which machines it commissions and deploys."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record
from maas_stream_lint.uses.boot import Boot
from maas_stream_lint.uses.chosen_kernel import UBUNTU, Choice, Machine, System
from maas_stream_lint.uses.kernel import GENERIC
from maas_stream_lint.uses.kernels import kernels_of
from maas_stream_lint.uses.rack import Rack
from maas_stream_lint.uses.refusal import Refusal
from maas_stream_lint.uses.region import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.uses.boot import Server
    from maas_stream_lint.uses.curtin import Handed
    from maas_stream_lint.uses.ground import Ground
    from maas_stream_lint.uses.stock import Images
    from maas_stream_lint.uses.stock_image import Image


class Settings(NamedTuple):
    """The settings and machines of MAAS that matter for use."""

    commissioning: System = System(UBUNTU, "noble")
    #: ``arch/platform`` of each; with none, ``ARCH/generic`` of every arch that has an image
    machines: tuple[str, ...] = ()
    least_kernel: str | None = None  #: the minimum kernel of each machine


class Deployment:
    """The deployment of a system to a machine. A later step is simulated when somebody asks."""

    def __init__(self, server: Server, machine: Machine, system: System, asked: str | None) -> None:
        """``asked``: the kernel that a user chose for the machine."""
        self._server, self._machine, self._system = server, machine, system
        self.kernel: str | None = None
        self.chosen: Refusal | None = None  #: why there is no kernel
        try:
            self.kernel = server.configs.choice.kernel(asked, machine, system)
        except Refusal as refusal:
            self.chosen = refusal

    @cached_property
    def boot(self) -> Boot | None:
        """What the machine boots; ``None`` without a kernel."""
        if self.chosen is not None:
            return None
        server, machine, system = self._server, self._machine, self._system
        try:
            config = server.configs.deploying(self.kernel, machine, system)
        except Refusal as refusal:
            return Boot(None, None, refusal)
        return server.boot(machine, config, system)

    @cached_property
    def curtin(self) -> Handed | Refusal:
        """What MAAS gives curtin."""
        try:
            return self._server.curtin(self.kernel, self._machine, self._system)
        except Refusal as refusal:
            return refusal

    @cached_property
    def fetched(self) -> Refusal | None:
        """Why curtin does not get its file."""
        if isinstance(self.curtin, Refusal):
            return None
        return self._server.fetched(self.curtin, self._machine, self._system)

    @property
    def refusal(self) -> Refusal | None:
        """The first obstacle."""
        boot = self.boot.refusal if self.boot is not None else None
        return boot or self.refusal_of_own

    @property
    def refusal_of_own(self) -> Refusal | None:
        """The first obstacle, whatever the machine boots."""
        curtin = self.chosen or self.curtin
        return curtin if isinstance(curtin, Refusal) else self.fetched


class Commissioning(NamedTuple):
    """The result of the commissioning of a machine."""

    kernel: str | None
    boot: Boot | None
    refusal: Refusal | None


@record
class Simulation:
    """The images in use. Every question is answered once."""

    release: Release
    ground: Ground  #: the images that are there
    settings: Settings
    beyond_aborts: bool = False  #: treat the cause that ends an import as fixed
    #: The machines that could use an image, by what the image tells of them.
    machines_of: dict[tuple[Any, ...], list[Machine]] = field(default_factory=dict, repr=False)
    _deployed: dict[tuple[Any, ...], Deployment] = field(default_factory=dict, repr=False)
    _commissioned: dict[tuple[Machine, System], Commissioning] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        """Put the rows where MAAS finds them."""
        self.stock = self.ground.stock
        self.kernels = kernels_of(self.release, self.ground)
        self.choice = Choice(self.release, self.kernels, self.settings.commissioning)

    @cached_property
    def server(self) -> Server:
        """The controller that sends the files."""
        if self.release.use("boots-from") == "rack":
            return Rack(self.choice, self.stock, beyond_aborts=self.beyond_aborts)
        return Region(self.choice, self.stock)

    @cached_property
    def machines(self) -> list[Machine]:
        """The machines to try."""
        given = self.settings.machines or tuple(
            f"{arch}/{GENERIC}" for arch in dict.fromkeys(self.stock.rows.arches)
        )
        split = (text.partition("/") for text in given)
        return [Machine(arch, platform, self.settings.least_kernel) for arch, _, platform in split]

    def machines_for(self, images: Sequence[Image]) -> list[Machine]:
        """The machines whose architectures some images are for."""
        arches = {image.arch for image in images}
        return [machine for machine in self.machines if machine.arch in arches]

    @cached_property
    def systems(self) -> dict[System, Images]:
        """The systems that MAAS offers, each with its images, in the order of their rows."""
        return self.stock.systems

    def deploy(self, machine: Machine, system: System, asked: str | None = None) -> Deployment:
        """The deployment of a machine. ``asked``: the kernel that a user chose for it."""
        key = (machine, system, asked)
        if key not in self._deployed:
            self._deployed[key] = Deployment(self.server, machine, system, asked)
        return self._deployed[key]

    def commission(self, machine: Machine, system: System) -> Commissioning:
        """The commissioning of a machine, if the system were the commissioning release."""
        key = (machine, system)
        if key not in self._commissioned:
            self._commissioned[key] = self._commission(machine, system)
        return self._commissioned[key]

    def enlist(self, machine: Machine, system: System) -> str | None:
        """The kernel with which MAAS enlists an unknown machine. Raises Refusal without one."""
        return self.choice.kernel(None, machine._replace(least=None), system)

    @cached_property
    def kernel_list(self) -> Refusal | None:
        """The error that ends the lists of all kernels (``list_all_usable_hwe_kernels``)."""
        try:
            for system in self.systems:
                self.kernels.listed(str(system))
        except Refusal as refusal:
            return refusal
        return None

    @cached_property
    def least_kernel_list(self) -> Refusal | None:
        """The error that ends ``get_supported_kernel_compatibility_levels``, if any."""
        try:
            self.kernels.listed(levels=True)
        except Refusal as refusal:
            return refusal
        return None

    def _commission(self, machine: Machine, system: System) -> Commissioning:
        try:
            config = self.server.configs.commissioning(machine, system)
        except Refusal as refusal:
            return Commissioning(None, None, refusal)
        boot = self.server.boot(machine, config, system)
        return Commissioning(config.kernel, boot, boot.refusal)
