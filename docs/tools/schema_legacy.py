"""The schemas of a line that merges fields from above: what ends its import, and what it drops.

Fields may stand in the file, the product, the version or the item. So a schema first asks at the
top, and then ever further down, only of what has not been answered above.
"""

from __future__ import annotations

from maas_stream_lint.imports.legacy.both_passes import CHECKSUMS
from maas_stream_lint.imports.legacy.first_pass import NEEDED, NEEDED_OF_BOOTLOADERS
from maas_stream_lint.imports.legacy.second_pass import TRUE
from maas_stream_lint.imports.legacy.walk import FORMATS
from maas_stream_lint.rulebook import Release, default_system, ftypes, gadget_system, of_family
from schema_parts import (
    KEPT,
    Schema,
    absent,
    any_case,
    boots,
    calendar_day,
    each,
    file_name,
    listed_text,
    numeral,
    rules_by_cause,
    stored_sizes,
    text,
    told,
    unmissed,
)

INDEX, PRODUCTS = FORMATS
#: No path may start with these, or hold them behind a slash (``assert_safe_path``).
_SAFE = r"^(?!/|\.\./|\.\.\./)(?![\s\S]*/\.\.\.?/)"
#: A version as ``packaging`` takes it.
_VERSION = (
    r"v?([0-9]+!)?[0-9]+(\.[0-9]+)*([-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?[0-9]*)?"
    r"(-[0-9]+|[-_.]?(post|rev|r)[-_.]?[0-9]*)?([-_.]?dev[-_.]?[0-9]*)?"
    r"(\+XX+([-_.]XX+)*)?"
)
#: What may stand at any level. Editors ignore what stands beside a ``$ref``, so it stands alone.
_FIELDS: Schema = {"$ref": "#/$defs/fields"}
_COLUMNS = ("arch", "subarch", "kflavor", "label", "kernel_snap", "bootloader-type")


def index(release: Release) -> Schema:
    """What ``BasicMirrorWriter.sync_index`` (simplestreams/mirrors) reads of an index."""
    entry: Schema = {
        "type": "object",
        "required": ["path", "format"],
        "properties": {
            "path": told(
                {"type": "string", "minLength": 1, "pattern": _SAFE},
                "entry-path-missing",
                "unsafe-path-index",
                "entry-path-not-text",
            ),
            "format": told({"enum": [PRODUCTS, INDEX]}, "entry-format-missing"),
        },
    }
    return {
        "type": "object",
        "required": ["format", "index"],
        "properties": {
            "format": told({"const": INDEX}, "index-format"),
            "index": told({"type": "object", "additionalProperties": entry}, "index-empty"),
        },
    }


def products(release: Release, kind: str) -> Schema:
    """What both passes need of a products file, and which products they drop.

    ``kind``: what all products of the file are, or ``products`` where they are of any kind.
    """
    return {
        "type": "object",
        "required": ["format", "content_id", "products"],
        "properties": {
            "format": told({"const": PRODUCTS}, "file-format"),
            "content_id": told({"type": KEPT}, "file-content-id"),
            "products": told(
                {
                    "type": "object",
                    "additionalProperties": {"$ref": "#/$defs/product"},
                    "allOf": _names(release),
                },
                "file-products-missing",
                "products-not-an-object",
            ),
        },
        "allOf": [_FIELDS, *(_asked(name) for name in NEEDED)],
        "$defs": {
            "product": _product(release, kind),
            "version": _version(release),
            "item": {"allOf": [{"$ref": "#/$defs/read-item"}, _known_ftype(release)]},
            "read-item": _item(release),
            "fields": {"properties": _fields(release)},
            **{f"needs-{name}": _product_asked(name) for name in NEEDED},
            "no-bootloader": absent("bootloader-type"),
        },
    }


# -- fields that may stand at any level ----------------------------------------------------------


def _kept(name: str) -> Schema:
    """An object with a member that flattening keeps."""
    return {"required": [name], "properties": {name: {"type": KEPT}}}


def _asked(name: str) -> Schema:
    """Ask a file for a field, and its products if it has none."""
    below = {"properties": {"products": each({"$ref": f"#/$defs/needs-{name}"})}}
    return {"if": {"not": _kept(name)}, "then": below}


