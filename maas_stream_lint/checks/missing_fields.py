"""Rules on fields that a product lacks or has in the wrong place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import saying
from maas_stream_lint.checks.words import kind, merged_field, value_at
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, cut, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product


@rule("MSL430", Severity.FATAL, at="product")
def missing_arch(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `arch`.

    MAAS: up to 3.7 MAAS merges the fields of file, product, version and item. If none of them has
        `arch`, MAAS stops the whole import with `KeyError: 'arch'` (`RepoDumper.insert_item`,
        import_images/download_descriptions.py). MAAS 3.8 needs the field in the product itself and
        discards the whole source (`Product`, maasservicelayer/simplestreams/models.py).
    Why: MAAS boots a machine with images of its architecture, so every image needs one. The
        exception does not name the product.
    Fix: write `amd64`, `arm64`, `armhf`, `i386`, `ppc64el`, `riscv64` or `s390x` into the product.
    Example:
        "com.example.maas:rhel-bases:9:amd64": {
         "label": "stable",
    """
    yield _missing("arch", "write the product's architecture, such as `amd64`", event, look)


@rule("MSL431", Severity.FATAL, at="product")
def missing_label(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `label`.

    MAAS: up to 3.7 MAAS stops the whole import with `KeyError: 'label'` if neither file, product,
        version nor item has the field (`RepoDumper.insert_item`,
        import_images/download_descriptions.py). MAAS 3.8 needs it in the product itself and
        discards the whole source (`Product`, maasservicelayer/simplestreams/models.py).
    Why: the label, `stable` or `candidate`, is one of the fields by which MAAS tells images apart.
    Fix: write `"label": "stable"` into the product.
    Example:
        "com.example.maas:rhel-bases:9:amd64": {
         "arch": "amd64",
         "os": "rhel",
    """
    yield _missing("label", 'write `"label": "stable"` into the product', event, look)


@rule("MSL432", Severity.FATAL, causes=["missing-release", "empty-release"])
def missing_release(event: Event, look: Look) -> Iterator[Said]:
    """A product that is no bootloader has no `release`, or an empty one.

    MAAS: up to 3.7 MAAS stops the whole import with `KeyError: 'release'`, or with an IndexError
        for an empty release of Ubuntu (`RepoDumper.insert_item`,
        import_images/download_descriptions.py). MAAS 3.8 needs the field in the product itself and
        discards the whole source (`ImageProduct`, maasservicelayer/simplestreams/models.py).
    Why: os and release together are the name of an image: `rhel/rhel9`.
    Fix: write the release into the product: the codename for Ubuntu (`noble`), and for other
        systems the name that you deploy it by (`rhel9`).
    Example:
        "os": "rhel",
        "os_title": "Red Hat Enterprise Linux",
        "release_title": "9",
    """
    remedy = "write the release into the product, for Ubuntu its codename"
    if event.cause == "empty-release":
        yield Said(
            "`release` is empty, expected a name", remedy, merged_field("release", event, look)
        )
    else:
        yield _missing("release", remedy, event, look)


@rule(
    "MSL433",
    Severity.FATAL,
    on="product",
    among=saying("os", odd=lambda os: os is None),
    causes=["missing-os"],
)
def missing_os(seen: Event | Product, look: Look) -> Iterator[Said]:
    """A product has no `os`.

    MAAS: up to 3.7 MAAS takes the product for Ubuntu. It does not check the product's name, because
        that check reads `os` directly (`get_os_from_product` and `validate_product`,
        import_images/download_descriptions.py). So MAAS offers a RHEL image as Ubuntu. MAAS 3.8
        discards the whole source (`Product`, maasservicelayer/simplestreams/models.py).
    Why: the oldest Ubuntu streams had no `os`, and the default has stayed.
    Fix: write `"os": "ubuntu"`, or the product's real `os`, into the product.
    Example:
        "label": "stable",
        "release": "rhel9",
    """
    remedy = "write the `os` into the product, such as `ubuntu`, `rhel` or `centos`"
    if isinstance(seen, Event):
        product = look.catalog.product(seen.place)
        if product is not None and product.bootloader:
            remedy = "write the `os` into the product, such as `grub-efi-signed`"
        yield _missing("os", remedy, seen, look)
    elif seen.raw.get("os").__class__ is not str and seen.image and seen.get("os") is None:
        yield Said(
            f"product {quoted(seen.name)} has no `os`",
            remedy,
            lines=look.where(lambda r: not r.strict and not r.names_default(seen.name)),
            severity=Severity.WARNING,
            effect="takes the product for Ubuntu",
        )


@rule("MSL434", Severity.FATAL)
def missing_release_title(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `release_title`.

    MAAS: up to 3.7 MAAS makes a title of its own. MAAS 3.8 discards the whole source
        (`ImageProduct`, maasservicelayer/simplestreams/models.py), although it shows the title
        almost nowhere.
    Why: the field was optional up to 3.7, and `meph2-import` writes none for its CentOS streams.
    Fix: write a title into the product: `24.04 LTS` for Ubuntu, and for other systems the usual
        name of the release.
    Example:
        "release": "rhel9",
        "subarch": "generic",
    """
    yield _missing("release_title", "write a title, such as `24.04 LTS` or `9`", event, look)


@rule("MSL435", Severity.FATAL, causes=["missing-subarch", "missing-subarches"], at="product")
def missing_subarch(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `subarch` or no `subarches`.

    MAAS: up to 3.7 MAAS takes both as `generic`. MAAS 3.8 discards the whole source
        (`ImageProduct`, maasservicelayer/simplestreams/models.py).
    Why: the fields were optional up to 3.7, and they matter for Ubuntu only.
    Fix: write `"subarch": "generic"` and `"subarches": "generic"` into the product. For Ubuntu,
        write the kernel that the product holds: `"subarch": "ga-24.04"` and `"subarches":
        "generic,ga-24.04"`.
    Example:
        "release_title": "9",
        "version": "9",
    """
    product = cut(event.place, "product")
    missing = [f for f in ("subarch", "subarches") if _nowhere(f, product, look)]
    yield Said(
        f"product {quoted(product.product or '')} has no {' and no '.join(map(quoted, missing))}",
        f"write {' and '.join(map(quoted, missing))} into the product: `generic`, or for Ubuntu "
        "the kernel, such as `ga-24.04`",
    )


@rule("MSL436", Severity.FATAL)
def missing_version(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `version`.

    MAAS: up to 3.7 MAAS does not need it. MAAS then takes an Ubuntu product for the `generic`
        kernel only if no earlier product claims that (`RepoDumper.insert_item`,
        import_images/download_descriptions.py). MAAS 3.8 discards the whole source (`ImageProduct`,
        maasservicelayer/simplestreams/models.py).
    Why: this is the version of the operating system, `24.04` or `9`. It is not the version of the
        build, which is the key under `versions`.
    Fix: write the version into the product, in quotes.
    Example:
        "subarch": "generic",
        "subarches": "generic",
        "versions": {
    """
    yield _missing("version", 'write the system\'s version, such as `"24.04"`', event, look)


@rule(
    "MSL437",
    Severity.UNUSABLE,
    on="product",
    among=lambda look: _without_kflavor(look),
)
def missing_kflavor(product: Product, look: Look) -> Iterator[Said]:
    """An Ubuntu product with a `ga-` or `hwe-` kernel has no `kflavor`.

    MAAS: deploys it only to machines without a minimum kernel, because MAAS looks for a minimum
        kernel among kernels of one flavour (`get_working_kernel`, up to 3.3 `validate_hwe_kernel`,
        maasserver/utils/osystems.py). Up to 3.3 a machine without a chosen kernel needs a kernel of
        flavour `generic`, and a rack has nothing to commission with (`insert_item`,
        provisioningserver/import_images/download_resources.py). 3.8 appends the missing flavour as
        `None` to the kernel's name: `ga-24.04-None` (`_from_simplestreams_multi_file_product`,
        maasservicelayer/builders/bootresources.py).
    Why: the field is optional in the model of MAAS 3.8, but later steps need it.
    Fix: write `"kflavor": "generic"`, or the flavour that the kernel has, into the product itself.
    Example:
        "com.example.maas:v3:boot:24.04:amd64:ga-24.04": {
         "arch": "amd64",
         "krel": "noble",
    """
    if product.raw.get("kflavor") is not None or not product.ubuntu:
        return
    subarch = product.raw.get("subarch")
    if not isinstance(subarch, str) or not ("ga-" in subarch or "hwe-" in subarch):
        return
    if product.newest is None or product.newest.ftypes.keys().isdisjoint(look.kernels):
        return
    useless, takes = look.unusable(product.place), look.takes(product.place)
    above = product.get("kflavor") is not None  # where only the legacy engine sees it
    takes = tuple(n for n in takes if not above or n in look.where(lambda r: r.strict))
    said = Said(
        f"product {quoted(product.name)} has no `kflavor`, expected one beside `{subarch}`",
        'write `"kflavor": "generic"` into the product',
        lines=tuple(line for line in takes if line in useless),
        effect="neither commissions machines with it nor chooses its kernel by itself",
    )
    yield said
    yield said._replace(
        lines=tuple(line for line in takes if line not in useless),
        severity=Severity.WARNING,
        effect="deploys it only to machines without a minimum kernel",
    )


def _without_kflavor(look: Look) -> list[Product]:
    """The Ubuntu products that do not have a flavour themselves."""
    ubuntu = look.catalog.that_are(lambda nature: nature.ubuntu)
    return [product for product in ubuntu if product.raw.get("kflavor") is None]


@rule("MSL438", Severity.FATAL)
def field_below_product(event: Event, look: Look) -> Iterator[Said]:
    """A field that belongs in the product is in the file, a version or an item.

    MAAS: up to 3.7 MAAS merges the fields of all levels and accepts it. MAAS 3.8 merges nothing,
        does not find the field in the product and discards the whole source (`Product`,
        maasservicelayer/simplestreams/models.py).
    Why: the simplestreams tools move a field up to the level where all its values are equal
        (`products_condense`). They move it down again if two versions have different values.
    Fix: write the field into each product. If the versions of one product have different values,
        make two products of them.
    Example:
        "versions": {
         "20261015_01": {
          "label": "stable",
    """
    field, level = str(event.values["field"]), event.values["level"]
    where = Place(event.place.file, (field,)) if level == "file" else None
    yield Said(
        f"`{field}` is in the {level}, expected it in product {quoted(event.place.product or '')}",
        f"write `{field}` into the product itself",
        also=(where or _below(field, event.place, look),),
    )


def _missing(field: str, remedy: str, event: Event, look: Look) -> Said:
    product = cut(event.place, "product")
    at = product.below(field)
    value = value_at(look, at)
    if value is not None:  # up to 3.7, what is no text or number is as good as missing
        return Said(f"`{field}` is {kind(value)}, expected text", remedy, at)
    return Said(f"product {quoted(product.product or '')} has no `{field}`", remedy, product)


def _below(field: str, product: Place, look: Look) -> Place:
    """The place of the first version or item that has a field."""
    for vername, version in _members(value_at(look, product.below("versions"))):
        at = product.below("versions", vername)
        if isinstance(version.get(field), str):
            return at.below(field)
        for key, item in _members(version.get("items")):
            if isinstance(item.get(field), str):
                return at.below("items", key, field)
    return product


def _nowhere(field: str, product: Place, look: Look) -> bool:
    """Whether neither a product nor another level of it has a field."""
    inside = value_at(look, product.below(field)) is not None
    above = isinstance(value_at(look, Place(product.file, (field,))), str)
    return not inside and not above and _below(field, product, look) == product


def _members(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, v) for name, v in value.items() if isinstance(v, dict))
