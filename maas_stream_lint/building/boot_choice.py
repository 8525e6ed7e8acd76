"""Which kernel and initrd an Ubuntu image gets, as the options say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.building import boot_files, planning, tarball, ubuntu_image
from maas_stream_lint.building.boot_files import BootSource
from maas_stream_lint.building.parts import Refusal
from maas_stream_lint.building.streams import Borrowed, opened
from maas_stream_lint.distributions import network_root
from maas_stream_lint.errors import UsageError
from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from maas_stream_lint.building.boot_files import BootFiles
    from maas_stream_lint.building.finished_image import Image
    from maas_stream_lint.building.wanted import Wanted
    from maas_stream_lint.rulebook import UbuntuSet
    from maas_stream_lint.source import FetchOptions


@record
class BootChoice:
    """Finds boot files; each stream that has some is read once."""

    parts: UbuntuSet  #: the ftypes of a whole set
    keyring: Path | None = None  #: of the streams that they are from
    fetch: FetchOptions | None = None
    _known: dict[str | None, BootSource] = field(default_factory=dict)

    def of(self, image: Image, wanted: Wanted, folder: Path) -> BootFiles:
        """The kernel and initrd of an image. ``folder``: where those of the image itself go.

        Raises RefusedError if there are none, UsageError for wrong files.
        """
        if wanted.kernel is not None or wanted.initrd is not None:
            if wanted.kernel is None or wanted.initrd is None:
                raise UsageError("--kernel and --initrd go together", "give both")
            return boot_files.by_hand(wanted.kernel, wanted.initrd, self.parts)
        if wanted.image_initrd:
            return self._of_the_image(image, folder)
        release, arch = ubuntu_image.codename(image), planning.architecture(image, wanted)
        source = self._source(wanted.boot_from)
        found = source.choose(release, arch)
        if found is None:
            why = f"{source.given} has no kernel and initrd of {release} for {arch}"
            fix = "give --boot-from a stream that has, or --kernel and --initrd; or upload it"
            command = planning.upload_command(image, wanted)
            raise planning.RefusedError(Refusal(image.path, why, fix, command))
        return found

    def _source(self, given: str | None) -> BootSource:
        if given not in self._known:
            parts = (self.parts.kernel, self.parts.initrd)
            if given is None:
                self._known[given] = boot_files.standard(self.fetch, self.keyring, parts)
            else:
                self._known[given] = BootSource(given, self.keyring, self.fetch, parts)
        return self._known[given]

    def _of_the_image(self, image: Image, folder: Path) -> BootFiles:
        tree = image.tree
        assert tree is not None
        pair = _newest_pair(tree.kernels, tree.initrds)
        if pair is None:
            raise _refused(image, "it has no kernel with an initrd below /boot")
        _, packages = network_root()
        held = {name for name, _ in tree.packages}
        if held and packages[0] not in held:
            raise _refused(image, f"its initrd can't boot from MAAS: it lacks {packages[0]}")
        with image.path.open("rb") as file:
            tar = opened(image.content.kind, Borrowed(file))
            kernel, initrd = tarball.extract(tar, list(pair), folder)
        try:
            return boot_files.by_hand(kernel, initrd, self.parts)
        except UsageError as error:
            raise _refused(image, str(error.message)) from None


def _newest_pair(kernels: list[str], initrds: list[str]) -> tuple[str, str] | None:
    """The kernel of the highest version that has an initrd, and that."""
    by_version = {_version(path): path for path in initrds}
    pairs = [(path, by_version[v]) for path in kernels if (v := _version(path)) in by_version]
    return max(pairs, key=lambda pair: _natural(pair[0]), default=None)


def _version(path: str) -> str:
    return path.partition("-")[2]


def _natural(path: str) -> list[Any]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path)]


def _refused(image: Image, why: str) -> planning.RefusedError:
    _, packages = network_root()
    fix = (
        f"install {', '.join(packages)} in the image and run update-initramfs in it, or leave out "
        "--boot-from-image: then Canonical's kernel and initrd are taken"
    )
    return planning.RefusedError(Refusal(image.path, why, fix))