def _product_asked(name: str) -> Schema:
    """A product that has the field; or each of its items has it, from above or of its own."""
    lacking = {"not": _kept(name)}
    nowhere = each({"allOf": [lacking, {"properties": {"items": each(lacking)}}]})
    said = told(_kept(name), f"missing-{name}")
    version = {"if": lacking, "then": {"properties": {"items": each(said)}}}
    asked: Schema = {
        "if": {"properties": {"versions": nowhere}},
        "then": said,
        "else": {"if": lacking, "then": {"properties": {"versions": each(version)}}},
    }
    if name in NEEDED_OF_BOOTLOADERS:
        return asked
    return {"if": {"$ref": "#/$defs/no-bootloader"}, "then": asked}


def _fields(release: Release) -> dict[str, Schema]:
    """What the database takes of the fields that may stand at any level."""
    width = release.limit("cache-key")
    slash = release.policy("splits-identity") != "always"
    wide = ("too-long-for-cache", "nul-in-text")
    columns = {name: told(_loose(text(width)), f"missing-{name}", *wide) for name in _COLUMNS}
    if not slash:
        columns["bootloader-type"] = told(
            _loose(text(width, slash=False)), "missing-bootloader-type", *wide, "slash-in-name"
        )
    named = (*wide, *(() if slash else ("slash-in-name",)))
    title = _loose(text(release.limit("cache-title")))
    return {
        **columns,
        "os": told(_loose(text(width, slash=slash)), f"{default_system()}-name", *named),
        "release": told(_loose(text(width, slash=slash)), "missing-release", *named),
        "subarches": told(_loose(listed_text(width or 0)), *wide),
        "release_title": told(title, *wide),
        "release_codename": told(title, *wide),
        "support_eol": told(
            {**calendar_day(), "type": ["string", "null", "array", "object"]}, "support-eol-format"
        ),
        "rolling": told({"if": {"type": KEPT}, "then": _booleans()}, "rolling-not-boolean"),
        **_supported(release),
    }


def _loose(schema: Schema) -> Schema:
    """The same for a text; any other value is turned into text, or as good as absent."""
    return {key: value for key, value in schema.items() if key != "type"}


def _booleans() -> Schema:
    """What the field is as text, or becomes when it is turned into text."""
    return {"enum": [*TRUE, "False", "f", "0", True, False, 1, 0]}


def _supported(release: Release) -> dict[str, Schema]:
    if release.policy("maas-supported") != "strict":
        return {}
    pattern = any_case(_VERSION).replace("[xX][xX]", "[A-Za-z0-9]")
    return {"maas_supported": told({"pattern": rf"^\s*{pattern}\s*$"}, "maas-supported-unparsable")}


# -- the levels ----------------------------------------------------------------------------------


def _names(release: Release) -> list[Schema]:
    """Which names products must have, by ``os`` and kind (``validate_product``)."""
    names = {
        kind: any_case(pattern)
        for kind, pattern in release.data["names"].items()
        if isinstance(pattern, str)
    }
    plain, snap = default_system(), gadget_system()
    other = {"not": {"pattern": any_case(plain)}}
    ubuntu = told(other, f"{plain}-name", f"{snap}-name")
    core = {"anyOf": [{"const": snap}, other]}
    return [
        {
            "patternProperties": {
                names[plain]: True,
                names[snap]: {"properties": {"os": {"anyOf": [{"type": KEPT[1:]}, core]}}},
            },
            "additionalProperties": {"properties": {"os": ubuntu}},
        },
        {
            "patternProperties": {names["bootloader"]: True},
            "additionalProperties": {
                "properties": {"bootloader-type": told({"not": {"type": KEPT}}, "bootloader-name")}
            },
        },
    ]


def _product(release: Release, kind: str) -> Schema:
    snap = gadget_system()
    made: Schema = {
        "type": "object",
        "required": ["versions"],
        "properties": {
            "versions": told(
                {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": text(release.limit("set-version")),
                    "additionalProperties": {"$ref": "#/$defs/version"},
                },
                "no-versions",
                "versions-not-an-object",
            ),
        },
        "allOf": [
            _FIELDS,
            {
                "if": {"required": ["bootloader-type"]},
                "then": told({"anyOf": boots(release)}, "bootloader-unsupported"),
            },
            {
                "if": {"required": ["os"], "properties": {"os": {"const": snap}}},
                "then": told(_kept("gadget_snap"), f"{snap}-gadget"),
            },
            {
                "if": {
                    "required": ["version"],
                    "properties": {"os": {"const": default_system()}, "bootloader-type": False},
                },
                "then": {"properties": {"release": told({"minLength": 1}, "empty-release")}},
            },
            *_of_kind(release, kind),
        ],
    }
    return made


