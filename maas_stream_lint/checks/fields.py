"""Rules on a product's fields: missing ones, misplaced ones, and values that MAAS refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.among import saying
from maas_stream_lint.checks.words import MANY, kind, shown, value_at
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import WHOLE, quoted
from maas_stream_lint.rule import DEPTHS, Said, cut, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import File, Product, Whole
    from maas_stream_lint.rulebook import Release

BLANK = re.compile(r"\s")

#: What MAAS stores under one name, and the fields that it can come from.
SOURCES = {
    "release": ("release", "gadget_snap"),
    "kflavor": ("kflavor", "kernel_snap"),
    "subarch": ("subarch", "subarches"),
    "subarches": ("subarch", "subarches"),
    "title": ("os_title", "release_title", "gadget_title"),
    "os/release": ("os", "release", "gadget_snap", "bootloader-type"),
    "arch/subarch": ("arch", "subarch", "kflavor"),
    "file name": ("path",),
}
#: Those that are in the cache as well, which has the narrower columns.
CACHED = ("os/release", "arch/subarch", "kflavor", "label")


@rule("MSL430", Severity.FATAL)
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


@rule("MSL431", Severity.FATAL)
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
        yield Said("`release` is empty, expected a name", remedy, _holder("release", event, look))
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

    MAAS: up to 3.7 MAAS does not need it. An Ubuntu product is then the `generic` kernel only if no
        earlier product claims to be (`RepoDumper.insert_item`,
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
    among=lambda products, _: [p for p in products if p.raw.get("kflavor") is None],
)
def missing_kflavor(product: Product, look: Look) -> Iterator[Said]:
    """An Ubuntu product with a `ga-` or `hwe-` kernel has no `kflavor`.

    MAAS: deploys it, as long as the machine wants no least kernel: such a kernel is looked for
        among those of a flavour (`get_working_kernel`, up to 3.3 `validate_hwe_kernel`,
        maasserver/utils/osystems.py). Up to 3.3 any machine that nobody chose a kernel for needs
        one of flavour `generic`, and a rack has nothing to commission with (`insert_item`,
        provisioningserver/import_images/download_resources.py). 3.8 adds the text of nothing to
        the kernel's name: `ga-24.04-None` (`_from_simplestreams_multi_file_product`,
        maasservicelayer/builders/bootresources.py).
    Why: the field is optional in the model of 3.8, but not in what follows.
    Fix: write `"kflavor": "generic"` into the product itself, or the flavour that the kernel has.
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
    yield replace(
        said,
        lines=tuple(line for line in takes if line not in useless),
        severity=Severity.WARNING,
        effect="deploys it only to machines without a least kernel",
    )


