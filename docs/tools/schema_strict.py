"""The schemas of a line that reads metadata with models: what its models and its database take."""

from __future__ import annotations

from typing import Any

from maas_stream_lint.imports.strict.index_model import ENTRY_CAUSES
from maas_stream_lint.imports.strict.shapes import DATE, FILE_CAUSES, ITEM_CAUSES, PRODUCT_CAUSES
from maas_stream_lint.rulebook import Release, Shape, ftypes
from schema_parts import (
    Schema,
    any_case,
    boots,
    day,
    each,
    file_name,
    listed_text,
    moment,
    numeral,
    rules_by_cause,
    stored_sizes,
    text,
    told,
    unmissed,
)

#: Members of a product that the cache of available images holds, by the width of their column.
_KEYS = ("os", "arch", "label", "release", "subarch", "kflavor", "bootloader-type")
_TITLES = ("release_title", "release_codename")


def index(release: Release) -> Schema:
    """What the model of the index takes (``SimpleStreamsIndexList``)."""
    datatypes = release.models["datatypes"]
    entry = _members(release.models["entry"], datatypes, ENTRY_CAUSES)
    entry["properties"]["path"]["minLength"] = 1
    named = told({"not": {}}, "reserved-member")
    top = _members(
        release.models["index"], datatypes, {"updated": "index-updated", "format": "index-format"}
    )
    top["properties"]["index"] = told(
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                **entry,
                "properties": {**entry["properties"], "name": named},
            },
        },
        "index-empty",
    )
    listed = {**entry, "required": [*entry["required"], "name"]}
    listed["properties"] = {**entry["properties"], "name": {"type": "string"}}
    top["properties"]["indexes"] = {"type": "array", "minItems": 1, "items": listed}
    top["anyOf"] = [{"required": ["index"]}, {"required": ["indexes"]}]
    return top


def products(release: Release, kind: str) -> Schema:
    """What the model of a kind of products file takes, and what the database then stores.

    ``kind``: the name of a shape, or ``products`` for a file of whichever.
    """
    if kind != "products":
        shape = next(shape for shape in release.shapes if shape.name == kind)
        return {**_file(release, kind), "$defs": _parts(release, shape)}
    top: Schema = {"type": "object", "$defs": {}}
    for shape in release.shapes:
        top["$defs"][shape.name] = _file(release, shape.name, prefix=f"{shape.name}-")
        top["$defs"].update(_parts(release, shape, prefix=f"{shape.name}-"))
    return {**top, **_nearest(release)}


def _nearest(release: Release) -> Schema:
    """The schema of what a file is meant to be, as ``[models.nearest]`` tells it.

    A file whose products are of several kinds is refused by whichever schema it gets.
    """
    told_by = release.models["nearest"]
    ways: Schema = {"$ref": f"#/$defs/{told_by['else']}"}
    for hint in reversed(told_by["parts"]):
        keys = [key for key in hint["any"] if "*" not in key]
        if any(shape.name == hint["shape"] for shape in release.shapes):
            ways = _if(_holding(keys), hint["shape"], ways)
    for member, shape in told_by["members"].items():
        ways = _if({"required": [member]}, shape, ways)
    return ways


def _if(product: Schema, shape: str, otherwise: Schema) -> Schema:
    """The schema of a shape where some product fits, else another."""
    some = {"not": {"properties": {"products": each({"not": product})}}}
    return {"if": some, "then": {"$ref": f"#/$defs/{shape}"}, "else": otherwise}


def _holding(keys: list[str]) -> Schema:
    """A product that has an item of one of these keys."""
    items = {"type": "object", "anyOf": [{"required": [key]} for key in keys]}
    version = {"type": "object", "required": ["items"], "properties": {"items": items}}
    return {"type": "object", "required": ["versions"], "properties": {"versions": _some(version)}}


def _some(schema: Schema) -> Schema:
    """An object of which some member fits."""
    return {"type": "object", "not": each({"not": schema})}


