"""Second pass: the boot resources, and what is recorded for download.

Mirrors ``BootResourceRepoWriter`` and ``BootResourceStore`` (src/maasserver/bootresources.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.columns import plain
from maas_stream_lint.imports.identity import BOOTLOADER, IMAGE, SNAP, Identity, identity
from maas_stream_lint.imports.legacy.flattening import (
    FlatItem,
    FlatProduct,
    Key,
    Walked,
    key_of,
    product_title,
)
from maas_stream_lint.imports.rows import EXTRA, BootResource, ResourceSet, StoredFile
from maas_stream_lint.imports.trace import Import, Resource
from maas_stream_lint.rulebook import of_family

if TYPE_CHECKING:
    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.first_pass import FirstPass

#: What a boolean field takes for true.
TRUE = ("True", "t", "1")
NOTHING = "Unable to import boot images, no image descriptions avaliable."  # sic
#: What a file stores beside its name, type, digest and size.
EXTRAS = frozenset({"kpackage", "src_package", "src_release", "src_version", "kparams"})
#: What a resource and its set store: the limit, and what the text is called.
STORED = (
    ("resource-name", "os/release"),
    ("resource-architecture", "arch/subarch"),
    ("resource-kflavor", "kflavor"),
    ("resource-alias", "version"),
    ("set-version", "version name"),
    ("set-label", "label"),
)


@dataclass
class _Set:
    """A boot resource set in the making."""

    label: str
    files: dict[str, tuple[str, FlatItem]] = field(default_factory=dict)  #: file name → ftype, item

    @property
    def filetypes(self) -> tuple[str, ...]:
        return tuple(sorted({ftype for ftype, _ in self.files.values()}))


@dataclass
class _Resource:
    kflavor: str | None = None
    fields: dict[str, str] = field(default_factory=dict)  #: those that were written last
    sets: dict[str, _Set] = field(default_factory=dict)


class SecondPass:
    """The boot resources in the making."""

    def __init__(self, recorder: PassRecorder, first: FirstPass) -> None:
        """``first``: the first pass, done."""
        self.recorder = recorder
        self.supersedes: dict[str, str] = recorder.answers.policy("supersedes")
        self.superseded = {right: left for left, right in self.supersedes.items()}
        self.mapping = first.mapping
        self.walked = first.walked
        self._resources: dict[tuple[str, str, str], _Resource] = {}
        self._aliases: dict[tuple[str, str], str] = {}  # (name, architecture) → its first alias
        self._contents: set[str] = set()
        # What the items of a version have in common is judged once.
        self._supported: dict[str, str] | None = None
        self._made_of: dict[str, str] | None = None
        self._made = Identity("", "", None, None)
        self._odd = False  # its name or architecture has another number of slashes than one
        self._set: _Set | None = None

    def write(self) -> None:
        """Walk over the same files again: ``BootResourceRepoWriter``."""
        if not self.mapping and self.recorder.trace.fatal is None:
            self.recorder.trace.say("writer", "warning", NOTHING)
            return
        wanted: set[Key] = set()
        # Most tuples of a product are claimed by one item.
        for claim in {id(claim): claim for claim in self.mapping.values()}.values():
            key = key_of(claim.flat)
            if key is None:
                self.recorder.no_content_id(claim.place.file)
            else:
                wanted.add(key)
        for product in self.walked:
            self._write_product(product, wanted)

    def _write_product(self, walked: Walked, wanted: set[Key]) -> None:
        product = walked.flat
        chosen = self._choose(product, wanted)
        newest = product.versions[product.newest].get("items", {})
        if chosen is None and newest:
            if walked.specs and not walked.aborted and self.recorder.trace.fatal is None:
                self._unmapped(walked)
                return
            if not walked.dropped:
                chosen = product.newest
        if chosen is None:
            return
        items = product.versions[chosen].get("items", {})
        older = chosen != product.newest  # so pass 1 has not judged it
        if older and newest and walked.specs and self.recorder.trace.fatal is None:
            self._unmapped(walked, instead=chosen)
        self._supported = walked.claimed  # as pass 1 has found
        for item in product.items(chosen):
            if not older or self.recorder.checksummed(item):
                self._write_item(product.name, chosen, items, item)

    def _choose(self, product: FlatProduct, wanted: set[Key]) -> str | None:
        """The newest version that the cache leads to."""
        if "content_id" in product.base and product.key(product.newest) in wanted:
            return product.newest
        chosen = None
        for vername in sorted(product.versions, reverse=True):
            key = product.key(vername)
            if key is None:
                self.recorder.no_content_id(product.file)
            elif key in wanted:
                chosen = chosen or vername
        return chosen

    def _unmapped(self, walked: Walked, instead: str | None = None) -> None:
        """Silently not imported: no tuple of the cache leads to the product's newest version."""
        at = walked.flat.place
        winners = {self.mapping[spec].place: None for spec in walked.specs}
        own = [p for p in winners if (p.file, p.path[:2]) == at[:2]]
        if own:
            self.recorder.drop("identity-overridden", own[0])
            return
        others = sorted(p.product for p in winners if p.product is not None)
        winner = others[0] if others else None
        values = {"winner": winner, "place": next(iter(winners)), "instead": instead}
        self.recorder.drop("duplicate-tuple", at, values=values)

    def _write_item(
        self, product: str, vername: str, items: dict[str, Any], item: FlatItem
    ) -> None:
        """``BootResourceRepoWriter.insert_item``."""
        if "maas_supported" in item.base and not self._new_enough(product, item):
            return
        ftype = item.get("ftype")
        if ftype is None:
            values = {"key": item.key}
            self.recorder.abort("missing-ftype", item.place, "KeyError", "'ftype'", values=values)
            return
        if ftype in of_family("notice"):
            self._notify(item.raw, item.place)
        superseder = self.superseded.get(ftype)
        if superseder in items:
            values = {"key": superseder, "ftype": ftype, "item": items[superseder]}
            self.recorder.drop("squashfs-key", item.place, values=values)
        elif not self.recorder.answers.stores(ftype):
            line = f"Ignoring unsupported filetype({ftype}) from {product} {vername}"
            self.recorder.trace.say("writer", "warning", line)
            if ftype not in self.recorder.unmissed and item.key not in self.recorder.unmissed:
                self.recorder.drop("unknown-ftype", item.place, line, {"ftype": ftype})
        elif item.base is self._supported or self.recorder.supported(product, item):
            self._supported = item.base  # the next item mostly has the same
            self._store(product, vername, ftype, item)

    def _new_enough(self, product: str, item: FlatItem) -> bool:
        """Whether MAAS itself is as new as ``maas_supported`` wants it."""
        values = {"maas_supported": item.base["maas_supported"]}
        verdict, wanted = self.recorder.answers.supported(values["maas_supported"])
        if verdict == "newer":
            line = f"Ignoring {product}, requires a newer version of MAAS({wanted})"
            self.recorder.trace.say("writer", "warning", line)
            self.recorder.drop("maas-supported-newer", item.place, line, values)
            return False
        if verdict == "unparsable":
            cause, message = "maas-supported-unparsable", f"Invalid version: '{wanted}'"
            self.recorder.abort(cause, item.place, "InvalidVersion", message, values=values)
        return True

    def _notify(self, item: dict[str, Any], at: Place) -> None:
        """``ReleaseNotifications``: exactly three members, whatever their values."""
        if "release_notification" not in item:
            self.recorder.abort("release-notification", at, "KeyError", "'release_notification'")
            return
        said = item["release_notification"]
        if not isinstance(said, dict) or set(said) != {"maas_version", "message", "version"}:
            self.recorder.abort(
                "release-notification",
                at.below("release_notification"),
                "TypeError",
                "ReleaseNotification() got wrong arguments",
            )

    def _store(self, product: str, vername: str, ftype: str, item: FlatItem) -> None:
        """``BootResourceStore.insert``: resource, set and file."""
        if item.base is not self._made_of:
            resource = self._make(item.base, item.place)
            if resource is None:
                return
            self._made_of, self._made, self._set = item.base, resource, None
            self._odd = any(text.count("/") != 1 for text in resource[:2])
        name, architecture, kflavor, _ = self._made
        path, sha256 = item.get("path"), item.get("sha256")
        if path is None:
            self.recorder.abort("missing-path", item.place, "KeyError", "'path'")
            return
        if sha256 is None:
            values = {"stored": True}
            self.recorder.abort("missing-sha256", item.place, "KeyError", "'sha256'", values=values)
            return
        filename = path.rsplit("/", 1)[-1]
        if not self._file_fits(filename, sha256, item):
            return
        known = sha256 in self._contents or (name, architecture) in self._aliases
        self._contents.add(sha256)
        if self._odd and self._splits(name, known=known):
            self.recorder.abort(
                "slash-in-name",
                item.place,
                "ValueError",
                "too many values to unpack (expected 2)",
                values={"name": name, "architecture": architecture},
            )
            return
        if self._set is None:
            self._set = self._get_set(name, architecture, kflavor, item.base)
        set_ = self._set
        if ftype in self.supersedes:
            gone = self.supersedes[ftype]
            set_.files = {n: f for n, f in set_.files.items() if f[0] != gone}
        set_.files[filename] = (ftype, item)
        self.recorder.trace.imported.append(Import(item.version.file, product, vername, item.key))

    def _make(self, flat: dict[str, str], at: Place) -> Identity | None:
        """``get_or_create_boot_resource``: the boot resource, unless MAAS fails before it."""
        os = flat.get("os", self.recorder.ubuntu)
        kind = SNAP if os == self.recorder.snap else IMAGE
        if kind == IMAGE and "bootloader-type" in flat:
            kind = BOOTLOADER
        needed = ("arch", "label") if kind == BOOTLOADER else ("arch", "release", "label")
        for name in needed:
            if name not in flat:
                self.recorder.abort(f"missing-{name}", at, "KeyError", f"'{name}'")
                return None
        if kind == SNAP and "gadget_snap" not in flat:
            self.recorder.abort("ubuntu-core-gadget", at, "KeyError", "'gadget_snap'")
            return None
        made = identity(kind, os, flat.get, self._flavoured)
        return made if self._is_storable(made, flat, at) else None

    def _flavoured(self, subarch: str, kflavor: str | None) -> str:
        joined: str = self.recorder.answers.flavoured(subarch, kflavor)
        return joined

    def _is_storable(self, made: Identity, flat: dict[str, str], at: Place) -> bool:
        """What ``BootResource.save`` and ``BootResourceSet.save`` refuse."""
        rolling = flat.get("rolling")
        if rolling is not None and rolling not in (*TRUE, "False", "f", "0"):
            self.recorder.abort(
                "rolling-not-boolean",
                at,
                "ValidationError",
                f"'{rolling}' value must be either True or False.",
                values={"rolling": rolling},
            )
            return False
        alias = made.alias or ""
        texts = (*made[:2], made.kflavor or "", alias, flat["version_name"], flat["label"])
        extras = {extra: flat[extra] for extra in EXTRA if extra in flat}
        title = product_title(flat)
        if title is not None:
            extras["title"] = title
        if plain(texts) and all(text.isprintable() for text in extras.values()):
            return True
        # Asked only where it matters, or lines that differ in this could not share an import.
        if not plain([alias]) and "alias" not in self.recorder.answers.policy("resource-key"):
            texts = (*texts[:3], "", *texts[4:])
        return all(
            [
                self.recorder.stores(*column, text, at)
                for column, text in zip(STORED, texts, strict=True)
            ]
            + [self.recorder.stores(None, extra, text, at) for extra, text in extras.items()]
        )

    def _file_fits(self, filename: str, sha256: str, item: FlatItem) -> bool:
        """What ``BootResourceFile.save`` and its content row refuse."""
        answers = self.recorder.answers
        if (
            item.usual
            and EXTRAS.isdisjoint(item.base)
            and answers.too_long("file-name", len(filename)) is None
            and answers.too_long("file-sha256", len(sha256)) is None
        ):
            return True
        return self._closely_fits(filename, sha256, item)

    def _closely_fits(self, filename: str, sha256: str, item: FlatItem) -> bool:
        at = item.place
        try:
            size = int(item.get("size") or "")
        except ValueError as error:
            self._no_size(item, str(error))
            return False
        if not -(2**63) <= size < 2**63 and self._keeps_size(sha256):
            values = {"size": size}
            message = "bigint out of range"
            self.recorder.abort(
                "size-out-of-range", item.place, "DataError", message, values=values
            )
            return False
        extras = {extra: text for extra in EXTRAS if (text := item.get(extra)) is not None}
        return all(
            [
                self.recorder.stores("file-name", "file name", filename, at),
                self.recorder.stores("file-sha256", "sha256", sha256, at),
                *(self.recorder.stores(None, extra, text, at) for extra, text in extras.items()),
            ]
        )

    def _keeps_size(self, sha256: str) -> bool:
        """Whether the size goes into the database: a column of the content's row, or the file's."""
        every = self.recorder.answers.policy("size-kept") == "every-file"
        return every or sha256 not in self._contents

    def _no_size(self, item: FlatItem, error: str) -> None:
        size = item.get("size")
        if size is None:
            self.recorder.abort("missing-size", item.place, "KeyError", "'size'")
        else:
            values = {"size": size}
            self.recorder.abort("size-not-a-number", item.place, "ValueError", error, values=values)

    def _splits(self, name: str, *, known: bool) -> bool:
        """Whether MAAS takes an odd name apart here and fails: ``get_resource_identity``.

        ``known``: the resource or the file's content is stored already.
        """
        if self.recorder.answers.policy("splits-identity") == "always":
            return name.count("/") != 1
        return known

    def _get_set(
        self, name: str, architecture: str, kflavor: str | None, fields: dict[str, str]
    ) -> _Set:
        alias = fields.get("version") or ""
        first = self._aliases.setdefault((name, architecture), alias)
        if alias != first and "alias" not in self.recorder.answers.policy("resource-key"):
            alias = first
        resource = self._resources.setdefault((name, architecture, alias), _Resource())
        resource.kflavor, resource.fields = kflavor, fields
        set_ = resource.sets.setdefault(fields["version_name"], _Set(fields["label"]))
        set_.label = fields["label"]
        return set_

    def resources(self) -> list[Resource]:
        """What the import leaves."""
        return [
            Resource(" ".join(key[:2]), version, set_.label, resource.kflavor, set_.filetypes)
            for key, resource in self._resources.items()
            for version, set_ in resource.sets.items()
        ]

    def rows(self) -> list[BootResource]:
        """The same as rows of the database."""
        return [
            BootResource(
                name,
                architecture,
                resource.kflavor,
                f"{name.partition('/')[0]}/{alias}" if alias else None,
                self._is_bootloader(name, resource.fields),
                resource.fields.get("rolling") in TRUE,
                self._extra(resource.fields),
                tuple(_row(version, set_) for version, set_ in resource.sets.items()),
            )
            for (name, architecture, alias), resource in self._resources.items()
        ]

    def _is_bootloader(self, name: str, fields: dict[str, str]) -> bool:
        return "bootloader-type" in fields and name.partition("/")[0] != self.recorder.snap

    def _extra(self, fields: dict[str, str]) -> dict[str, str]:
        """What ``BootResource.extra`` holds of the product."""
        if "platform" not in fields and "supported_platforms" not in fields:
            return {"subarches": fields["subarches"]} if "subarches" in fields else {}
        # Asked only where it matters, or lines that differ in this could not share an import.
        kept = self.recorder.answers.policy("resource-extra")
        return {key: fields[key] for key in kept if key in fields}


def _row(version: str, set_: _Set) -> ResourceSet:
    files = [
        StoredFile(name, ftype, item.version.file, item.base["product_name"], version, item.key)
        for name, (ftype, item) in set_.files.items()
    ]
    return ResourceSet(version, set_.label, tuple(files))
