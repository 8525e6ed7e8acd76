"""What of use is easily missed or said in vain: a row each, with MAAS's words and our finding.

The rows are those of a table that was made by running MAAS's own functions of use. Each names the
streams that show it, what MAAS says of them, and the rule that tells it.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any, NamedTuple

import pytest

from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.finding import Finding, Place
from maas_stream_lint.look import Look, look_at
from maas_stream_lint.outcome import IMPORTED, rows
from maas_stream_lint.rulebook import all_releases, releases
from maas_stream_lint.stream import load
from maas_stream_lint.uses.ubuntu import ubuntu_releases
from maas_stream_lint.uses.use_verdict import verdict
from made_use import INDEX, UPDATED, item
from trees import MemoryTree

SET = ("boot-kernel", "boot-initrd", "squashfs")
LINES = tuple(release.line for release in all_releases())
RECORDED = date(2026, 11, 25)


def until(line: str) -> tuple[str, ...]:
    return LINES[: LINES.index(line) + 1]


def since(line: str) -> tuple[str, ...]:
    return LINES[LINES.index(line) :]


def ubuntu(*ftypes: str, **fields: Any) -> dict[str, Any]:
    """An Ubuntu product, good unless told otherwise; ``None`` leaves a field out."""
    good = {
        "os": "ubuntu",
        "release": "noble",
        "version": "24.04",
        "arch": "amd64",
        "subarch": "ga-24.04",
        "subarches": "generic,ga-24.04",
        "kflavor": "generic",
        "release_title": "24.04 LTS",
        "release_codename": "Noble Numbat",
        "support_eol": "2039-05-31",
    }
    return {**good, **fields, "ftypes": ftypes or SET}


def jammy(*ftypes: str, **fields: Any) -> dict[str, Any]:
    of_jammy = {
        "release": "jammy",
        "version": "22.04",
        "subarch": "ga-22.04",
        "subarches": "generic,ga-22.04",
        "release_title": "22.04 LTS",
        "release_codename": "Jammy Jellyfish",
    }
    return ubuntu(*ftypes, **{**of_jammy, **fields})


def other(*ftypes: str, **fields: Any) -> dict[str, Any]:
    good = {
        "os": "centos",
        "release": "centos9",
        "version": "9",
        "arch": "amd64",
        "subarch": "generic",
        "subarches": "generic",
        "os_title": "CentOS",
        "release_title": "CentOS 9",
    }
    return {**good, **fields, "ftypes": ftypes or ("root-tgz",)}


def stream(*products: dict[str, Any]) -> MemoryTree:
    """A stream: what is Ubuntu in one file, the rest in another, as MAAS 3.8 wants it."""
    made: dict[str, dict[str, Any]] = {"ubuntu": {}, "other": {}}
    for at, given in enumerate(products):
        kind = "ubuntu" if "boot-kernel" in given["ftypes"] else "other"
        made[kind][f"com.example:v3:boot:p{at}:{given['arch']}"] = _product(at, given)
    entries, documents = {}, {}
    for kind, found in made.items():
        file = f"streams/v1/{kind}.json"
        about = {"format": "products:1.0", "updated": UPDATED}
        if found:
            entries[kind] = {**about, "path": file, "products": [*found]}
            top = {"content_id": kind, "datatype": "image-downloads", **about}
            documents[file] = {**top, "products": found}
    index = {"format": "index:1.0", "updated": UPDATED, "index": entries}
    documents = {INDEX: index, **documents}
    return MemoryTree({path: json.dumps(d).encode() for path, d in documents.items()}, INDEX)


def _product(at: int, given: dict[str, Any]) -> dict[str, Any]:
    about = dict(given)
    names, items = about.pop("names", {}), {}
    for ftype in (*about.pop("ftypes"), "manifest"):
        key, _, kind = ftype.partition("=")
        items[key] = item(kind or key, f"p{at}/{names.get(key, kind or key)}")
        if key == "boot-kernel":
            items[key]["kpackage"] = "linux-generic"
    fields = {key: value for key, value in about.items() if value is not None}
    return {"label": "stable", **fields, "versions": {"20261101": {"items": items}}}


def seen(tree: MemoryTree, maas: tuple[str, ...] | None = None) -> Look:
    return look_at(load(tree), releases(maas))  # type: ignore[arg-type]


class Told(NamedTuple):
    """A finding that is expected: rule, severity, release lines."""

    name: str
    severity: str
    lines: tuple[str, ...] = LINES


class Row(NamedTuple):
    """A row of the table, shown by a stream."""

    number: str
    products: list[dict[str, Any]]
    told: tuple[Told, ...]
    says: str | None = None  #: MAAS's words, on the lines of the first finding


NO_KERNELS = "{release} has no kernels available."
UNKNOWN = "{kernel} not found amongst the known Ubuntu releases!"
NO_IMAGE = "No image could be found for the given selection"
ODD = "invalid literal for int() with base 10: 'Acme'"


def kernel(subarch: str, **fields: Any) -> dict[str, Any]:
    return ubuntu(subarch=subarch, subarches=f"generic,{subarch}", **fields)


def own(**fields: Any) -> dict[str, Any]:
    return jammy(**{"release": "acme", "release_title": "Acme Linux 22.04", **fields})


def nvidia(**fields: Any) -> dict[str, Any]:
    return jammy(**{"arch": "arm64", "platform": "nvidia", **fields})


OLD, NEW = until("3.3"), since("3.4")
MISSED = [
    # 1: a kernel whose version MAAS does not know
    *(
        Row(
            "1",
            [kernel(name)],
            (Told("unknown-kernel-release", "unusable"),),
            UNKNOWN.format(kernel=name),
        )
        for name in ("ga-24.04.1", "ga-2404", "ga-99.04", "ga-42")
    ),
    Row(
        "1, beside a good one",
        [ubuntu(), kernel("ga-99.04")],
        (Told("unknown-kernel-release", "unusable"),),
        UNKNOWN.format(kernel="ga-99.04"),
    ),
    Row(
        "1, of another system",
        [ubuntu(), kernel("ga-42", os="fedora", release="f42", version="42", release_title="f42")],
        (Told("unknown-kernel-release", "unusable"), Told("unknown-os", "unusable")),
        UNKNOWN.format(kernel="ga-42"),
    ),
    # 2: the same in subarches
    *(
        Row("2", [ubuntu(subarches=f"generic,ga-24.04,{name}")], (told,), says)
        for name, told, says in (
            (
                "ga-99.04",
                Told("unknown-listed-kernel", "warning"),
                UNKNOWN.format(kernel="ga-99.04"),
            ),
            (
                "hwe-22.99",
                Told("unknown-listed-kernel", "warning"),
                UNKNOWN.format(kernel="hwe-22.99"),
            ),
            ("ga-", Told("unknown-listed-kernel", "warning", NEW), UNKNOWN.format(kernel="ga-")),
        )
    ),
    Row(
        "2, two channels",
        [ubuntu(subarches="generic,ga-24.04,ga-hwe-24.04")],
        (
            Told("unknown-listed-kernel", "warning", OLD),
            Told("subarch-unparsable", "warning", NEW),
        ),
        UNKNOWN.format(kernel="ga-hwe-24.04"),
    ),
    # 3: no machine of platform generic can be added
    Row("3", [ubuntu(subarches="ga-24.04")], (Told("no-generic-machines", "warning"),)),
    Row(
        "3, no subarches",
        [ubuntu(subarches=None)],
        (
            Told("no-generic-machines", "warning", until("3.7")),
            Told("missing-subarch", "fatal", ("3.8",)),
        ),
    ),
    Row(
        "3, on one architecture",
        [ubuntu(), ubuntu(arch="arm64", subarches="ga-24.04")],
        (Told("no-generic-machines", "warning"),),
    ),
    # 4: platforms that 3.8 drops
    Row("4", [nvidia()], (Told("platform-not-offered", "warning", ("3.8",)),)),
    Row(
        "4, in the name, too",
        [nvidia(subarch="nvidia-ga-22.04", subarches="generic,nvidia-ga-22.04")],
        (
            Told("platform-not-offered", "warning", ("3.8",)),
            Told("ubuntu-generic-subarch", "unusable", OLD),
        ),
    ),
    # 5: a kernel that is older than its release
    Row(
        "5",
        [kernel("ga-22.04")],
        (Told("kernel-older-than-release", "unusable"),),
        NO_KERNELS.format(release="noble"),
    ),
    Row(
        "5, beside a good one",
        [ubuntu(), kernel("ga-22.04")],
        (Told("kernel-older-than-release", "unusable"),),
        "ga-22.04 is too old to use on ubuntu/noble.",
    ),
    # 6: only flavoured kernels, or no kflavor
    *(
        Row("6", [ubuntu(kflavor=flavour)], (told,), NO_KERNELS.format(release="noble"))
        for flavour, told in (
            ("lowlatency", Told("no-generic-kernel", "unusable", OLD)),
            ("", Told("no-generic-kernel", "unusable", OLD)),
            (None, Told("missing-kflavor", "unusable", OLD)),
        )
    ),
    # 7: no ga- kernel of kflavor generic
    *(
        Row("7", [kernel(name)], (Told("no-generic-kernel", "unusable", OLD),))
        for name in ("hwe-24.04", "hwe-24.04-edge", "hwe-rolling")
    ),
    # 8: an own release whose title does not begin with a number
    Row("8", [own()], (Told("release-title-not-a-version", "unusable"),), ODD),
    Row(
        "8, with its own kernel",
        [own(subarch="ga-acme", subarches="generic,ga-acme")],
        (Told("release-title-not-a-version", "unusable"),),
        ODD,
    ),
    Row(
        "8, a point release",
        [own(release_title="22.04.1 LTS")],
        (Told("kernel-older-than-release", "unusable", OLD),),
        NO_KERNELS.format(release="acme"),
    ),
    Row(
        "8, no codename",
        [own(release_title="22.04 LTS", release_codename=None)],
        (Told("release-name", "unusable", OLD),),
        UNKNOWN.format(kernel="acme"),
    ),
    Row("8, right", [own(release_title="22.04 Acme")], ()),
    # 9: names of releases
    *(
        Row("9", [jammy(release=name)], (Told("release-name", "unusable", lines),), says)
        for name, lines, says in (
            ("jammy-acme", OLD, UNKNOWN.format(kernel="jammy-acme")),
            ("my-custom-jammy", OLD, UNKNOWN.format(kernel="my-custom-jammy")),
            ("jammy-ga-acme", LINES, UNKNOWN.format(kernel="jammy-ga-acme")),
            ("noble-hwe", LINES, UNKNOWN.format(kernel="noble-hwe")),
            ("hwe-24.04", LINES, NO_KERNELS.format(release="hwe-24.04")),
            ("rolling", LINES, NO_KERNELS.format(release="rolling")),
        )
    ),
    # 10: subarchs that are no kernel
    *(
        Row("10", [kernel(name)], (Told("ubuntu-generic-subarch", "unusable"),), says)
        for name in ("ga", "GA-24.04", "24.04")
        for says in (NO_KERNELS.format(release="noble"),)
    ),
    *(
        Row(
            "10", [kernel(name, arch="arm64")], (Told("ubuntu-generic-subarch", "unusable", lines),)
        )
        for name, lines in (
            ("custom", LINES),
            ("xgene-uboot", LINES),
            ("nvidia-ga-24.04", OLD),
        )
    ),
    # 11: other systems that are not for generic machines
    *(
        Row(
            "11",
            [ubuntu(), other(subarch=subarch, subarches=subarches)],
            (Told("subarch-not-generic", "unusable", lines),),
            says,
        )
        for subarch, subarches, lines, says in (
            ("custom", "custom", LINES, NO_IMAGE),
            ("ga-9", "ga-9", LINES, NO_IMAGE),
            ("x", "x, generic", LINES, NO_IMAGE),
            ("custom", "custom,generic", until("3.4"), "404"),
        )
    ),
    # 12: a root-image.gz beside a tarball
    *(
        Row(
            "12",
            [ubuntu("boot-kernel", "boot-initrd", "root-image.gz", tar)],
            (Told("only-root-image-gz", "unusable", lines),),
            "404",
        )
        for tar, lines in (
            ("root-tgz", until("3.4")),
            ("root-txz", (*until("3.4"), "3.8")),
        )
    ),
    # 13: a key that makes the version a single file on 3.8
    *(
        Row("13", [ubuntu(*SET[:2], *more)], (Told("item-not-taken", "ignored", ("3.8",)),))
        for more in (
            ("squashfs", "root-tgz"),
            ("root-image.gz", "root-tgz"),
            ("root-tgz=squashfs",),
        )
    ),
    # 14: what says that a product is of no use without being at the product itself
    Row(
        "14",
        [ubuntu(*SET[:2], "squashfs=squashfs-root")],
        (Told("unknown-ftype", "ignored"),),
    ),
    Row(
        "14, two versions",
        [ubuntu(), ubuntu(version="24.04.1")],
        (Told("alias-conflict", "unusable", since("3.6")),),
        "get() returned more than one BootResource -- it returned 2!",
    ),
    # 15: names that start alike
    Row(
        "15",
        [jammy(subarch="hwe-22.04", subarches="generic,hwe-22.04"), jammy(release="jammy-acme")],
        (Told("kernel-of-other-release", "unusable", NEW),),
        "ubuntu/jammy",
    ),
    Row(
        "15, architectures",
        [kernel("hwe-24.04"), ubuntu(arch="amd64x")],
        (Told("kernel-of-other-release", "unusable", NEW),),
    ),
    # 16: os custom
    *(
        Row(
            "16",
            [ubuntu(), other(root, os="custom", release="web")],
            (Told("custom-os", "fatal", until("3.4")), Told("custom-os", "unusable", lines)),
            f"OSError: Unable to open custom/amd64/generic/web/20261101/{root}",
        )
        for root, lines in (
            ("root-tgz", since("3.5")),
            ("root-dd.gz", ("3.5", "3.6", "3.7")),
        )
    ),
    # 17: nothing to commission with
    Row(
        "17",
        [other()],
        (Told("no-commissioning-image", "info"),),
        "noble has no kernels available.",
    ),
    Row(
        "17, on one architecture",
        [ubuntu(), other(arch="arm64")],
        (Told("no-commissioning-image", "info"),),
    ),
    # 18: a driver without an image to install
    Row(
        "18",
        [ubuntu(), other(os="caringo", release="9")],
        (Told("unknown-os", "unusable"),),
        NO_IMAGE,
    ),
    # 19: no kflavor, and a least kernel
    Row(
        "19",
        [ubuntu(kflavor=None)],
        (Told("missing-kflavor", "unusable", OLD), Told("missing-kflavor", "warning", NEW)),
    ),
    # 20: a platform that only subarches lists
    Row(
        "20",
        [jammy(arch="arm64", subarches="generic,ga-22.04,xgene-uboot")],
        (Told("platform-without-kernel", "warning"),),
    ),
]
#: Where less is lost than one might think.
FALSE_ALARMS = [
    Row("437", [ubuntu(kflavor=None)], (Told("missing-kflavor", "warning", NEW),)),
    Row(
        "415",
        [ubuntu(), other(), other(version="9.1", label="candidate")],
        (Told("alias-conflict", "warning", since("3.6")),),
    ),
    *(
        Row("510", [ubuntu(), product], (Told("several-root-files", "warning", until("3.4")),))
        for product in (
            other("root-tgz", "root-txz"),
            ubuntu(*SET, "root-tgz", arch="arm64"),
        )
    ),
    Row(
        "510, two squashfs",
        [ubuntu(*SET, "squashfs2=squashfs")],
        (Told("several-root-files", "warning", until("3.7")),),
    ),
    Row(
        "512",
        [ubuntu("boot-dtb", *SET, names={"boot-dtb": "boot-kernel"})],
        (Told("duplicate-basename", "warning", until("3.7")),),
    ),
    Row("613", [ubuntu(), other(names={"root-tgz": "root-txz"})], ()),
    Row(
        "419",
        [kernel("ga-hwe-24.04")],
        (Told("subarch-unparsable", "unusable"),),
        UNKNOWN.format(kernel="ga-hwe-24.04"),
    ),
    Row(
        "511",
        [ubuntu("boot-kernel", "boot-initrd", "root-image.gz")],
        (Told("only-root-image-gz", "unusable"),),
        "404",
    ),
]


def test_a_release_that_may_be_new_tells_how_old_the_data_is() -> None:
    known = ubuntu_releases()
    for name, newer in (("ga-99.04", True), ("ga-24.04.1", False), ("ga-22.99", False)):
        found = findings(seen(stream(kernel(name))), all_rules())
        (told,) = [f.message for f in found if f.name == "unknown-kernel-release"]
        assert (known.dated.isoformat() in told) is newer


def said(found: list[Finding]) -> dict[tuple[str, str], set[str]]:
    """Rule and severity → release lines."""
    lines: dict[tuple[str, str], set[str]] = {}
    for finding in found:
        lines.setdefault((finding.name, finding.severity.label), set()).update(finding.maas)
    return lines


@pytest.mark.parametrize("row", [*MISSED, *FALSE_ALARMS], ids=lambda row: f"row {row.number}")
def test_a_row(row: Row) -> None:
    look = seen(stream(*row.products))
    found = findings(look, all_rules())
    lines = said(found)
    for told in row.told:
        assert lines.get((told.name, told.severity)) == set(told.lines), told
    if row.says is not None:
        line = row.told[0].lines[0]
        release = next(release for release in look.releases if release.line == line)
        simulation = look.uses[line]
        assert simulation is not None
        assert row.says in json.dumps(verdict(simulation, release, RECORDED))


@pytest.mark.parametrize("row", FALSE_ALARMS, ids=lambda row: f"row {row.number}")
def test_no_more_is_said_of_it(row: Row) -> None:
    """A finding as grave as ``unusable`` is one that the table has, or of another rule."""
    lines = said(findings(seen(stream(*row.products)), all_rules()))
    names = {told.name for told in row.told} | {"basename-not-ftype"}
    worse = {(n, s) for n, s in lines if n in names and s == "unusable"}
    for name, severity in worse - {(told.name, told.severity) for told in row.told}:
        assert not lines[name, severity] & {n for t in row.told if t.name == name for n in t.lines}


@pytest.mark.parametrize("row", MISSED, ids=lambda row: f"row {row.number}")
def test_what_is_of_no_use_is_never_called_imported(row: Row) -> None:
    look = seen(stream(*row.products))
    found = tuple(findings(look, all_rules()))
    for product in rows(look, found):
        useless = look.unusable(Place(product.file, ("products", product.product)))
        for line, outcome in zip(look.lines, product.outcomes, strict=True):
            assert outcome != IMPORTED or line not in useless, (product.product, line)
