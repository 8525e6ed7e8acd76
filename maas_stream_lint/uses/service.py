"""How machines use an image, in an operator's words: which machine commissions and deploys it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses.chosen_kernel import UBUNTU, Machine, System
from maas_stream_lint.uses.obstacles import candidates, deploys, installs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.uses.refusal import Refusal
    from maas_stream_lint.uses.simulation import Simulation
    from maas_stream_lint.uses.stock_image import Image


class Service(NamedTuple):
    """How a machine uses an image."""

    machine: str
    ubuntu: bool  #: whether MAAS can commission machines with the image at all
    commissioning: (
        str | None
    )  #: why MAAS does not commission it; ``None``: MAAS does, or it does not matter
    deploying: str | None  #: why MAAS does not deploy it; ``None``: MAAS does
    unasked: str | None  #: why MAAS does not deploy it unless a user chooses the image's kernel
    kernel: str | None  #: that it boots to be deployed
    booted: str | None  #: the system that it boots for that, ``ubuntu/noble``
    words: str  #: one line
    deployed: str  #: what of that is on deploying

    @property
    def good(self) -> bool:
        """Whether the machine can do all that the image is for."""
        return self.commissioning is None and self.deploying is None

    def to_dict(self) -> dict[str, Any]:
        """In the form of ``rules/schemas/preview.json``."""
        return {
            "machine": self.machine,
            "commission": (self.commissioning or True) if self.ubuntu else None,
            "deploy": self.deploying or True,
            "deploy_by_default": self.unasked or True,
            "kernel": self.kernel,
            "boot_from": self.booted,
            "told": self.words,
        }


def services(simulation: Simulation, image: Image, machines: Sequence[str] = ()) -> list[Service]:
    """How each machine uses an image.

    ``machines``: ``amd64/generic``, without machines of other architectures. If there are none, the
    machine that can do most with the image.
    """
    if machines:
        split = [text.partition("/") for text in machines]
        tried = [Machine(arch, platform) for arch, _, platform in split if arch == image.arch]
        return [_service(simulation, image, machine) for machine in tried]
    best: Service | None = None
    for machine in candidates(simulation, image):
        made = _service(simulation, image, machine)
        if best is None or _worth(made) > _worth(best):
            best = made
        if all(_worth(best)):
            break
    return [best] if best is not None else []


def _worth(service: Service) -> tuple[bool, bool, bool]:
    return service.deploying is None, service.commissioning is None, service.unasked is None


def _service(simulation: Simulation, image: Image, machine: Machine) -> Service:
    serve = _ubuntu if image.os == UBUNTU else _other
    return serve(simulation, image, machine)


def _ubuntu(simulation: Simulation, image: Image, machine: Machine) -> Service:
    system = System(image.os, image.release)
    commissioning = simulation.commission(machine, system)
    deployment = simulation.deploy(machine, system, image.subarch)
    usual = simulation.deploy(machine, system)
    unfit, refusal = _text(commissioning.refusal), _text(deploys(deployment, system))
    unasked = _text(deploys(usual, system))
    kernel = deployment.kernel
    deployed = f"does not deploy: {refusal}" if refusal else f"deploys with kernel {kernel}"
    otherwise = ""
    if refusal is None and usual.kernel != kernel:
        otherwise = f"with {usual.kernel}" if unasked is None else f"does not deploy: {unasked}"
        otherwise = f" if a user chooses it, otherwise {otherwise}"
    if unfit is None and refusal is None and commissioning.kernel == kernel:
        words = f"commissions and {deployed}"
    elif unfit is not None and unfit == refusal:
        words = f"neither commissions nor deploys: {unfit}"
    elif unfit is not None:
        words = f"{deployed.rstrip('.')}{otherwise.rstrip('.')}; does not commission: {unfit}"
    else:
        words = f"commissions {_with(simulation, commissioning.kernel)}; {deployed}"
    if unfit is None:
        words += otherwise
    booted = str(system) if refusal is None else None
    return Service(str(machine), True, unfit, refusal, unasked, kernel, booted, words, deployed)


def _with(simulation: Simulation, kernel: str | None) -> str:
    if simulation.release.use("commissions-with") == "platform":
        return f"from the rack's directory {kernel}"
    return f"with kernel {kernel}"


def _text(refusal: Refusal | None) -> str | None:
    return None if refusal is None else refusal.text


def _other(simulation: Simulation, image: Image, machine: Machine) -> Service:
    system = System(image.os, image.release)
    refusal = _text(installs(simulation, machine, system))
    boot = simulation.deploy(machine, system).boot
    config = boot.config if boot is not None and boot.refusal is None else None
    base = simulation.settings.commissioning
    if refusal is not None:
        words = f"does not deploy: {refusal}"
    elif config is not None:
        words = f"deploys, booted from {config.system} with kernel {config.kernel}"
    else:
        words = f"deploys, if MAAS has {base} for {machine.arch} from elsewhere to boot it from"
    kernel = config.kernel if config is not None and refusal is None else None
    booted = str(config.system) if config is not None and refusal is None else None
    return Service(str(machine), False, None, refusal, refusal, kernel, booted, words, words)
