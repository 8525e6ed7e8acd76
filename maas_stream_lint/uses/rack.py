"""Up to 3.4 a rack serves the files that it imported from the region, by name in directories.

Mirrors the region's endpoint (``SimpleStreamsHandler``, maasserver/bootresources.py), the rack's
import of it (``RepoDumper`` and ``RepoWriter``, provisioningserver/import_images) and what the rack
then finds (provisioningserver/boot/tftppath.py, rackdservices/tftp.py).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.records import field, record
from maas_stream_lint.uses.boot import Boot, Config, Server
from maas_stream_lint.uses.curtin import Handed, handed, no_image
from maas_stream_lint.uses.descriptions import Descriptions
from maas_stream_lint.uses.kernel import GENERIC, ROLLING, links_generic
from maas_stream_lint.uses.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_stream_lint.rulebook import Release
    from maas_stream_lint.uses.chosen_kernel import Choice, Machine, System
    from maas_stream_lint.uses.stock import Stock
    from maas_stream_lint.uses.stock_image import Image

SQUASHFS = "squashfs"  #: what a machine's root is called, whatever is there


class Directory(NamedTuple):
    """Where a rack keeps the files of an image."""

    os: str
    arch: str
    subarch: str
    release: str
    label: str

    def __str__(self) -> str:
        """Its path under the images."""
        return "/".join(self)


@record
class Tree:
    """The result of a rack's import."""

    directories: dict[Directory, frozenset[str]] = field(default_factory=dict)  #: files by name
    described: Descriptions = field(default_factory=lambda: Descriptions([]))
    refusal: Refusal | None = None  #: what ended the import
    _supporting: dict[tuple[System, str], dict[str, str]] = field(default_factory=dict)

    def of(self, system: System, arch: str) -> list[Directory]:
        """The directories of a system and architecture, in order.

        A directory with an empty part is one level higher, where no program looks.
        """
        return self._by_system.get((system.os, arch, system.release), [])

    def exactly(self, system: System, arch: str, subarch: str) -> Directory | None:
        """The first directory of a system, an architecture and a subarch."""
        return self._by_subarch.get((system.os, arch, system.release, subarch))

    @cached_property
    def _by_subarch(self) -> dict[tuple[str, str, str, str], Directory]:
        found: dict[tuple[str, str, str, str], Directory] = {}
        for at in filter(all, self.directories):
            found.setdefault((at.os, at.arch, at.release, at.subarch), at)
        return found

    @cached_property
    def _by_system(self) -> dict[tuple[str, str, str], list[Directory]]:
        found: dict[tuple[str, str, str], list[Directory]] = {}
        for at in self.directories:
            if all(at):
                found.setdefault((at.os, at.arch, at.release), []).append(at)
        return found

    def supporting(self, system: System, arch: str) -> dict[str, str]:
        """The label of the first directory for each kernel that one says it supports."""
        found = self._supporting.get((system, arch))
        if found is None:
            found = self._supporting[(system, arch)] = {}
            for at in self.of(system, arch):
                for kernel in self.supported(at):
                    found.setdefault(kernel, at.label)
        return found

    def supported(self, directory: Directory) -> list[str]:
        """The kernels that a directory's image lists, if the rack finds its description.

        Mirrors ``extract_metadata`` (provisioningserver/boot/tftppath.py): the flavour is taken to
        be the third part of the directory's name.
        """
        parts = directory.subarch.split("-")
        kflavor = parts[2] if len(parts) > 2 else GENERIC
        os, arch, subarch, release, label = directory
        image = self.described.get((os, arch, kflavor, release, label), subarch)
        said = image.kept("subarches") if image is not None else None
        return [""] if said is None else said.split(",")


def imported(stock: Stock, system: System, release: Release) -> Tree:
    """What a rack of a release line imports of the region's images of one system.

    Images of other systems are in other directories. The tree leaves an image that ends the import
    out, and names it.
    """
    custom_fails = release.deploy("custom-os") == "rack-import-fails"
    tree = stock.trees.get((system, custom_fails))
    if tree is None:
        images = stock.named(str(system))
        tree = stock.trees[(system, custom_fails)] = _linked(images, custom_fails=custom_fails)
    return tree


def _linked(images: Sequence[Image], *, custom_fails: bool) -> Tree:
    tree = Tree(described=Descriptions(sorted(images, key=_product_name)))
    for image in tree.described.images:
        if image.os == "custom" and custom_fails:
            tree.refusal = tree.refusal or _not_found(image)
        else:
            _link(tree, image)
    tree.directories = dict(sorted(tree.directories.items()))
    return tree


def _product_name(image: Image) -> str:
    return f"maas:boot:{image.os}:{image.arch}:{image.subarch}:{image.release}"


def _not_found(image: Image) -> Refusal:
    """The region looks a file of os ``custom`` up by the image's bare name, as uploads have."""
    row, file = image.resource, next(iter(image.set.files))
    path = f"{image.os}/{row.architecture}/{image.release}/{image.set.version}/{file}"
    told = f"OSError: Unable to open {path}"
    return Refusal("rack-import", "OSError", told, image=image)