def _of_kind(release: Release, kind: str) -> list[Schema]:
    """What makes a product one of a kind; the import itself takes all of them from one file."""
    parts = release.ubuntu_set
    no_bootloader = {"properties": {"bootloader-type": False}}
    if kind == "bootloader":
        return [told({"required": ["bootloader-type"]}, "missing-bootloader-type")]
    if kind == "multi-file":
        needed = [_holding(parts.kernel), _holding(parts.initrd)]
        roots = told({"anyOf": [_holding(root) for root in parts.roots]}, "missing-root-image")
        return [no_bootloader, _of_versions({"allOf": [*needed, roots]})]
    if kind == "single-file":
        loose = [{"not": _holding(part)} for part in (parts.kernel, parts.initrd)]
        return [no_bootloader, _of_versions({"allOf": loose})]
    return []


def _of_versions(items: Schema) -> Schema:
    return {"properties": {"versions": each({"properties": {"items": items}})}}


def _holding(ftype: str) -> Schema:
    """Items of which one has the ftype, under whichever key."""
    other = {"properties": {"ftype": {"not": {"const": ftype}}}}
    known = f"missing-{ftype}"
    return told({"not": each(other)}, known) if known in rules_by_cause() else {"not": each(other)}


def _version(release: Release) -> Schema:
    items: Schema = {
        "type": "object",
        "minProperties": 1,
        "properties": {name: {"$ref": "#/$defs/read-item"} for name in unmissed()},
        "additionalProperties": {"$ref": "#/$defs/item"},
    }
    beside = [
        {
            "if": {"required": [left]},
            "then": each(
                {"properties": {"ftype": told({"not": {"const": right}}, "squashfs-key")}}
            ),
        }
        for right, left in ((v, k) for k, v in {b: a for a, b in _supersedes(release)}.items())
    ]
    if beside:
        items["allOf"] = beside
    return {
        "type": "object",
        "required": ["items"],
        "allOf": [_FIELDS],
        "properties": {
            "items": told(items, "newest-version-empty", "items-not-an-object"),
        },
    }


def _supersedes(release: Release) -> list[tuple[str, str]]:
    return list(release.policy("supersedes").items())


def _item(release: Release) -> Schema:
    """What both passes ask of an item; of one that is not stored, only the first does."""
    notice = list(of_family("notice"))
    stored = [name for name in ftypes() if name in release.ftypes]
    # The first pass hashes nothing, but it wants to be able to.
    hashed = {
        "required": ["size"],
        "anyOf": [_kept(name) for name in CHECKSUMS],
    }
    least = 1 if release.policy("names-on-disk") else 0
    sha256 = {
        "type": ["string", "number"],
        "maxLength": release.limit("file-sha256"),
        "minLength": least,
    }
    return {
        "type": "object",
        "required": ["ftype"],
        "properties": {
            "path": told(
                {"type": ["string", "null"], "pattern": _SAFE}, "unsafe-path-item", "path-not-text"
            ),
            "size": told(
                {"type": ["integer", "string"], "pattern": numeral()["pattern"]},
                "size-not-a-number",
            ),
        },
        "allOf": [
            _FIELDS,
            {
                "if": {
                    "required": ["path"],
                    "properties": {"path": {"type": "string", "minLength": 1}},
                },
                "then": told(hashed, "missing-size", "missing-sha256"),
            },
            {
                "if": {"required": ["ftype"], "properties": {"ftype": {"enum": stored}}},
                "then": {
                    "required": ["path", "sha256"],
                    "properties": {
                        "path": told(
                            {
                                "type": "string",
                                "pattern": file_name(release.limit("file-name") or 0),
                            },
                            "missing-path",
                        ),
                        "sha256": told(sha256, "missing-sha256", "sha256-no-name"),
                        "size": told(stored_sizes(release), "size-out-of-range"),
                    },
                },
            },
            {
                "if": {"required": ["ftype"], "properties": {"ftype": {"enum": notice}}},
                "then": _notice(),
            },
        ],
    }


def _known_ftype(release: Release) -> Schema:
    """An item that MAAS stores, or that nobody misses."""
    stored = [name for name in ftypes() if name in release.ftypes]
    known = [*stored, *(name for name in unmissed() if name not in stored)]
    return {"properties": {"ftype": told({"enum": known}, "unknown-ftype", "missing-ftype")}}


def _notice() -> Schema:
    members = ["maas_version", "message", "version"]
    said: Schema = {
        "type": "object",
        "required": members,
        "properties": dict.fromkeys(members, True),
        "additionalProperties": False,
    }
    return told(
        {"required": ["release_notification"], "properties": {"release_notification": said}},
        "release-notification",
    )
