"""Why MAAS cannot use an image: the first thing that it stumbles over, and the cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.rows import EXTRA
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.rulebook import is_root
from maas_stream_lint.uses.chosen_kernel import UBUNTU, Machine, System
from maas_stream_lint.uses.kernel import GENERIC, ROLLING
from maas_stream_lint.uses.plainly_used import plainly_used
from maas_stream_lint.uses.rack import SQUASHFS
from maas_stream_lint.uses.refusal import Refusal
from maas_stream_lint.uses.stock_image import architectures_of, names_kernel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_stream_lint.uses.simulation import Deployment, Simulation
    from maas_stream_lint.uses.stock_image import Image

#: How many platforms of an image the simulation tries.
MOST = 20
#: Causes of refusals that come from one kernel's name, whichever machine MAAS refuses.
KERNEL_CAUSES = ("kernel-of-unknown-release", "kernel-unparsable")
#: Causes of refusals where a rack finds no file of the name that a machine requests.
BY_NAME = ("rack-lacks-files", "rack-lacks-root")


class Obstacle(NamedTuple):
    """Why no machine can use an image."""

    image: Image  #: the image that causes it
    cause: str  #: the cause, as rules name it
    refusal: Refusal  #: what MAAS says
    commissions: bool  #: whether only commissioning fails
    values: dict[str, Any]  #: what a rule needs to word its message
    victims: tuple[Image, ...] = ()  #: other images that are unusable because of it


def obstacles(simulation: Simulation, *, all_images: bool = False) -> list[Obstacle]:
    """Every unusable image, by its cause, in the order of the rows.

    ``all_images``: also simulate the use of images that are obviously usable.
    """
    found: dict[tuple[int, str, str], Obstacle] = {}
    ended = simulation.server.rack_import
    if ended is not None:
        found[(-1, "", "")] = _no_rack(simulation, ended)
    plain: set[int] = set() if all_images else plainly_used(simulation)
    for image in simulation.stock.without(plain):
        if ended is not None and image is ended.values["image"]:
            continue
        for obstacle in _judge(simulation, image):
            key = (obstacle.image.position, obstacle.cause, obstacle.refusal.kernel or "")
            first = found.setdefault(key, obstacle)
            if image is not first.image:
                found[key] = first._replace(victims=(*first.victims, image))
    return list(found.values())


def _no_rack(simulation: Simulation, ended: Refusal) -> Obstacle:
    """The image that ends the import of every rack, so that no image is usable."""
    blamed = ended.values["image"]
    victims = tuple(image for image in simulation.stock.images if image is not blamed)
    return Obstacle(blamed, "rack-import", ended, commissions=False, values={}, victims=victims)


def candidates(simulation: Simulation, image: Image) -> list[Machine]:
    """The machines that could use an image, those of its own platform first.

    A machine also counts if only an image of another source can give it its architecture. An image
    without a kernel that is for generic machines is for no others.
    """
    platform = simulation.kernels.platform_of(image.subarch, image.platform)
    # Most images tell the same of their machines: only the kernels' names tell them apart.
    kernel = None if names_kernel(image.subarch) else image.subarch
    told = (image.os, image.arch, image.whole, platform, kernel, *map(image.kept, EXTRA))
    found = simulation.machines_of.get(told)
    if found is None:
        found = simulation.machines_of[told] = list(_candidates(simulation, image, platform))
    return found


def _candidates(simulation: Simulation, image: Image, platform: str | None) -> Iterator[Machine]:
    generic = f"{image.arch}/{GENERIC}"
    if platform is not None and platform != GENERIC:
        yield Machine(image.arch, platform)
    yield Machine(image.arch, GENERIC)
    if image.os == UBUNTU and platform is None and GENERIC in image.listed:
        return
    own = architectures_of(image) if image.whole else simulation.stock.architectures
    alike = sorted(name for name in own if name.partition("/")[0] == image.arch)[:MOST]
    for name in alike:
        if name not in (generic, f"{image.arch}/{platform}"):
            yield Machine(image.arch, name.partition("/")[2])


def _judge(simulation: Simulation, image: Image) -> Iterator[Obstacle]:
    if image.os == UBUNTU:
        yield from _ubuntu(simulation, image)
    else:
        yield from _other(simulation, image)


# -- Ubuntu: a machine boots it, is commissioned with it, and is deployed from it --------------


def _ubuntu(simulation: Simulation, image: Image) -> Iterator[Obstacle]:
    system, machines = System(image.os, image.release), candidates(simulation, image)
    refusal = _first_refusal(
        deploys(simulation.deploy(machine, system, image.subarch), system) for machine in machines
    )
    if refusal is not None:
        yield _ubuntu_obstacle(simulation, image, refusal, commissions=False)
        return
    refusal = _first_refusal(simulation.commission(machine, system).refusal for machine in machines)
    if refusal is not None:
        yield _ubuntu_obstacle(simulation, image, refusal, commissions=True)


def _first_refusal(answers: Iterable[Refusal | None]) -> Refusal | None:
    """The first refusal, if all answers are refusals."""
    first = None
    for refusal in answers:
        if refusal is None:
            return None
        first = first or refusal
    return first


def deploys(deployment: Deployment, system: System) -> Refusal | None:
    """Why MAAS cannot deploy a machine, except because of the release that it boots for that."""
    boot = deployment.boot
    if boot is not None and boot.config is not None and boot.config.system != system:
        return deployment.refusal_of_own
    return deployment.refusal


def _ubuntu_obstacle(
    simulation: Simulation, image: Image, refusal: Refusal, *, commissions: bool
) -> Obstacle:
    def made(cause: str, blamed: Image = image, **values: Any) -> Obstacle:
        return Obstacle(blamed, cause, refusal, commissions, values)

    if not image.whole:
        return made("set-incomplete", lacking=_lacking(image))
    taken = _taken(refusal)
    if taken not in (None, image):
        # If both lack the root that curtin needs, it does not matter which one MAAS takes.
        alike = _only_root_image(image) and _only_root_image(taken)
        return made("only-root-image") if alike else made("not-booted", taken=taken)
    if refusal.cause in KERNEL_CAUSES and refusal.kernel not in (None, image.release):
        blamed = _named(simulation, image, refusal.kernel or "")
        if blamed is not None:
            return made(refusal.cause, blamed)
    if refusal.cause in KERNEL_CAUSES or _is_name_of_kernel(simulation, image, refusal):
        return made("release-unknown")
    if refusal.cause in ("kernel-not-available", "no-kernels"):
        return _no_kernel(simulation, image, made)
    if refusal.cause in (*BY_NAME, "missing-boot-image", "not-bootable"):
        return _not_booted(simulation, image, refusal, made)
    if refusal.cause == "no-image" and image.needs.roots[0] in image.files:
        return made("not-for-generic-machines")
    if refusal.cause in ("no-root", "no-image"):
        return made("only-root-image")
    if refusal.cause == "several-resources" and refusal.kernel != image.subarch:
        return made("not-booted", twice=refusal.kernel)
    return made(refusal.cause)


def _taken(refusal: Refusal) -> Image | None:
    """The image whose root curtin would get. Its architecture may only start the same."""
    taken: Image | None = refusal.values.get("image")
    return taken


def _only_root_image(image: Image) -> bool:
    """Whether machines could boot the image, but curtin does not install its root."""
    return image.whole and image.needs.roots[0] not in image.files


def _lacking(image: Image) -> list[str]:
    """The parts that an Ubuntu image lacks."""
    ftypes, needs = image.files.keys(), image.needs
    lacking = [ftype for ftype in (needs.kernel, needs.initrd) if ftype not in ftypes]
    return [*lacking, needs.roots[0]] if ftypes.isdisjoint(needs.roots) else lacking


def _named(simulation: Simulation, image: Image, kernel: str) -> Image | None:
    """The image whose kernel has this name, among the images that MAAS lists together."""
    if image.subarch == kernel:
        return image
    listed = simulation.stock.starting_with(image.name, image.arch)
    return next((other for other in listed if other.subarch == kernel), None)


def _is_name_of_kernel(simulation: Simulation, image: Image, refusal: Refusal) -> bool:
    """Whether MAAS takes a release for a kernel, or for a release newer than all kernels."""
    if refusal.cause != "kernel-too-old":
        return False
    return image.release == ROLLING or simulation.kernels.names.asked(image.release)


def _no_kernel(simulation: Simulation, image: Image, made: Any) -> Obstacle:
    """The subarch is no kernel, or a kernel for a platform that no machine has."""
    platform = simulation.kernels.platform_of(image.subarch, image.platform)
    if platform is None:
        obstacle: Obstacle = made("subarch-no-kernel")
    else:
        obstacle = made("platform-not-offered", platform=platform)
    return obstacle


def _not_booted(simulation: Simulation, image: Image, refusal: Refusal, made: Any) -> Obstacle:
    """MAAS chooses the kernel, but lacks the files that the machine then requests."""
    obstacle: Obstacle
    best = image.needs.roots[0]
    root = image.files.get(best)
    by_name = refusal.cause in BY_NAME
    if root is None:
        obstacle = made("only-root-image")
    elif by_name and root != SQUASHFS:
        obstacle = made("root-misnamed", file=root, ftype=best)
    elif refusal.cause == "rack-lacks-root":
        obstacle = made(refusal.cause)
    elif refusal.kernel == GENERIC:
        obstacle = made("no-generic-directory")
    elif not simulation.stock.exactly(image.name, f"{image.arch}/{refusal.kernel}"):
        owner = _named(simulation, image, refusal.kernel or "")
        obstacle = made("kernel-of-other-release", owner=owner)
    else:
        obstacle = made("not-booted")
    return obstacle


# -- all else: curtin installs it --------------------------------------------------------------


def _other(simulation: Simulation, image: Image) -> Iterator[Obstacle]:
    system = System(image.os, image.release)
    machines = candidates(simulation, image)
    refusal = _first_refusal(installs(simulation, machine, system) for machine in machines)
    if refusal is not None:
        yield _other_obstacle(simulation, image, refusal)


def installs(simulation: Simulation, machine: Machine, system: System) -> Refusal | None:
    """Why curtin cannot install a system, whatever the machine boots for that."""
    deployment = simulation.deploy(machine, system)
    boot = deployment.boot.refusal if deployment.boot is not None else None
    if boot is not None and boot.cause == "custom-os":
        return boot
    if isinstance(deployment.curtin, Refusal):
        return deployment.curtin
    return deployment.fetched


def _other_obstacle(simulation: Simulation, image: Image, refusal: Refusal) -> Obstacle:
    def made(cause: str, **values: Any) -> Obstacle:
        return Obstacle(image, cause, refusal, commissions=False, values=values)

    release = simulation.release
    types = release.curtin_types.get(image.os)
    if image.os == "custom":
        return made("custom-os")
    if types is None or image.os in release.use("ephemeral"):
        return made("unsupported-os")
    taken = [(ftype, name) for ftype, name in image.contents.rows if ftype in types]
    if _taken(refusal) not in (None, image):
        return made("not-booted", taken=_taken(refusal))
    if refusal.cause == "several-roots":
        return made("several-roots")
    if not taken:
        roots = [ftype for ftype, _ in image.contents.rows if is_root(ftype)]
        return made("root-of-other-kind" if roots else "set-incomplete", lacking=[])
    if not any(name in types for _, name in taken) and refusal.cause == "rack-lacks-root":
        return made("root-misnamed", file=taken[0][1], ftype=taken[0][0])
    return made("not-for-generic-machines")