def _file(release: Release, kind: str, prefix: str = "") -> Schema:
    shape = next(shape for shape in release.shapes if shape.name == kind)
    top = _members(release.models["file"], release.models["datatypes"], FILE_CAUSES)
    wanted = "bootloader" if "bootloader-type" in shape.product else "ubuntu"
    named = (
        release.data["names"][wanted] if wanted != "ubuntu" or "kflavor" in shape.product else ""
    )
    member: Schema = {
        "type": ["object", "array"],
        "minProperties": 1,
        "additionalProperties": {"$ref": f"#/$defs/{prefix}product"},
        "items": {"$ref": f"#/$defs/{prefix}listed-product"},
    }
    if named:
        member["propertyNames"] = told({"pattern": any_case(named)}, f"{wanted}-name")
    top["properties"]["products"] = told(member, "file-products-missing", "file-products-empty")
    top["required"].append("products")
    return top


def _parts(release: Release, shape: Shape, prefix: str = "") -> dict[str, Schema]:
    product = _product(release, shape)
    by_name = {
        **product,
        "properties": {
            **product["properties"],
            "product_name": told({"not": {}}, "reserved-member"),
        },
    }
    by_list = {
        **product,
        "required": [*product["required"], "product_name"],
        "properties": {**product["properties"], "product_name": text()},
    }
    versions = _versions(release, prefix)
    for schema in (by_name, by_list):
        schema["properties"]["versions"] = versions
    version = _version(release, shape, prefix)
    return {
        f"{prefix}product": by_name,
        f"{prefix}listed-product": by_list,
        f"{prefix}version": {
            **version,
            "properties": {
                **version["properties"],
                "version_name": told({"not": {}}, "reserved-member"),
            },
        },
        f"{prefix}listed-version": {
            **version,
            "required": ["version_name"],
            "properties": {**version["properties"], "version_name": text()},
        },
        f"{prefix}item": _item(release, shape, taken=True),
        f"{prefix}read-item": _item(release, shape, taken=False),
    }


def _product(release: Release, shape: Shape) -> Schema:
    made = _members(shape.product, [], PRODUCT_CAUSES)
    bootloader = "bootloader-type" in shape.product
    for name, schema in made["properties"].items():
        if name in ("subarch", "kflavor") and "kflavor" not in shape.product:
            _narrow(schema, text())  # only of kernels does MAAS list it
        elif name in _KEYS:
            slash = bootloader or name not in ("os", "release", "arch")
            _narrow(schema, text(release.limit("cache-key"), slash=slash))
        elif name in _TITLES:
            _narrow(schema, text(release.limit("cache-title")))
        elif name == "subarches":
            _narrow(schema, listed_text(release.limit("cache-key") or 0))
        elif shape.product[name].startswith("text"):
            _narrow(schema, text())
    if bootloader:
        made["anyOf"] = boots(release)
    made["required"].append("versions")
    return made


def _narrow(schema: Schema, to: Schema) -> None:
    """Have a member's schema ask for more, and keep whether it may be null."""
    schema.update({key: value for key, value in to.items() if key != "type"})


def _versions(release: Release, prefix: str) -> Schema:
    return told(
        {
            "type": ["object", "array"],
            "minProperties": 1,
            "minItems": 1,
            "propertyNames": text(release.limit("cache-version")),
            "additionalProperties": {"$ref": f"#/$defs/{prefix}version"},
            "items": {"$ref": f"#/$defs/{prefix}listed-version"},
        },
        "no-versions",
        "versions-not-an-object",
    )


def _version(release: Release, shape: Shape, prefix: str) -> Schema:
    items = {key: _reference(shape, key, prefix) for key in shape.item_keys}
    dates = {
        name: told({"type": ["string", "null"], **_without(day())}, DATE) for name in shape.version
    }
    no_file = {"required": ["ftype"], "properties": {"ftype": {"enum": unmissed()}}}
    ignored = told({"type": "object", **no_file}, "item-not-taken")
    return {
        "type": "object",
        "properties": {
            "items": {
                "type": "object",
                "properties": {
                    **items,
                    **dates,
                    "version_name": {"type": "string"},
                    **{key: True for key in unmissed() if key not in items},
                },
                "additionalProperties": ignored,
            },
            **dates,
        },
        "allOf": [
            *(_required(shape, key, prefix) for key in shape.required),
            *([_one_of(shape, prefix)] if shape.one_of else []),
        ],
    }