@rule("MSL438", Severity.FATAL)
def field_below_product(event: Event, look: Look) -> Iterator[Said]:
    """A field that belongs into the product is in the file, a version or an item.

    MAAS: up to 3.7 MAAS merges the fields of all levels and accepts it. MAAS 3.8 merges nothing,
        does not find the field in the product and discards the whole source (`Product`,
        maasservicelayer/simplestreams/models.py).
    Why: the simplestreams tools move a field to the level where it is the same for all
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


@rule("MSL439", Severity.FATAL)
def number_instead_of_text(event: Event, look: Look) -> Iterator[Said]:
    """A field has a number, or another value that is not text.

    MAAS: up to 3.7 MAAS turns a number into text, and ignores a list or an object. MAAS 3.8 needs
        text and discards the whole source (maasservicelayer/simplestreams/models.py).
    Why: YAML turns `version: 24.04` into a number, and `version: 22.10` into 22.1.
    Fix: put the value in double quotes, here and in the file that the stream is made from.
    Example:
        "version": 9,
    """
    yield Said(
        f"`{event.values['field']}` is {kind(event.values['value'])}, "
        "expected text in double quotes",
        "put the value in double quotes, here and in the file that the stream is made from",
    )


@rule("MSL440", Severity.FATAL, on="stream", causes=["slash-in-name"], at="product")
def slash_in_name(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """An `os`, `release`, `arch` or `subarch` contains a slash.

    MAAS: MAAS names an image `OS/RELEASE` and `ARCH/SUBARCH`, and later splits the name at its
        slashes: `ValueError: too many values to unpack` (`get_resource_identity`,
        maasserver/bootresources.py). Up to 3.4 the first import can pass. Then every later import
        fails, of any source, until somebody deletes the image by hand. MAAS 3.5 to 3.7 fails at
        once. MAAS 3.8 fails the selection of the product (maasservicelayer/services/image_sync.py).
        If the `arch` has a slash, it looks for the part before the slash: `AssertionError: No
        suitable selection found for boot resource`.
    Why: an uploaded image is called `custom/web`, but `release` is only the part after the slash.
    Fix: write a dash instead of the slash.
    Example:
        "release": "rhel9/web",
    """
    if isinstance(seen, Event):
        yield _slashed(cut(seen.place, "product"), look)
        return
    slashed = [
        product
        for product in _saying_slash(look.catalog.products, look)
        if any("/" in name for name in _names(product)) and product.image
    ]
    for trace in look.traces if slashed else ():
        told = {cut(e.place, "product") for e in trace.events if e.cause == "slash-in-name"}
        taken = {Place(i.file, ("products", i.product)) for i in trace.imported}
        for product in slashed:
            if trace.strict or product.place not in taken or product.place in told:
                continue
            late = look.where(lambda r: r.policy("splits-identity") != "always")
            said = _slashed(product.place, look)
            yield Said(
                said.message,
                said.remedy,
                said.place,
                lines=tuple(line for line in trace.lines if line in late),
                severity=Severity.UNUSABLE,
                effect="imports the image once; every later import fails, of any source",
            )


@rule("MSL441", Severity.FATAL, causes=["too-long-for-cache", "too-long-to-store"])
def too_long_for_cache(event: Event, look: Look) -> Iterator[Said]:
    """A field is longer than its column in MAAS's database.

    MAAS: MAAS has 32 characters for `os`, `arch`, `subarch`, `kflavor`, `release`, `label` and
        `bootloader-type`, on 3.8 also for the version's name. It has 255 for titles and file names,
        and 64 for `sha256` (maasserver/models/bootsourcecache.py and bootresource*.py;
        maasservicelayer/db/tables.py). A longer text is a database error. Up to 3.7 the error stops
        the whole import. On MAAS 3.8 the error rolls back the lists of images of *every* source,
        and MAAS shows no notification. A file's text that is too long fails the selection there.
    Why: MAAS refuses the image when it lists it, before anybody selects it. Names that a build
        makes of branch and commit grow over time.
    Fix: shorten the text. `os` and `release` have room for 20 characters only if somebody selects
        the image (MSL442).
    Example:
        "release": "rhel9-web-frontend-with-monitoring",
    """
    width = int(event.values["width"])
    column, whole = str(event.values["field"]), str(event.values["value"])
    if column in CACHED:
        width = min((r.limit("cache-key") or width for r in look.releases), default=width)
    subject, place, value = _blamed(event, look, lambda text: len(text) > width)
    if column == "version":  # stored together with the os
        width -= len(whole) - len(value)
    yield Said(
        f"{subject} is {len(value):,} characters long, expected {width:,} at most",
        f"shorten it to {width:,} characters",
        place=place,
    )


@rule(
    "MSL442",
    Severity.UNUSABLE,
    on="product",
    among=lambda products, look: _long(products, look),
)
def too_long_to_select(product: Product, look: Look) -> Iterator[Said]:
    """Nobody can select an image whose `os` or `release` has more than 20 characters.

    MAAS: MAAS lists the image. It stores the selection of an image in two columns of 20 characters,
        so the selection ends with an error (maasserver/models/bootsourceselection.py; MAAS 3.8:
        `BootSourceSelectionTable`, maasservicelayer/db/tables.py).
    Why: the column of listed images is wider than the column of selected images.
    Fix: shorten the text to 20 characters.
    Example:
        "release": "rhel9-web-frontend-v2",
    """
    for field, value in (("os", product.os), ("release", product.get("release") or "")):
        size = len(value)
        if size <= look.least("selection"):
            continue
        lines = look.where(partial(_listed_alone, size))
        if lines and product.image:
            room = min(r.limit("selection") or 0 for r in look.releases if r.line in lines)
            yield Said(
                f"{quoted(value)} in `{field}` is {size} characters long, expected {room} at most",
                f"shorten it to {room} characters",
                place=product.at(field),
                lines=lines,
                effect="lists the image, but fails when somebody selects it",
            )


@rule("MSL443", Severity.FATAL, causes=["nul-in-text", "lone-surrogate-stored"])
def nul_in_text(event: Event, look: Look) -> Iterator[Said]:
    r"""A text that MAAS stores contains a zero character or half a character.

    MAAS: PostgreSQL accepts neither `\u0000` nor a surrogate like `\ud83d` without its other half.
        Up to 3.7 the error stops the whole import if the line stores the field
        (maasserver/models/bootsourcecache.py, bootresource.py). MAAS 3.8 stores the whole file.
        Such a text in any field that it knows rolls back the lists of images of *every* source, and
        MAAS shows no notification (maasservicelayer/services/image_manifests.py).
    Why: JSON can hold these characters as escapes, so nothing objects before the database. They
        come from binary data, or from a text that was cut in the middle of an emoji.
    Fix: write the text without the character.
    Example:
        "release_title": "9\u0000",
    """
    nul = event.cause == "nul-in-text"
    subject, place, _ = _blamed(event, look, lambda text: "\0" in text if nul else _halved(text))
    yield Said(
        f"{subject} contains {'a zero character' if nul else 'half a character'}",
        "write the text without that character",
        place=place,
    )


@rule("MSL444", Severity.FATAL)
def rolling_not_boolean(event: Event, look: Look) -> Iterator[Said]:
    """`rolling` is not a boolean.

    MAAS: up to 3.7 MAAS accepts `true` and `false`, and the texts `True`, `False`, `t`, `f`, `1`
        and `0`. Any other value stops the whole import with a ValidationError
        (`BootResource.rolling`, maasserver/models/bootresource.py). MAAS 3.8 does not read it.
    Why: the text `true` in lower case is none of them.
    Fix: write `true` or `false` without quotes, or remove the field.
    Example:
        "rolling": "true",
    """
    place = _holder("rolling", event, look)
    value = value_at(look, place)
    what = f"the text {shown(value)}" if isinstance(value, str) and value else kind(value)
    yield Said(
        f"`rolling` is {what}, expected `true` or `false`",
        "write `true` or `false` without quotes, or remove the field",
        place=place,
    )


@rule("MSL445", Severity.FATAL)
def support_eol_format(event: Event, look: Look) -> Iterator[Said]:
    """`support_eol` is not a date like `2029-05-31`.

    MAAS: MAAS 2.9 to 3.2 stops the whole import for a value that Django does not read as a date,
        and for more values once it has listed the image. MAAS 3.3 to 3.7 stops for a value that
        `strptime` with `%Y-%m-%d` does not read (`_update_cache`, maasserver/bootsources.py). MAAS
        3.8 discards the whole source, also for `support_esm_eol` (`support_eol_validator`,
        maasservicelayer/simplestreams/models.py).
    Why: MAAS reads the date when it lists the image, whether anybody selects it or not.
    Fix: write year, month and day with dashes, or remove the field.
    Example:
        "support_eol": "31 May 2029",
    """
    field, place = str(event.place.path[-1]), event.place
    if not field.startswith("support_"):
        field, place = "support_eol", _holder("support_eol", event, look)
    value = event.values["value"] if "value" in event.values else event.values["support_eol"]
    yield Said(
        f"`{field}` is {shown(value)}, expected a date like `2029-05-31`",
        "write year, month and day with dashes, or remove the field",
        place=place,
    )


@rule("MSL446", Severity.WARNING, on="file")
def support_eol_passed(file: File, look: Look) -> Iterator[Said]:
    """An Ubuntu release in the stream is out of support.

    MAAS: MAAS still imports and deploys it. The date only decides which long-term release MAAS
        commissions with by default: the one with the longest support
        (`get_available_commissioning_resources`, maasserver/models/bootresource.py; MAAS 3.8:
        `get_available_lts_releases`, maasservicelayer/db/repositories/bootsourcecache.py).
    Why: such an image gets no more security updates. If the product has `support_esm_eol`, the
        later of the two dates counts.
    Fix: remove the product when nobody deploys it any more, or correct the date.
    Example:
        "support_eol": "2019-04-25",
    """
    today = date.today()
    old: dict[tuple[str, date], list[Product]] = {}
    for product in file.products:
        ends = [_date(product.raw.get(f)) for f in ("support_eol", "support_esm_eol")]
        end = max((e for e in ends if e is not None), default=today)
        if end < today and product.ubuntu:
            old.setdefault((product.get("release") or "", end), []).append(product)
    for (release, end), products in old.items():
        yield Said(
            f"support of Ubuntu {quoted(release)} ended on {end.isoformat()}",
            "remove it when nobody deploys it any more, or correct `support_eol`",
            place=products[0].at("support_eol"),
            also=tuple(p.at("support_eol") for p in products[1:MANY]),
            effect="still imports and deploys it",
        )


@rule("MSL447", Severity.IGNORED, at="product")
def identity_overridden(event: Event, look: Look) -> Iterator[Said]:
    """MAAS does not import a product because an item has a name of its own.

    MAAS: up to 3.7 MAAS merges the fields of product, version and item, and the item's fields win.
        So `content_id`, `product_name` or `version_name` in an item hide the true values. The
        second pass looks for a product or version of that name, finds none, and imports nothing of
        the product. It logs nothing (`ProductMapping`, import_images/product_mapping.py;
        `BootResourceRepoWriter.filter_version`, maasserver/bootresources.py). MAAS 3.8 does not
        read them there.
    Why: the library adds these three names itself. A tool that saves merged items writes them into
        the file.
    Fix: delete the member from the item.
    Example:
        "version_name": "20260101_01",
    """
    item = value_at(look, event.place)
    names = item if isinstance(item, dict) else {}
    field = next((f for f in ("version_name", "product_name", "content_id") if f in names), None)
    yield Said(
        f"the item's own {quoted(field or 'name')} {shown(names.get(field))} hides the true one",
        "delete the member from all items of the product",
        place=event.place.below(field) if field else event.place,
        also=(cut(event.place, "product"),),
    )


@rule("MSL448", Severity.IGNORED)
def maas_supported_newer(event: Event, look: Look) -> Iterator[Said]:
    """`maas_supported` asks for a newer MAAS.

    MAAS: up to 3.7 MAAS ignores the product and logs `Ignoring …, requires a newer version of
        MAAS(…)` (`BootResourceRepoWriter.insert_item`, maasserver/bootresources.py). MAAS 3.8 does
        not read the field.
    Why: the field exists to hide an image from releases that cannot use it. This is a finding
        because MAAS does not have the image.
    Fix: do nothing if that is intended. Otherwise lower the version, or remove the field.
    Example:
        "maas_supported": "3.6",
    """
    value = event.values["maas_supported"]
    yield Said(
        f"`maas_supported` is {shown(value)}, which is newer than this MAAS",
        "do nothing if older releases must not have the image; otherwise lower or remove the field",
        place=_holder("maas_supported", event, look),
    )


@rule("MSL449", Severity.FATAL)
def maas_supported_unparsable(event: Event, look: Look) -> Iterator[Said]:
    """`maas_supported` is not a version.

    MAAS: up to 3.5 MAAS accepts any text, and takes a text that is no version for older than all
        versions. MAAS 3.6 and 3.7 stop the whole import with `InvalidVersion`
        (`BootResourceRepoWriter.insert_item`, maasserver/bootresources.py). MAAS 3.8 does not read
        the field.
    Why: people understand `3.5+` or `>=3.5`, but only `3.5` is a version (PEP 440).
    Fix: write the version alone, or remove the field.
    Example:
        "maas_supported": "3.5+",
    """
    yield Said(
        f"`maas_supported` is {shown(event.values['maas_supported'])}, "
        f"expected a version like `{look.lines[0]}`",
        "write the version alone, or remove the field",
        place=_holder("maas_supported", event, look),
    )


@rule(
    "MSL450",
    Severity.WARNING,
    on="product",
    among=saying("subarches", odd=lambda text: text is not None and BLANK.search(text) is not None),
)
def subarches_spaces(product: Product, look: Look) -> Iterator[Said]:
    """`subarches` contains spaces.

    MAAS: every release line splits the text at its commas and keeps the spaces. So MAAS lists a
        subarch ` ga-24.04`, which no machine and no selection has (`RepoDumper.insert_item`,
        import_images/download_descriptions.py; MAAS 3.8:
        maasservicelayer/builders/bootsourcecache.py).
    Why: the field looks like a list that a person writes, but it is one text.
    Fix: remove the spaces: `generic,ga-24.04`.
    Example:
        "subarches": "generic, ga-24.04",
    """
    subarches = product.raw.get("subarches")
    if not isinstance(subarches, str) or not BLANK.search(subarches) or not product.image:
        return
    yield Said(
        f"`subarches` is {quoted(subarches)}, expected no spaces in it",
        f"write {quoted(','.join(part.strip() for part in subarches.split(',')), WHOLE)}",
        place=product.at("subarches"),
        effect="lists a subarch with a space in its name, which no machine has",
    )


def _missing(field: str, remedy: str, event: Event, look: Look) -> Said:
    product = cut(event.place, "product")
    at = product.below(field)
    value = value_at(look, at)
    if value is not None:  # up to 3.7, what is no text or number is as good as missing
        return Said(f"`{field}` is {kind(value)}, expected text", remedy, at)
    return Said(f"product {quoted(product.product or '')} has no `{field}`", remedy, product)


def _holder(field: str, event: Event, look: Look) -> Place:
    """The place of a merged field: in item, version or product, else the product."""
    for level in ("item", "version", "product"):
        if len(event.place.path) >= DEPTHS[level]:
            place = cut(event.place, level)
            raw = value_at(look, place)
            if isinstance(raw, dict) and isinstance(raw.get(field), (str, int, float)):
                return place.below(field)
    return cut(event.place, "product")


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


def _long(products: Sequence[Product], look: Look) -> list[Product]:
    """The products with an os or release that some release line may not take."""
    columns = [look.catalog.column(field) for field in ("os", "release")]
    longest = [max(len(text or "") for text in texts) for texts in zip(*columns, strict=True)]
    least = look.least("selection")
    return [p for p, length in zip(products, longest, strict=True) if length > least]


_saying_slash = saying(
    *("os", "release", "arch", "subarch"),
    odd=lambda *texts: any("/" in text for text in texts if text is not None),
)


def _names(product: Product) -> list[str]:
    names = [product.raw.get(field) for field in ("os", "release", "arch", "subarch")]
    return [name if isinstance(name, str) else "" for name in names]


def _slashed(product: Place, look: Look) -> Said:
    for field in ("os", "release", "arch", "subarch"):
        value = value_at(look, product.below(field))
        if isinstance(value, str) and "/" in value:
            return Said(
                f"`{field}` is {quoted(value)}, expected it without a slash",
                "write a dash instead of the slash",
                product.below(field),
            )
    return Said(
        "the image's name has more than one slash, expected `os/release`",
        "write dashes instead of slashes in `os`, `release`, `arch` and `subarch`",
        product,
    )


def _blamed(event: Event, look: Look, guilty: Callable[[str], bool]) -> tuple[str, Place, str]:
    """The text that the database refuses, as a message names it; its place; the text itself."""
    column, whole = str(event.values["field"]), str(event.values["value"])
    if column == "version name" or (event.place.path and whole == event.place.path[-1]):
        version = event.place
        if column == "version name":
            version = cut(event.place, "version")
            if version.version is None:
                version = version.below("versions", whole)
        return f"the name {quoted(whole)}", version, whole
    if event.place.path[-1:] == (column,):
        return f"{quoted(whole)} in `{column}`", event.place, whole
    for field in SOURCES.get(column, (column,)):
        place = _holder(field, event, look)
        value = value_at(look, place) if place.path[-1:] == (field,) else None
        if isinstance(value, str):
            parts = value.split(",") if field == "subarches" else [value]
            parts = value.split("/")[-1:] if field == "path" else parts
            part = next((p for p in parts if guilty(p)), None)
            if part is not None:
                return f"{quoted(part)} in `{field}`", place, part
    at = event.place if len(event.place.path) < 2 else _holder(column, event, look)
    return f"{quoted(whole)} in `{column}`", at, whole


def _listed_alone(size: int, release: Release) -> bool:
    """Whether a release can list an os or release of that length, but not store its selection."""
    listed = release.limit("cache-key") or size
    return (release.limit("selection") or size) < size <= listed


def _halved(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def _date(value: Any) -> date | None:
    return _day(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
