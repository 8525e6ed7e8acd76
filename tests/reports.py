"""Reports made by hand, so that no new rule changes them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from maas_stream_lint.api import Report
from maas_stream_lint.finding import Finding, Place, Severity
from maas_stream_lint.look import look_at
from maas_stream_lint.rulebook import releases
from maas_stream_lint.stream import load
from trees import MemoryTree

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATED = "Sun, 16 Jun 2024 14:41:38 +0000"
FILE = "streams/v1/com.example:download.json"
LEGACY = ("2.9", "3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7")
ALL = (*LEGACY, "3.8")
REFUSED = "Could not fetch manifest for boot source with url http://images.example.com/maas"
SHA = "38811875e8231dd652ed8db2c25d2f19ec560c62b1aaf4f532d35198ad1f8cc6"


def snapshot(name: str, seen: str, suffix: str = "txt") -> None:
    """Hold an output to what it was when somebody last read it, whole."""
    file = SNAPSHOTS / f"{name}.{suffix}"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOTS.mkdir(exist_ok=True)
        file.write_text(seen, encoding="utf-8")
    assert seen == file.read_text(encoding="utf-8")


def image(os: str, release: str, **more: Any) -> dict[str, Any]:
    """A product with one root tarball."""
    items = {
        ftype: {"ftype": ftype, "path": f"{os}/{release}/{ftype}", "sha256": SHA, "size": 1000}
        for ftype in ("root-tgz", "manifest")
    }
    fields = {"arch": "amd64", "label": "stable", "os": os, "release": release}
    titles = {"release_title": release, "version": release}
    subarch = {"subarch": "generic", "subarches": "generic"}
    return {**fields, **titles, **subarch, **more, "versions": {"20240616": {"items": items}}}


def tree(products: dict[str, Any], **top: Any) -> MemoryTree:
    """A stream of one products file."""
    entry = {"format": "products:1.0", "path": FILE, "products": list(products), "updated": UPDATED}
    index = {"format": "index:1.0", "index": {"com.example:download": entry}, "updated": UPDATED}
    file = {
        "content_id": "com.example:download",
        "datatype": "image-downloads",
        "format": "products:1.0",
        "products": products,
        "updated": UPDATED,
    }
    files = {"streams/v1/index.json": {**index, **top}, FILE: file}
    texts = {path: json.dumps(data, indent=1).encode() for path, data in files.items()}
    return MemoryTree(texts, "streams/v1/index.json", label="http://images.example.com/maas")


def report(found: list[Finding], stream: MemoryTree, maas: tuple[str, ...] | None = None) -> Report:
    """A report with these findings."""
    look = look_at(load(stream), releases(maas))  # type: ignore[arg-type]
    order = sorted(found, key=lambda f: (-f.severity, f.place))
    return Report(stream.label, look, tuple(order))


def finding(severity: Severity, message: str, place: Place, **more: Any) -> Finding:
    """A finding; what is not given is made up."""
    given = {
        "code": "MSL499",
        "name": "made-up",
        "maas": ALL,
        "effect": "does what it does",
        "remedy": "mend it",
        **more,
    }
    log = given.get("log")
    if log is not None:
        given.setdefault("logs", ((given["maas"], log),))
    return Finding(severity=severity, message=message, places=(place,), **given)


def at(product: str, *path: str | int, line: int = 1) -> Place:
    """A place in a product."""
    return Place(FILE, ("products", product, *path), line, 3)


def many(products: int = 120) -> Report:
    """What 120 products share, what one has alone, and what is wrong with the file."""
    names = [f"com.example:v3:boot:{n}.04:amd64:ga-{n}.04" for n in range(100, 100 + products)]
    names.append("com.example:rhel-bases:9:amd64")
    images = {name: image("rhel", f"rhel{n}") for n, name in enumerate(names)}
    found = [
        finding(
            Severity.IGNORED,
            f"`kflavor` of `{name}` is missing, expected `generic`",
            at(name, line=10 * n + 4),
            code="MSL421",
            name="missing-kflavor",
            maas=("3.8",),
            effect="stores it as an architecture that ends in `-None`",
            remedy='add `"kflavor": "generic"` to the product',
        )
        for n, name in enumerate(names[:-1])
    ]
    lone = names[-1]
    found += [
        finding(
            Severity.FATAL,
            f"item `{item}` has no `sha256`",
            at(lone, "versions", "20240616", "items", item, line=line),
            code="MSL611",
            name="missing-sha256",
            effect="stops the whole import, of every source (InvalidChecksum: provided checksums)",
            remedy="add the file's `sha256`, in lower case",
            log="Importing boot resources failed.",
            logs=(
                (LEGACY, "Importing boot resources failed."),
                (
                    ("3.8",),
                    f"{REFUSED}: Got invalid data for the products file",
                ),
            ),
        )
        for item, line in (("root-tgz", 1310), ("manifest", 1316))
    ]
    found += [
        finding(
            Severity.WARNING,
            "the `products` of entry `com.example:download` and the file's differ in 3 names",
            Place("streams/v1/index.json", ("index", "com.example:download"), 4, 3),
            code="MSL219",
            name="entry-products-stale",
            effect="",
            remedy="write the list anew",
        ),
        finding(
            Severity.INFO,
            f"`support_eol` of `{lone}` passed on 2024-05-31",
            at(lone, "support_eol", line=1305),
            code="MSL461",
            name="support-eol-passed",
            maas=("3.5", "3.6", "3.8"),
            effect="imports it all the same",
            remedy="add the file's `sha256`, in lower case",
        ),
    ]
    return report(found, tree(images))


def few() -> Report:
    """The same with five products, for forms that put nothing together."""
    return many(4)


def hostile() -> Report:
    """Text that would paint, link, hide or break off, were it taken at its word."""
    evil = "[bold red]x[/] \x1b[31mred\x1b]8;;http://e\x07link "
    evil += "\u202egnp.exe \u200b\r\n\x9b2J \ud800 é 日本"
    found = [
        finding(
            Severity.UNUSABLE,
            f"the name `{evil}` is odd",
            at(evil, line=7),
            remedy=f"rename `{evil}`",
            log=f"Ignoring unsupported product {evil}",
        )
    ]
    return report(found, tree({evil: image("rhel", "rhel9")}))


def markup() -> Report:
    """Text that would be markup, a command or a link, were it taken at its word."""
    evil = "<script>alert(1)</script>\" onload='x' ]]>|`a``b` ](http://e) ![x](y) **b** $x$ @me "
    evil += "www.e.example {0} %0A ::error::x ##[error]y &lt; \ufffe\u202e</style>"
    found = [
        finding(
            Severity.IGNORED,
            f"{evil} and `{evil}` are odd",
            at(evil, line=7),
            effect=f"drops {evil}",
            remedy=f"rename {evil}",
            log=f"Ignoring unsupported product {evil}",
        )
    ]
    return report(found, tree({evil: image("rhel", "rhel9")}))


def clean() -> Report:
    """Nothing to say."""
    return report(
        [], tree({"com.example:rhel-bases:9:amd64": image("rhel", "rhel9")}), ("3.6", "3.8")
    )
