"""Rules on products that MAAS does not tell apart, so that one hides or replaces the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import MANY, listed
from maas_stream_lint.finding import Severity
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.trace import Event
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Whole
    from maas_stream_lint.rulebook import Release

#: What MAAS says where it expects one boot resource (`get_boot_filenames`, maasserver/rpc/boot.py).
SEVERAL = "get() returned more than one BootResource -- it returned {count}!"


@rule("MSL413", Severity.IGNORED, at="product")
def duplicate_tuple(event: Event, look: Look) -> Iterator[Said]:
    """MAAS imports only one of two products that it does not tell apart.

    MAAS: MAAS 2.9 to 3.7 lists each product by os, release, arch, label, kflavor and each of its
        subarches (`RepoDumper.insert_item`, import_images/download_descriptions.py). If two
        products claim the same entry, the later product in the stream gets the entry of its own
        `subarch`. The earlier product keeps the entries of its other `subarches`. MAAS does not
        import a product without an entry, and logs nothing. If both products have the same name and
        `content_id`, MAAS imports this product only in the version of the other product. MAAS 3.8
        makes one boot resource of both (MSL414).
    Why: the name of the product does not count, so two names do not make two images.
    Fix: remove one of the two products. Or give them different `label`, `release` or `subarch`.
    Example:
        "com.example.maas:v3:boot:24.04:amd64:ga-24.04:rebuilt": {
    """
    place: Place = event.values["place"]
    instead = event.values.get("instead")
    this = "not this one" if instead is None else f"only version {quoted(instead)} of this one"
    yield Said(
        f"{_named(place, event.place)} has the same os, release, arch, label, kflavor and "
        f"subarches as {_named(event.place, place)}",
        "remove one of the two, or give them different `release`, `label` or `subarch`",
        also=(place._replace(path=place.path[:2]),),
        effect=f"imports the other product and {this}, and logs nothing",
    )


@rule("MSL414", Severity.UNUSABLE, on="stream")
def same_resource_twice(whole: Whole, look: Look) -> Iterator[Said]:
    """Two products replace each other at every import, because MAAS makes one image of them.

    MAAS: a boot resource is `os/release` for `arch/subarch`, and the subarch includes the kernel
        flavour (`get_or_create_boot_resource`, maasserver/bootresources.py; MAAS 3.8:
        `BootResourceBuilder.from_simplestreams_product`,
        maasservicelayer/builders/bootresources.py). From 3.6 on MAAS also compares the product's
        `version`. It does not compare the `label`: `stable` and `candidate` of one image are one
        boot resource. Each import deletes the files of one product and downloads those of the
        other. If both versions have the same name, the files of the later product replace those of
        the earlier one.
    Why: the order of the stream decides which of the two a machine gets, and each import changes
        the image.
    Fix: publish one of the two products here and the other one in a source of its own. Or give them
        different `release` or `subarch`.
    Example:
        "label": "candidate",
    """
    found: dict[tuple[str, str, tuple[Product, ...]], list[str]] = {}
    for release, name, architecture, products in look.twins:
        versions: dict[str | None, list[Product]] = {}
        for product in products:
            version = product.get("version") if _tells_versions_apart(release) else None
            versions.setdefault(version, []).append(product)
        for alike in versions.values():
            if len(alike) > 1:
                found.setdefault((name, architecture, tuple(alike)), []).append(release.line)
    for (name, architecture, doubles), lines in found.items():
        places = [product.place for product in doubles]
        others = f" (and {len(places) - 2:,} more)" if len(places) > 2 else ""
        same = len({_content(product) for product in doubles}) == 1
        yield Said(
            f"{_named(places[0], places[-1])} and {_named(places[-1], places[0])}{others} are both "
            f"{quoted(name)} for {quoted(architecture)}",
            "keep one of them in this source, or give them different `release` or `subarch`",
            place=places[-1],
            also=tuple(places[:MANY]),
            lines=tuple(lines),
            severity=Severity.WARNING if same else Severity.UNUSABLE,
            effect="makes one image of them; their files are the same, so nothing is lost"
            if same
            else "makes one image of them; each import replaces the files of one by the other's",
        )


@rule("MSL415", Severity.UNUSABLE, on="stream")
def alias_conflict(whole: Whole, look: Look) -> Iterator[Said]:
    """One os, release, arch and subarch has products with different `version`s.

    MAAS: from 3.6 on MAAS also tells boot resources apart by the product's `version` (as `alias`,
        maasserver/models/bootresource.py; MAAS 3.8: maasservicelayer/builders/bootresources.py),
        but MAAS still looks for them without the `version`. So it makes two boot resources with one
        name. When a machine boots, MAAS expects one and fails with `get() returned more than one
        BootResource` (`_get_files_map`, maasserver/rpc/boot.py). Up to 3.5 both products make one
        boot resource (MSL414).
    Why: `version` is another name of `release` (`24.04` for `noble`), so all products of a release
        must have the same `version`.
    Fix: give all products of the release the same `version`. Write the number or date of a build
        into the name of the version below `versions`.
    Example:
        "version": "24.04.1",
    """
    found: dict[tuple[str, str, tuple[tuple[str | None, Place], ...]], list[str]] = {}
    for release, name, architecture, products in look.twins:
        if _tells_versions_apart(release):
            versions = {product.get("version"): product.at("version") for product in products}
            if len(versions) > 1:
                key = (name, architecture, tuple(versions.items()))
                found.setdefault(key, []).append(release.line)
    for (name, architecture, versions_at), lines in found.items():
        told = [version for version, _ in versions_at if version]
        more = "" if len(told) == len(versions_at) else " and none"
        unusable = set(look.unusable(versions_at[0][1]))
        said = Said(
            f"products of {quoted(name)} for {quoted(architecture)} have different `version`s: "
            f"{listed(told, 4)}{more}",
            "give all products of a release the same `version`",
            place=versions_at[-1][1],
            also=tuple(at for _, at in versions_at[:MANY]),
            lines=tuple(line for line in lines if line in unusable),
            effect="makes a boot resource for each, and then fails when a machine needs one",
            log=SEVERAL.format(count=len(versions_at)),
        )
        yield said
        yield said._replace(
            lines=tuple(line for line in lines if line not in unusable),
            severity=Severity.WARNING,
            effect="makes a boot resource for each, and deploys the one that it made first",
            log=None,
        )


def _named(place: Place, other: Place) -> str:
    """The product's name, and the file if another product has the same name."""
    file = f" of {quoted(place.file)}" if place.product == other.product else ""
    return quoted(place.product) + file


def _content(product: Product) -> frozenset[tuple[str, str | None, str | None]]:
    """What MAAS stores of a product: version, and the name and sha256 of each file."""
    newest = product.newest
    items = newest.items if newest is not None else []
    name = newest.name if newest is not None else ""
    return frozenset(
        (name, (item.path or "").rpartition("/")[2], item.get("sha256")) for item in items
    )


def _tells_versions_apart(release: Release) -> bool:
    return "alias" in release.policy("resource-key")