def _reference(shape: Shape, key: str, prefix: str) -> Schema:
    kind = "item" if key in shape.downloads else "read-item"
    schema: Schema = {"$ref": f"#/$defs/{prefix}{kind}"}
    if key in shape.required:
        return schema
    return {"if": {"type": "null"}, "else": schema}


def _required(shape: Shape, key: str, prefix: str) -> Schema:
    """An item under ``items``; or, as MAAS merges both, in the version itself."""
    beside = {"required": [key], "properties": {"items": {"not": {"required": [key]}}}}
    known = rules_by_cause()
    holder: Schema = {"required": [key]}
    if f"missing-{key}" in known:
        holder = told(holder, f"missing-{key}")
    return {
        "if": beside,
        "then": {"properties": {key: _reference(shape, key, prefix)}},
        "else": {"required": ["items"], "properties": {"items": holder}},
    }


def _one_of(shape: Shape, prefix: str) -> Schema:
    """One item of these keys, which is not null."""
    cause = "bootloader-item-key" if "bootloader-type" in shape.product else "missing-root-image"
    ways: list[Schema] = []
    for key in shape.one_of:
        there = {"required": [key], "properties": {key: {"type": "object"}}}
        beside = {"properties": {"items": {"not": {"required": [key]}}}}
        fits = {"properties": {key: _reference(shape, key, prefix)}}
        ways += [
            {"required": ["items"], "properties": {"items": there}},
            {"allOf": [there, beside, fits]},
        ]
    return told({"anyOf": ways}, cause)


def _item(release: Release, shape: Shape, *, taken: bool) -> Schema:
    """``taken``: whether MAAS downloads it, and does not only read it."""
    made = _members(shape.item, [], ITEM_CAUSES)
    for name, schema in made["properties"].items():
        if shape.item[name].startswith("text"):
            _narrow(schema, text())
    size = made["properties"]["size"]
    if taken:
        # Its progress is a fraction of the size (`get_sync_progress`), so there must be one.
        made["properties"]["ftype"] = told(
            {"enum": [name for name in ftypes() if name in release.ftypes]}, "unknown-ftype"
        )
        _narrow(made["properties"]["sha256"], text(release.limit("file-sha256")))
        _narrow(made["properties"]["path"], {"pattern": file_name(release.limit("file-name") or 0)})
        size.update({**stored_sizes(release), "not": {"const": 0}})
    return made


def _members(fields: dict[str, str], datatypes: list[str], causes: dict[str, str]) -> Schema:
    """An object with a model's fields."""
    properties = {}
    for name, kind in fields.items():
        found = _type(kind, datatypes)
        cause = causes.get(name, f"missing-{name.replace('_', '-')}")
        if kind.startswith("date"):
            cause = DATE
        more = (
            ("size-not-a-number", "size-zero")
            if kind.startswith("number")
            else ("number-instead-of-text",)
        )
        properties[name] = told(found, cause, *more)
    needed = [name for name, kind in fields.items() if kind[-1] not in "?~"]
    return {"type": "object", "required": needed, "properties": properties}


def _type(kind: str, datatypes: list[str]) -> Schema:
    """A field's type, as ``fieldtypes.fits_type`` judges it."""
    bare = kind.rstrip("?~")
    made: dict[str, Any] = {
        "text": {"type": "string"},
        "moment": moment(),
        "date": day(),
        "number": {
            "type": ["integer", "string", "boolean"],
            "pattern": numeral(r"(\.0+)?")["pattern"],
        },
        "datatype": {"enum": list(datatypes)},
        "texts": {"type": "array", "items": {"type": "string"}},
    }[bare]
    if kind.endswith("~"):
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
        else:
            made["type"] = [made["type"], "null"]
    return made


def _without(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "type"}
