"""Rules on versions: what the one MAAS takes must hold, and which one that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.engine import Look
    from maas_stream_lint.model import Version


@rule("MSL504", Severity.UNUSABLE, on="version", causes=["missing-boot-kernel"])
def missing_boot_kernel(seen: Event | Version, look: Look) -> Iterator[Said]:
    """An Ubuntu product's newest version has no `boot-kernel`.

    MAAS: up to 3.7 imports what is there; the set can't boot a machine and offers no kernel
        (`commissionable`, maasserver/models/bootresourceset.py). 3.8 knows no such product: a file that
        holds one is refused, and with it the whole source (`MultiFileImageVersion`,
        maasservicelayer/simplestreams/models.py).
    Why: MAAS boots every machine over the network with kernel and initrd of an Ubuntu set, and offers
        Ubuntu for deployment only with a kernel to choose.
    Mend: publish `boot-kernel` and `boot-initrd` with the squashfs, as in Canonical's stream; an image
        that brings its own kernel is better uploaded with `maas $PROFILE boot-resources create`.
    Example:
        "squashfs": {
    """
    yield from _missing("boot-kernel", seen, look)


def _missing(key: str, seen: Event | Version, look: Look) -> Iterator[Said]:
    if isinstance(seen, Event):
        where = f"version `{seen.place.version}`"
    else:
        if not seen.product.ubuntu or key in seen.ftypes or not seen.items:
            return
        where = f"version `{seen.name}`, the one MAAS takes,"
    yield Said(
        f"{where} has no `{key}`",
        "publish kernel, initrd and squashfs together, or upload the image with "
        "`maas $PROFILE boot-resources create`",
        effect=None if isinstance(seen, Event) else "imports it, but can neither boot nor deploy it",
    )
