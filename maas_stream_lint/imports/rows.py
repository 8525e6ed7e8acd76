"""The rows that an import leaves in MAAS's database, as far as MAAS looks at them afterwards."""

from __future__ import annotations

from maas_stream_lint.named_tuple import NamedTuple

#: What a boot resource keeps of its product, beside its columns: ``BootResource.extra``.
EXTRA = ("subarches", "platform", "supported_platforms")


class Cached(NamedTuple):
    """A row of the list of available images: ``BootSourceCache``."""

    os: str
    release: str
    title: str | None
    codename: str | None
    has_eol: bool  #: whether ``support_eol`` is there


class Offer(NamedTuple):
    """What a row of that list lets a form select."""

    os: str
    release: str
    arch: str
    subarch: str | None  #: ``None`` where no selection names it
    label: str | None  #: likewise
