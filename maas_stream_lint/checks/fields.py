"""Rules on a product's fields: those that are missing, misplaced, or hold what MAAS can't take."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from maas_stream_lint.checks.words import kind, shown, value_at
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.imports.trace import Event
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import DEPTHS, Said, cut, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import File, Product, Whole
    from maas_stream_lint.rulebook import Release

#: How many further places a finding lists.
MOST = 100

BLANK = re.compile(r"\s")

#: What MAAS stores under one name, and the fields it may have come from.
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
#: Those of them that are in the cache as well, which is the narrower.
CACHED = ("os/release", "arch/subarch", "kflavor", "label")


@rule("MSL430", Severity.FATAL)
def missing_arch(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `arch`.

    MAAS: up to 3.7 merges the fields of file, product, version and item, and stops the whole import
        with `KeyError: 'arch'` if none has it (`RepoDumper.insert_item`,
        import_images/download_descriptions.py). 3.8 wants it in the product itself and discards the
        whole source (`Product`, maasservicelayer/simplestreams/models.py).
    Why: MAAS boots a machine with what fits its architecture, so no image can be without one. The
        exception does not say which product it is about.
    Fix: write `amd64`, `arm64`, `armhf`, `i386`, `ppc64el`, `riscv64` or `s390x` into the product.
    Example:
        "com.example.maas:rhel-bases:9:amd64": {
         "label": "stable",
    """
    yield _missing("arch", "write the product's architecture, such as `amd64`", event, look)


