"""Second pass: the boot resources, and what is recorded for download.

Mirrors ``BootResourceRepoWriter`` and ``BootResourceStore`` (src/maasserver/bootresources.py).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.columns import plain
from maas_stream_lint.imports.identity import BOOTLOADER, IMAGE, SNAP, Identity, identity
from maas_stream_lint.imports.legacy.both_passes import ignored
from maas_stream_lint.imports.legacy.flattening import (
    FlatItem,
    FlatProduct,
    Key,
    Walked,
    product_title,
)
from maas_stream_lint.imports.rows import EXTRA
from maas_stream_lint.imports.stored import HeldFile, HeldResource, HeldSet
from maas_stream_lint.imports.trace import Import
from maas_stream_lint.rulebook import of_family

if TYPE_CHECKING:
    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.legacy.both_passes import PassRecorder
    from maas_stream_lint.imports.legacy.by_table import ByTable
    from maas_stream_lint.imports.legacy.choosing import Wanted
    from maas_stream_lint.imports.legacy.first_pass import FirstPass
    from maas_stream_lint.imports.legacy.plain_claims import Plain
    from maas_stream_lint.imports.legacy.storing import Store

#: What a boolean field takes for true.
TRUE = ("True", "t", "1")
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


class SecondPass:
    """The second walk over one source."""

    def __init__(
        self, recorder: PassRecorder, first: FirstPass, store: Store, source: str = ""
    ) -> None:
        """``first``: the first pass over the source, done. ``source``: its name."""
        self.recorder = recorder
        self.superseded = {right: left for left, right in recorder.supersedes.items()}
        self.first = first
        self.store = store
        self.source = source
        # What the items of a version have in common is judged once.
        self._supported: dict[str, str] | None = None
        self._made_of: dict[str, str] | None = None
        self._made = Identity("", "", None, None)
        self._odd = False  # its name or architecture has another number of slashes than one
        self._held: tuple[HeldResource, HeldSet] | None = None
        self._fitting: set[tuple[int, int]] = set()  # lengths of file name and sha256

    @cached_property
    def _by_table(self) -> ByTable:
        # Streams of a few products have no tables.
        from maas_stream_lint.imports.legacy.by_table import ByTable

        return ByTable(self.recorder, self.store)

    def write(self, wanted: Wanted) -> None:
        """Walk over the same files again: ``BootResourceRepoWriter``."""
        for file in self.first.files:
            plains = [] if self.store.told else [self._chosen(p, wanted) for p in file.plains]
            for part in file.runs([made for p in plains if (made := self._by_table.batch(p))]):
                if isinstance(part, int):
                    self._write_product(self.first.walked(file, part), wanted)
                elif not self._by_table.write(part):
                    for position in self._by_table.positions(part):
                        self._write_product(self.first.walked(file, position), wanted)

    def _chosen(self, plain: Plain, wanted: Wanted) -> Plain:
        """The products of a table that are chosen."""
        if wanted.all_plain:
            return plain
        keys = wanted.keys
        return plain.without({row for row, key in enumerate(plain.keys()) if key not in keys})

    def _write_product(self, walked: Walked, wanted: Wanted) -> None:
        product = walked.flat
        chosen = self._choose(product, wanted.keys)
        newest = product.versions[product.newest].get("items", {})
        if chosen is None and newest:
            if walked.claims and not walked.aborted and self.recorder.trace.fatal is None:
                self._passed_over(walked, wanted)
                return
            if not walked.dropped:
                chosen = product.newest
        if chosen is None:
            return
        items = product.versions[chosen].get("items", {})
        older = chosen != product.newest  # so the first pass has not judged it
        if older and newest and walked.claims and self.recorder.trace.fatal is None:
            self._unmapped(walked, instead=chosen)
        self._supported = walked.claimed  # as the first pass has found
        for item in product.items(chosen):
            if not older or self.recorder.checksummed(item):
                self._write_item(product.name, chosen, items, item)

    def _passed_over(self, walked: Walked, wanted: Wanted) -> None:
        """Tell whether nobody selects a product, or others hold its claims."""
        if wanted.everything:
            self._unmapped(walked)
            return
        file, path = walked.flat.place[:2]
        for spec in self.first.specs(walked):
            if self.first.mapping[spec].flat is walked.claimed:  # as of most products
                self.recorder.trace.unselected.add((file, walked.flat.name))
                return
            holder = self.first.mapping[spec].place
            if (holder.file, holder.path[:2]) == (file, path):
                self.recorder.trace.unselected.add((file, walked.flat.name))
                return
        self._unmapped(walked)

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
        mapping = self.first.mapping
        winners = {mapping[spec].place: None for spec in self.first.specs(walked)}
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
            line = ignored(ftype, product, vername)
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
            self._made_of, self._made, self._held = item.base, resource, None
            self._odd = any(text.count("/") != 1 for text in resource[:2])
        name, architecture = self._made[:2]
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
        stored = self.store.stored
        if self._odd:
            known = sha256 in stored.needed or (name, architecture) in stored.aliases
            if self._splits(name, known=known):
                identity_ = {"name": name, "architecture": architecture}
                message = "too many values to unpack (expected 2)"
                self.recorder.abort(
                    "slash-in-name", item.place, "ValueError", message, values=identity_
                )
                return
        if self.store.told and self.recorder.trace.fatal is not None:
            return
        if self._held is None:
            self._held = self._get_set(item.base)
        size = item.raw["size"] if item.usual else int(item.get("size") or 0)
        origin = Import(item.product.file, product, vername, item.key)
        new = HeldFile(filename, ftype, sha256, size, origin)
        if self.store.insert(self.recorder, self.source, *self._held, new, item):
            self.recorder.trace.imported.append(origin)

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
            and (
                (len(filename), len(sha256)) in self._fitting
                or (
                    answers.too_long("file-name", len(filename)) is None
                    and answers.too_long("file-sha256", len(sha256)) is None
                )
            )
        ):
            self._fitting.add((len(filename), len(sha256)))
            return True
        return self._closely_fits(filename, sha256, item)

    def _closely_fits(self, filename: str, sha256: str, item: FlatItem) -> bool:
        at = item.place
        try:
            size = int(item.get("size") or "")
        except ValueError as error:
            self._no_size(item, str(error))
            return False
        if size not in self.recorder.answers.sizes() and self._keeps_size(sha256):
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
        each = self.recorder.answers.policy("contents") == "each-file"
        return each or sha256 not in self.store.stored.needed

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

    def _get_set(self, fields: dict[str, str]) -> tuple[HeldResource, HeldSet]:
        made = self._made
        resource, held = self.store.set_of(
            self.recorder, made, fields["version_name"], fields["label"]
        )
        resource.bootloader = self._is_bootloader(made.name, fields)
        resource.rolling = fields.get("rolling") in TRUE
        resource.extra = self._extra(fields)
        return resource, held

    def _is_bootloader(self, name: str, fields: dict[str, str]) -> bool:
        return "bootloader-type" in fields and name.partition("/")[0] != self.recorder.snap

    def _extra(self, fields: dict[str, str]) -> dict[str, str]:
        """What ``BootResource.extra`` holds of the product."""
        if "platform" not in fields and "supported_platforms" not in fields:
            return {"subarches": fields["subarches"]} if "subarches" in fields else {}
        # Asked only where it matters, or lines that differ in this could not share an import.
        kept = self.recorder.answers.policy("resource-extra")
        return {key: fields[key] for key in kept if key in fields}
