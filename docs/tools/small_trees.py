"""A page with the smallest right stream for each kind of image: the fixtures ``good/smallest-*``.

A test takes each member away in turn, and the tool then finds a fault. So nothing in them is idle.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import check
from maas_stream_lint.finding import Severity
from maas_stream_lint.report.text import fates_told
from maas_stream_lint.rulebook import ftypes
from written import fence

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURES = Path(__file__).parents[2] / "fixtures/good"
#: Fixture → its heading, and what is to be said of it.
KINDS = {
    "smallest-ubuntu": (
        "Ubuntu, to commission and deploy",
        (
            "Kernel, initrd and root image go together. MAAS cannot boot a squashfs alone. `ga-24.04` names the kernel, and "
            "`generic` says that common machines boot it."
        ),
    ),
    "smallest-bootloaders": (
        "The same, with bootloaders",
        (
            "Machines boot from the network with these: `pxelinux` with BIOS, `grub-efi-signed` with UEFI. They have a products "
            "file of their own, and no image needs to name them. Newer MAAS fetches bootloaders only together with an image of the same stream."
        ),
    ),
    "smallest-tarball": (
        "A root tarball: RHEL, CentOS, Oracle Linux, SUSE",
        (
            "curtin unpacks it on the machine. MAAS first boots the Ubuntu that it commissions with, so that Ubuntu must come "
            "from this stream or another."
        ),
    ),
    "smallest-disk-image": (
        "A disk image: Windows, VMware ESXi",
        (
            "curtin writes it to the disk. The item is called `root-tgz`, because that is the only key under which newer MAAS looks "
            "for it. The ftype says what it is."
        ),
    ),
}


def page() -> str:
    """All kinds, and what goes without a stream."""
    parts = [
        "# The smallest right tree",
        (
            "Copy one, and replace names, paths, sizes and checksums by yours. `maas-stream-lint check` finds no fault in any of "
            "them, and every release line imports them. Take one member away, and at least one MAAS refuses the stream, drops "
            "an image, or shows another title. `maas-stream-lint build` writes such a tree from finished images."
        ),
    ]
    for name, (title, about) in KINDS.items():
        parts += [f"## {title}", about, *_tree(FIXTURES / name / "tree")]
    return "\n\n".join([*parts, *_uploads()]) + "\n"


def documents(tree: Path) -> dict[str, Any]:
    """Path below the tree → content, of its metadata; the index first."""
    home = tree / "streams/v1"
    names = sorted(home.iterdir(), key=lambda path: (path.name != "index.json", path.name))
    return {f"streams/v1/{path.name}": json.loads(path.read_text("utf-8")) for path in names}


def _tree(tree: Path) -> Iterator[str]:
    found = documents(tree)
    yield fence("\n".join([*found, *_images(found)]))
    for path, document in found.items():
        yield fence(json.dumps(document, indent=2), "json", title=path)
    report = check(tree, files="none")
    assert report.worst is None or report.worst <= Severity.INFO, report.findings
    yield "\n".join(f"- {lines}: {fate}" for lines, fate in fates_told(report))


def _images(found: dict[str, Any]) -> list[str]:
    return [
        item["path"]
        for document in found.values()
        for product in document.get("products", {}).values()
        for version in product["versions"].values()
        for item in version["items"].values()
    ]


def _uploads() -> Iterator[str]:
    yield "## Custom images"
    yield (
        "MAAS does not deploy the os `custom` from a stream. Upload such an image instead. This needs no tree, and the "
        "region keeps the image:"
    )
    yield fence(
        "maas $PROFILE boot-resources create name=custom/my-image architecture=amd64/generic \\\n"
        "  base_image=ubuntu/noble filetype=ddgz content@=my-image.dd.gz",
        "sh",
    )
    rows = [f"| `{name}` | `{known.upload}` |" for name, known in ftypes().items() if known.upload]
    yield "\n".join(
        ["| What it is called in a stream | `filetype` of an upload |", "|---|---|", *rows]
    )