@rule("MSL431", Severity.FATAL)
def missing_label(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `label`.

    MAAS: up to 3.7 stops the whole import with `KeyError: 'label'` if neither file, product,
        version nor item has it (`RepoDumper.insert_item`, import_images/download_descriptions.py).
        3.8 wants it in the product itself and discards the whole source (`Product`,
        maasservicelayer/simplestreams/models.py).
    Why: the label, `stable` or `candidate`, is part of what MAAS tells images apart by.
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

    MAAS: up to 3.7 stops the whole import with `KeyError: 'release'`, or for an empty one of Ubuntu
        with an IndexError (`RepoDumper.insert_item`, import_images/download_descriptions.py). 3.8
        wants it in the product itself and discards the whole source (`ImageProduct`,
        maasservicelayer/simplestreams/models.py).
    Why: os and release together are an image's name: `rhel/rhel9`.
    Fix: write the release into the product: the codename for Ubuntu (`noble`), for others the name
        that you will deploy it by (`rhel9`).
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


@rule("MSL433", Severity.FATAL, on="product", causes=["missing-os"])
def missing_os(seen: Event | Product, look: Look) -> Iterator[Said]:
    """A product has no `os`.

    MAAS: up to 3.7 takes it for Ubuntu, and skips the check of its name, which looks for `os`
        itself (`get_os_from_product` and `validate_product`,
        import_images/download_descriptions.py): a RHEL image is then offered as Ubuntu. 3.8
        discards the whole source (`Product`, maasservicelayer/simplestreams/models.py).
    Why: the oldest Ubuntu streams had no `os`, so the default stayed.
    Fix: write `"os": "ubuntu"`, or what it is, into the product.
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
            lines=look.where(lambda r: not r.strict and not r.names["ubuntu"].search(seen.name)),
            severity=Severity.WARNING,
            effect="takes it for Ubuntu",
        )


@rule("MSL434", Severity.FATAL)
def missing_release_title(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `release_title`.

    MAAS: up to 3.7 makes up a title of its own. 3.8 discards the whole source (`ImageProduct`,
        maasservicelayer/simplestreams/models.py), although it shows the title almost nowhere.
    Why: the field was optional for ten years, and `meph2-import` writes none for its CentOS
        streams.
    Fix: write a title into the product, `24.04 LTS` for Ubuntu, else what a person would call the
        release.
    Example:
        "release": "rhel9",
        "subarch": "generic",
    """
    yield _missing("release_title", "write a title, such as `24.04 LTS` or `9`", event, look)


@rule("MSL435", Severity.FATAL, causes=["missing-subarch", "missing-subarches"], at="product")
def missing_subarch(event: Event, look: Look) -> Iterator[Said]:
    """A product has no `subarch` or no `subarches`.

    MAAS: up to 3.7 takes both as `generic`. 3.8 discards the whole source (`ImageProduct`,
        maasservicelayer/simplestreams/models.py).
    Why: the fields were optional for ten years, and have no meaning for anything but Ubuntu.
    Fix: write `"subarch": "generic"` and `"subarches": "generic"` into the product. For Ubuntu,
        write the kernel that is in it: `"subarch": "ga-24.04"` and
        `"subarches": "generic,ga-24.04"`.
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

    MAAS: up to 3.7 does without; an Ubuntu product is the `generic` kernel then only if no product
        before it claims to be (`RepoDumper.insert_item`,
        import_images/download_descriptions.py). 3.8 discards the whole source (`ImageProduct`,
        maasservicelayer/simplestreams/models.py).
    Why: this is the version of the operating system, `24.04` or `9`, not that of the build, which
        is the key under `versions`.
    Fix: write it into the product, in quotes.
    Example:
        "subarch": "generic",
        "subarches": "generic",
        "versions": {
    """
    yield _missing("version", 'write the system\'s version, such as `"24.04"`', event, look)


@rule("MSL437", Severity.UNUSABLE, on="product")
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
    """A field that belongs into the product stands in the file, a version or an item.

    MAAS: up to 3.7 merges the fields of all levels, so it does not mind. 3.8 merges nothing, misses
        the field in the product and discards the whole source (`Product`,
        maasservicelayer/simplestreams/models.py).
    Why: the simplestreams tools move a field to the level at which it is the same for all
        (`products_condense`), and down again where two versions differ in it.
    Fix: write the field into each product. Where versions of one product differ in it, make them
        two products.
    Example:
        "versions": {
         "20261015_01": {
          "label": "stable",
    """
    field, level = str(event.values["field"]), event.values["level"]
    where = Place(event.place.file, (field,)) if level == "file" else None
    yield Said(
        f"`{field}` stands in the {level}, expected it in product "
        f"{quoted(event.place.product or '')}",
        f"write `{field}` into the product itself",
        also=(where or _below(field, event.place, look),),
    )


@rule("MSL439", Severity.FATAL)
def number_instead_of_text(event: Event, look: Look) -> Iterator[Said]:
    """A field holds a number, or something else that is no text.

    MAAS: up to 3.7 makes a number into text, and overlooks a list or an object. 3.8 wants text and
        discards the whole source (maasservicelayer/simplestreams/models.py).
    Why: YAML turns `version: 24.04` into a number, and `version: 22.10` into 22.1 at that.
    Fix: put the value in double quotes, here and in what the stream is made from.
    Example:
        "version": 9,
    """
    yield Said(
        f"`{event.values['field']}` is {kind(event.values['value'])}, "
        "expected text in double quotes",
        "put the value in double quotes, also in what the stream is made from",
    )


@rule("MSL440", Severity.FATAL, on="stream", causes=["slash-in-name"], at="product")
def slash_in_name(seen: Event | Whole, look: Look) -> Iterator[Said]:
    """An `os`, `release`, `arch` or `subarch` has a slash in it.

    MAAS: names an image `OS/RELEASE` and `ARCH/SUBARCH`, and takes that apart at its slashes:
        `ValueError: too many values to unpack` (`get_resource_identity`,
        maasserver/bootresources.py). Up to 3.4 the first import may still pass; then every later
        one fails, of any source, until the image is deleted by hand. 3.5 to 3.7 fail at once. 3.8
        gives up the selection that the product is in (maasservicelayer/services/image_sync.py); of
        an `arch` with a slash it looks for the part before it:
        `AssertionError: No suitable selection found for boot resource`.
    Why: `custom/web` is how an uploaded image is called, but `release` is only the part behind the
        slash.
    Fix: use a dash instead.
    Example:
        "release": "rhel9/web",
    """
    if isinstance(seen, Event):
        yield _slashed(cut(seen.place, "product"), look)
        return
    slashed = [p for p in look.catalog.products if any("/" in n for n in _names(p)) and p.image]
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
                effect="imports it once, but every later import fails, of any source",
            )


