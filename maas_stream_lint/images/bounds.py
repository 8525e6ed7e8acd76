"""How much of directories and archives the tool looks through, whatever they contain."""

from __future__ import annotations

from maas_stream_lint.records import record


@record(frozen=True)
class Bounds:
    """Limits on what is read of a tree and of the archives in it. Sizes are in bytes."""

    #: Of directories, in all. Canonical's whole stream has some 10,000.
    entries: int = 200_000
    depth: int = 100  #: of directories in one another
    names: int = 10_000  #: in an archive that is listed
    #: Of an archive that is listed, counted before and after decompression alike.
    archive: int = 512 * 2**20
    #: A downloaded archive up to this size is held in memory for its listing. Those of bootloaders
    #: have 2 MB.
    held: int = 16 * 2**20
    members: int = 2_000_000  #: of a root file system
    tree: int = 8 * 2**30  #: of a root file system, decompressed
    header: int = 2**20  #: about one member of a tar: longer names than Linux takes are hostile
    dictionary: int = 2**30  #: the memory that a decompressor may take
    seconds: float = 60.0  #: for one archive


BOUNDS = Bounds()
