"""Kernel and initrd of an Ubuntu: from another stream's product, or from local files."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from maas_stream_lint.building.finished_image import Stamp, stamp
from maas_stream_lint.building.initrd import UnopenedError, boots_network_root
from maas_stream_lint.building.streams import STEP
from maas_stream_lint.catalog import Catalog
from maas_stream_lint.distributions import network_root, standard_source
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.images.observation import FileOptions
from maas_stream_lint.images.observation import Wanted as WantedFile
from maas_stream_lint.images.sniff import HEAD_BYTES, sniff
from maas_stream_lint.output import printable_path
from maas_stream_lint.records import field, record
from maas_stream_lint.rulebook import default_system, ftypes
from maas_stream_lint.source import FetchOptions, LocalTree, open_source
from maas_stream_lint.stream import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.model import Item, Version
    from maas_stream_lint.rulebook import UbuntuSet
    from maas_stream_lint.source import Source
    from maas_stream_lint.stream import Stream

#: Fields of the other product that say what its kernel boots.
FIELDS = ("version", "subarch", "subarches", "kflavor", "platform", "supported_platforms")
#: Fields that say what release it is.
TITLES = ("release_codename", "release_title", "support_eol", "support_esm_eol", "os_title")


@record(frozen=True)
class BootFile:
    """A kernel or an initrd."""

    ftype: str
    sha256: str
    size: int
    source: Path | None = None  #: where it is on disk
    stamp: Stamp | None = None  #: of ``source``, when it was hashed
    path: str | None = None  #: in the other stream
    kpackage: str | None = None


@record(frozen=True)
class BootFiles:
    """A kernel and its initrd, and what goes with them."""

    kernel: BootFile
    initrd: BootFile
    fields: dict[str, str] = field(default_factory=dict)  #: of the product they are from
    source: BootSource | None = None  #: the stream they are from


@record
class BootSource:
    """Another stream, which has kernels and initrds that MAAS boots with."""

    given: str  #: a directory, a file or a URL
    keyring: Path | None = None  #: that its signatures are verified by
    fetch: FetchOptions | None = None
    parts: Sequence[str] = ()  #: ftypes of kernel and initrd
    _catalog: Catalog | None = None

    def choose(self, release: str, arch: str) -> BootFiles | None:
        """The kernel and initrd of a release, the plainest if it has several; ``None``: no such.

        Raises LintError if it cannot read or verify the stream.
        """
        fitting = [v for v in self._read().newest if self._fits(v, release, arch)]
        if not fitting:
            return None
        version = min(fitting, key=_plainness)
        product = version.product
        kernel, initrd = (_boot_file(version.ftypes[part][0]) for part in self.parts)
        said = {name: product.get(name) for name in (*FIELDS, *TITLES)}
        return BootFiles(kernel, initrd, {k: v for k, v in said.items() if v}, self)

    def bring(self, files: Sequence[BootFile], folder: Path, told: Progress) -> list[Path]:
        """The paths of the files on disk, verified by checksum, and downloaded if necessary.

        Raises LintError if it cannot get a file, or if a file differs from the metadata.
        """
        with closing(open_source(self.given, options=self.fetch)) as source:
            if isinstance(source, LocalTree):
                return [_local(source, file, told) for file in files]
            return self._downloaded(source, files, folder, told)

    def _downloaded(
        self, source: Source, files: Sequence[BootFile], folder: Path, told: Progress
    ) -> list[Path]:
        # These bring in the HTTP client, which takes longer to import than a small tree to build.
        from maas_stream_lint.images.inspection import inspect_remote
        from maas_stream_lint.source.remote import RemoteTree

        assert isinstance(source, RemoteTree)
        stream = self._read().stream
        paths = {file.path or "": file for file in files}
        wanted = {p: WantedFile(p, f.size, {"sha256": f.sha256}) for p, f in paths.items()}
        options = FileOptions(mode="download", keep=folder, cache=False)
        known = stream.files
        metadata = {path: known[path].answer for path in {stream.start: None, **known}}
        fetch = self.fetch or FetchOptions()
        survey = inspect_remote(source, wanted, options, fetch, metadata, told)
        if survey.interrupted:
            raise KeyboardInterrupt
        for file in files:
            seen = survey.files[file.path or ""]
            if seen.trouble is not None:
                raise LintError(f"{file.path} of {source.label}: {seen.trouble.message}")
            if seen.size != file.size or seen.digests.get("sha256") != file.sha256:
                raise _other(file, source.label)
        return [folder / (file.path or "") for file in files]

    def _read(self) -> Catalog:
        if self._catalog is None:
            with closing(open_source(self.given, options=self.fetch)) as source:
                stream = load(source, self.keyring)
                _trusted(stream, local=isinstance(source, LocalTree))
            self._catalog = Catalog(stream)
        return self._catalog

    def _fits(self, version: Version, release: str, arch: str) -> bool:
        product = version.product
        said = (product.os, product.get("release"), product.get("arch"))
        same = said == (default_system(), release, arch)
        whole = all(
            len(version.ftypes.get(part, ())) == 1 and _complete(version.ftypes[part][0])
            for part in self.parts
        )
        return same and not product.bootloader and bool(product.get("subarch")) and whole


def by_hand(kernel: Path, initrd: Path, parts: UbuntuSet) -> BootFiles:
    """Local files.

    Raises UsageError for a file that is no kernel, or an initrd that cannot boot from the network.
    """
    for ftype, path in ((parts.kernel, kernel), (parts.initrd, initrd)):
        head = _head(path)
        content = sniff(head, whole=len(head) < HEAD_BYTES)
        if content.suits(ftypes()[ftype]) is False:
            what = content.in_words()
            raise UsageError(f"{printable_path(path)} is {what}, no {ftype}", "name another")
    refuse_unable(initrd, printable_path(initrd))
    return BootFiles(_at_hand(parts.kernel, kernel), _at_hand(parts.initrd, initrd))


def refuse_unable(initrd: Path, name: str) -> None:
    """Raise UsageError if an initrd cannot boot a root from the network, or is unreadable."""
    mark, packages = network_root()
    try:
        able = boots_network_root(initrd)
    except UnopenedError as error:
        raise UsageError(f"{name}: {error}", "without it nobody can say what it boots") from None
    except OSError as error:
        raise _unreadable(initrd, error) from None
    if not able:
        why = f"{name} can't boot from MAAS: no script in it knows root={mark.decode()}://"
        hint = f"install {', '.join(packages)} and run update-initramfs, or give --boot-from"
        raise UsageError(why, hint)


def standard(fetch: FetchOptions | None, keyring: Path | None, parts: Sequence[str]) -> BootSource:
    """The stream that MAAS uses by default. The tool must verify it."""
    url, usual = standard_source()
    trusted = keyring or Path(usual)
    if not trusted.is_file():
        hint = "apt install ubuntu-cloudimage-keyring, or give --boot-keyring, or --boot-from"
        raise UsageError(f"{url} can't be verified: there is no {usual}", hint)
    return BootSource(url, trusted, fetch, parts)


def _trusted(stream: Stream, *, local: bool) -> None:
    """Raise LintError for a stream that is unreadable in part, or has no valid signature."""
    for path, metadata in stream.files.items():
        if metadata.best is None or metadata.best.fatal is not None:
            raise LintError(f"{stream.label}: {path} can't be read", "check it first")
        verified = metadata.verification
        if verified is not None and (verified.status != "good"):
            raise LintError(f"{stream.label}: {path}: {verified.detail}", "give another keyring")
        if verified is None and not local:
            hint = "give --boot-keyring FILE, and the URL of a signed index (.sjson)"
            raise LintError(f"{stream.label} can't be verified without a keyring", hint)


def _plainness(version: Version) -> tuple[bool, bool, str]:
    """MAAS 3.3 and older commission with a `ga-` kernel of flavour `generic` alone."""
    product = version.product
    subarch = product.get("subarch") or ""
    plain = product.get("kflavor") in (None, "generic")
    return not plain, not subarch.startswith("ga-"), product.name


def _complete(item: Item) -> bool:
    size = item.get("size")
    return bool(item.path and item.get("sha256") and size is not None and size.isdecimal())


def _boot_file(item: Item) -> BootFile:
    digest, size = item.get("sha256") or "", item.get("size") or "0"
    more = item.get("kpackage")
    assert item.ftype is not None
    return BootFile(item.ftype, digest.lower(), int(size), path=item.path, kpackage=more)


def _local(tree: LocalTree, file: BootFile, told: Progress) -> Path:
    place = tree.locate(file.path or "")
    if not isinstance(place, str):
        raise LintError(f"{file.path} of {tree.label}: {place.message}")
    path = Path(place).resolve()
    if not path.is_relative_to(tree.root.resolve()):
        raise LintError(f"{file.path} of {tree.label} leads out of the tree")
    found = _at_hand(file.ftype, path, told)
    if (found.sha256, found.size) != (file.sha256, file.size):
        raise _other(file, tree.label)
    return path


def _at_hand(ftype: str, path: Path, told: Progress | None = None) -> BootFile:
    digest = hashlib.sha256()
    try:
        before = stamp(path)
        with path.open("rb") as file:
            while piece := file.read(STEP):
                digest.update(piece)
                if told is not None:
                    told.advance(len(piece))
    except OSError as error:
        raise _unreadable(path, error) from None
    return BootFile(ftype, digest.hexdigest(), before.size, path, before)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from None


def _other(file: BootFile, label: str) -> LintError:
    return LintError(f"{file.path} of {label} is not what its metadata says", "check that stream")


def _unreadable(path: Path, error: OSError) -> UsageError:
    why = (error.strerror or "unreadable").lower()
    return UsageError(
        f"cannot read {printable_path(path)}: {why}", "check the path and its permissions"
    )