@rule("MSL441", Severity.FATAL, causes=["too-long-for-cache", "too-long-to-store"])
def too_long_for_cache(event: Event, look: Look) -> Iterator[Said]:
    """A field is longer than MAAS's database has room for.

    MAAS: has 32 characters for `os`, `arch`, `subarch`, `kflavor`, `release`, `label` and
        `bootloader-type`, 3.8 also for the version's name; 255 for titles and file names; 64 for
        `sha256` (maasserver/models/bootsourcecache.py and bootresource*.py;
        maasservicelayer/db/tables.py). A longer text is a database error, which up to 3.7 stops the
        whole import, and on 3.8 discards the source or gives up the selection.
    Why: the image is refused as it is listed, long before anybody selects it. Names that a build
        makes of branch and commit grow unseen.
    Fix: shorten it. Beware of 20 characters for `os` and `release` (MSL442).
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


@rule("MSL442", Severity.UNUSABLE, on="product")
def too_long_to_select(product: Product, look: Look) -> Iterator[Said]:
    """An `os` or `release` has more than 20 characters, so it can't be selected.

    MAAS: lists the image, but stores the choice of an image in two columns of 20 characters, so
        that choosing it ends in an error (maasserver/models/bootsourceselection.py; 3.8:
        `BootSourceSelectionTable`, maasservicelayer/db/tables.py).
    Why: the column that lists images is wider than the one that selects them.
    Fix: shorten it to 20 characters.
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
                effect="lists it, but fails when it is selected",
            )


@rule("MSL443", Severity.FATAL, causes=["nul-in-text", "lone-surrogate-stored"])
def nul_in_text(event: Event, look: Look) -> Iterator[Said]:
    r"""A text that MAAS stores holds a zero character or half a character.

    MAAS: PostgreSQL takes neither `\u0000` nor a surrogate like `\ud83d` without its other half. Up
        to 3.7 the error stops the whole import, in a field that the line stores
        (maasserver/models/bootsourcecache.py, bootresource.py). 3.8 stores the file as it is, so
        any field that it knows discards the whole source
        (maasservicelayer/services/image_manifests.py).
    Why: JSON may hold these as escapes, so nothing before the database objects. They come of binary
        data, or of a text that was cut in the middle of an emoji.
    Fix: write the text without it.
    Example:
        "release_title": "9\u0000",
    """
    nul = event.cause == "nul-in-text"
    subject, place, _ = _blamed(event, look, lambda text: "\0" in text if nul else _halved(text))
    yield Said(
        f"{subject} holds {'a zero character' if nul else 'half a character'}",
        "write the text without it",
        place=place,
    )


@rule("MSL444", Severity.FATAL)
def rolling_not_boolean(event: Event, look: Look) -> Iterator[Said]:
    """`rolling` is no boolean.

    MAAS: up to 3.7 stops the whole import with a ValidationError unless it is `true` or `false`, or
        one of the texts `True`, `False`, `t`, `f`, `1`, `0` (`BootResource.rolling`,
        maasserver/models/bootresource.py). 3.8 does not read it.
    Why: the text `true` in lower case is none of them.
    Fix: write `true` or `false` without quotes, or leave it out.
    Example:
        "rolling": "true",
    """
    place = _holder("rolling", event, look)
    value = value_at(look, place)
    what = f"the text {shown(value)}" if isinstance(value, str) and value else kind(value)
    yield Said(
        f"`rolling` is {what}, expected `true` or `false`",
        "write `true` or `false` without quotes, or leave it out",
        place=place,
    )