def _link(tree: Tree, image: Image) -> None:
    """``RepoWriter.insert_item`` for each file of an image."""
    contents, there = image.contents, tree.directories
    for subarch in _directories(image):
        at = Directory(image.os, image.arch, subarch, image.release, contents.label)
        there[at] = there[at] | contents.names if at in there else contents.names


def _directories(image: Image) -> Iterator[str]:
    """The subarches that an image is linked for."""
    yield image.subarch
    if links_generic(image.subarch, image.kflavor, image.release):
        yield GENERIC
    if image.rolling:
        first, _, rest = image.subarch.partition("-")
        yield "-".join([first, ROLLING, *rest.split("-")[1:]])


class Rack(Server):
    """Boots and installs machines as a rack of one release line does."""

    def __init__(self, choice: Choice, stock: Stock, *, beyond_aborts: bool) -> None:
        """``choice``: how kernels are chosen. ``stock``: the images that are there.

        ``beyond_aborts``: treat an import that fails for one image as if the image did not exist.
        """
        super().__init__(choice, stock, with_root=False)
        self._beyond_aborts = beyond_aborts
        self._trees: dict[System, Tree] = {}

    def _tree(self, system: System) -> Tree:
        """What the rack has imported of a system."""
        tree = self._trees.get(system)
        if tree is None:
            ended = self.rack_import is not None and not self._beyond_aborts
            tree = Tree() if ended else imported(self.stock, system, self.release)
            self._trees[system] = tree
        return tree

    @cached_property
    def rack_import(self) -> Refusal | None:
        """The error that ends the import of a rack. Only one os can end it."""
        systems = self.stock.of_os("custom")
        refusals = [imported(self.stock, system, self.release).refusal for system in systems]
        told = [refusal for refusal in refusals if refusal is not None]
        return min(told, key=lambda one: _product_name(one.values["image"]), default=None)

    def _boot(self, machine: Machine, config: Config, final: System) -> Boot:
        """The root is always the file ``squashfs``."""
        try:
            files = self.files.names(machine, config)
        except Refusal as refusal:
            return Boot(config, None, refusal)
        label = self._label(machine, config)
        if label is None:
            told = f"Missing boot image {config.system.os}/{machine.arch}/{config.kernel}/"
            told += f"{config.system.release}."
            return Boot(config, files, Refusal("missing-boot-image", "", told, config.kernel))
        system = config.system
        at = Directory(system.os, machine.arch, config.kernel, system.release, label)
        needs = self.release.ubuntu_set
        # A file that the region does not know is called by its ftype.
        needed = [files[0] or needs.kernel, files[1] or needs.initrd]
        there = self._tree(system).directories.get(at, frozenset())
        lacking = [name for name in (*needed, SQUASHFS) if name not in there]
        if not lacking:
            return Boot(config, files, None)
        told = f"404: the rack has no {', '.join(lacking)} in {at}"
        return Boot(config, files, Refusal("rack-lacks-files", "", told, config.kernel))

    def curtin(self, kernel: str | None, machine: Machine, system: System) -> Handed:
        """The root in the directory of the kernel or of the machine's platform."""
        found = None
        if kernel and "kernel" in self.release.use("curtin-asks-for"):
            found = self._image(kernel, machine, system)
        found = found or self._image(machine.platform, machine, system)
        if found is None:
            raise no_image(machine.platform, machine, system, None)
        return self._root(found, system)

    def fetched(self, handed: Handed, machine: Machine, system: System) -> Refusal | None:
        """The error if the file is not where curtin looks: in the directory of the platform."""
        if not handed.kind:
            return None
        precise = system.os == "ubuntu" and system.release == "precise"
        platform = GENERIC if precise else machine.platform
        at = Directory(system.os, machine.arch, platform, system.release, handed.label)
        if handed.file in self._tree(system).directories.get(at, ()):
            return None
        told = f"404: the rack has no file {at}/{handed.file}"
        return Refusal("rack-lacks-root", "", told)

    def _label(self, machine: Machine, config: Config) -> str | None:
        """``get_boot_image`` (rackdservices/tftp.py): the label of what fits."""
        if config.system.os not in self.release.drivers:
            return None
        tree = self._tree(config.system)
        exact = tree.exactly(config.system, machine.arch, config.kernel)
        if exact is not None:
            return exact.label
        return tree.supporting(config.system, machine.arch).get(config.kernel)

    def _image(self, subarch: str, machine: Machine, system: System) -> Directory | None:
        """``get_curtin_image``: exactly that, else any if some resource supports it."""
        if system.os not in self.release.drivers or system.os in self.release.use("ephemeral"):
            return None
        tree = self._tree(system)
        exact = tree.exactly(system, machine.arch, subarch)
        found = tree.of(system, machine.arch)
        if exact is not None or not found or system.os == "custom":
            return exact
        resource = self.stock.supporting(str(system), machine.arch, subarch)
        return found[0] if resource is not None else None

    def _root(self, at: Directory, system: System) -> Handed:
        """``_find_image`` (drivers/osystem): the first file that the driver takes, or its usual."""
        types = self.release.curtin_types[system.os]
        taken = self._tree(system).directories[at] & types.keys()
        if taken:
            name = min(taken)
            return handed(name, types[name], system, at.label)
        usual = self.release.use("default-roots").get(system.os) or next(iter(types))
        return handed(usual, types[usual], system, at.label)