@rule("MSL445", Severity.FATAL)
def support_eol_format(event: Event, look: Look) -> Iterator[Said]:
    """`support_eol` is no date like `2029-05-31`.

    MAAS: 2.9 to 3.2 stop the whole import for what Django takes for no date, and for more once the
        image is listed; 3.3 to 3.7 for what `strptime` with `%Y-%m-%d` does not take
        (`_update_cache`, maasserver/bootsources.py). 3.8 discards the whole source
        (`support_eol_validator`, maasservicelayer/simplestreams/models.py), for `support_esm_eol`
        too.
    Why: the date is parsed as the image is listed, so it need not even be selected.
    Fix: write year, month and day with dashes, or leave the field out.
    Example:
        "support_eol": "31 May 2029",
    """
    field, place = str(event.place.path[-1]), event.place
    if not field.startswith("support_"):
        field, place = "support_eol", _holder("support_eol", event, look)
    value = event.values["value"] if "value" in event.values else event.values["support_eol"]
    yield Said(
        f"`{field}` is {shown(value)}, expected a date like `2029-05-31`",
        "write the date as year, month and day, or leave the field out",
        place=place,
    )


@rule("MSL446", Severity.WARNING, on="file")
def support_eol_passed(file: File, look: Look) -> Iterator[Said]:
    """An Ubuntu release in the stream is out of support.

    MAAS: imports and deploys it all the same; the date only decides which LTS release it takes for
        commissioning by default, the one supported longest
        (`get_available_commissioning_resources`, maasserver/models/bootresource.py; 3.8:
        `get_available_lts_releases`, maasservicelayer/db/repositories/bootsourcecache.py).
    Why: no more security updates come for such an image, so every machine deployed with it is born
        old. With `support_esm_eol` in the product, the later of the two dates counts.
    Fix: take the product out once nothing is deployed with it, or correct the date.
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
            "take it out once nothing is deployed with it, or correct `support_eol`",
            place=products[0].at("support_eol"),
            also=tuple(p.at("support_eol") for p in products[1:MOST]),
            effect="imports and deploys it all the same",
        )


@rule("MSL447", Severity.IGNORED, at="product")
def identity_overridden(event: Event, look: Look) -> Iterator[Said]:
    """An item has a `content_id`, `product_name` or `version_name` of its own.

    MAAS: up to 3.7 merges the fields of item, version and product, the item's last, so these hide
        the true ones. The second pass then looks for a product or version of that name, finds none,
        and imports nothing of the product, without a word (`ProductMapping`,
        import_images/product_mapping.py; `BootResourceRepoWriter.filter_version`,
        maasserver/bootresources.py). 3.8 does not read them there.
    Why: the three names are what the library adds itself; a tool that saves merged items writes
        them down.
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

    MAAS: up to 3.7 ignores the product and logs `Ignoring …, requires a newer version of MAAS(…)`
        (`BootResourceRepoWriter.insert_item`, maasserver/bootresources.py). 3.8 does not read the
        field.
    Why: this is what the field is for: an image that older releases can't use. It is a finding,
        because the image is missing from MAAS all the same.
    Fix: nothing, if that is meant; lower the version, or leave the field out, if it is not.
    Example:
        "maas_supported": "3.6",
    """
    value = event.values["maas_supported"]
    yield Said(
        f"`maas_supported` is {shown(value)}, which is newer than this MAAS",
        "lower `maas_supported`, or leave it out, unless older releases are not to have the image",
        place=_holder("maas_supported", event, look),
    )


@rule("MSL449", Severity.FATAL)
def maas_supported_unparsable(event: Event, look: Look) -> Iterator[Said]:
    """`maas_supported` is no version.

    MAAS: up to 3.5 takes any text, and what is no version for older than all. 3.6 and 3.7 stop the
        whole import with `InvalidVersion` (`BootResourceRepoWriter.insert_item`,
        maasserver/bootresources.py). 3.8 does not read the field.
    Why: `3.5+` or `>=3.5` says it well to a person, but only `3.5` is a version (PEP 440).
    Fix: write the bare version, or leave the field out.
    Example:
        "maas_supported": "3.5+",
    """
    yield Said(
        f"`maas_supported` is {shown(event.values['maas_supported'])}, "
        "expected a version like `3.5`",
        "write the bare version, or leave the field out",
        place=_holder("maas_supported", event, look),
    )


@rule("MSL450", Severity.WARNING, on="product")
def subarches_spaces(product: Product, look: Look) -> Iterator[Said]:
    """`subarches` has blanks in it.

    MAAS: every line splits it at the commas and keeps the blanks, so that it lists a subarch called
        ` ga-24.04`, which no machine and no selection has (`RepoDumper.insert_item`,
        import_images/download_descriptions.py; 3.8: maasservicelayer/builders/bootsourcecache.py).
    Why: it looks like a list that a person writes, but is one text.
    Fix: take the blanks out: `generic,ga-24.04`.
    Example:
        "subarches": "generic, ga-24.04",
    """
    subarches = product.raw.get("subarches")
    if not isinstance(subarches, str) or not BLANK.search(subarches) or not product.image:
        return
    yield Said(
        f"`subarches` is {quoted(subarches)}, expected it without blanks",
        f"write {quoted(','.join(part.strip() for part in subarches.split(',')))}",
        place=product.at("subarches"),
        effect="lists a subarch with a blank in its name, which no machine has",
    )


def _missing(field: str, remedy: str, event: Event, look: Look) -> Said:
    product = cut(event.place, "product")
    at = product.below(field)
    value = value_at(look, at)
    if value is not None:  # up to 3.7, what is no text or number is as good as missing
        return Said(f"`{field}` is {kind(value)}, expected text", remedy, at)
    return Said(f"product {quoted(product.product or '')} has no `{field}`", remedy, product)


def _holder(field: str, event: Event, look: Look) -> Place:
    """Where a merged field stands: in item, version or product, else the product."""
    for level in ("item", "version", "product"):
        if len(event.place.path) >= DEPTHS[level]:
            place = cut(event.place, level)
            raw = value_at(look, place)
            if isinstance(raw, dict) and isinstance(raw.get(field), (str, int, float)):
                return place.below(field)
    return cut(event.place, "product")


def _below(field: str, product: Place, look: Look) -> Place:
    """Where the first version or item stands that has a field."""
    for vername, version in _members(value_at(look, product.below("versions"))):
        at = product.below("versions", vername)
        if isinstance(version.get(field), str):
            return at.below(field)
        for key, item in _members(version.get("items")):
            if isinstance(item.get(field), str):
                return at.below("items", key, field)
    return product


def _nowhere(field: str, product: Place, look: Look) -> bool:
    """Whether a field stands neither in a product nor at another level of it."""
    inside = value_at(look, product.below(field)) is not None
    above = isinstance(value_at(look, Place(product.file, (field,))), str)
    return not inside and not above and _below(field, product, look) == product


def _members(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, v) for name, v in value.items() if isinstance(v, dict))


def _names(product: Product) -> list[str]:
    names = [product.raw.get(field) for field in ("os", "release", "arch", "subarch")]
    return [name if isinstance(name, str) else "" for name in names]


def _slashed(product: Place, look: Look) -> Said:
    for field in ("os", "release", "arch", "subarch"):
        value = value_at(look, product.below(field))
        if isinstance(value, str) and "/" in value:
            return Said(
                f"`{field}` is {quoted(value)}, expected it without a slash",
                "use a dash instead of the slash",
                product.below(field),
            )
    return Said(
        "the image's name has more than one slash, expected `os/release`",
        "use dashes instead of slashes in `os`, `release`, `arch` and `subarch`",
        product,
    )


def _blamed(event: Event, look: Look, guilty: Callable[[str], bool]) -> tuple[str, Place, str]:
    """Which text the database refuses, as a message names it; where it stands; the text."""
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
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
