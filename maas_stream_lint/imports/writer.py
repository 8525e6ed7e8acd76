"""Pass 2: what is recorded for download.

Mirrors ``BootResourceRepoWriter`` and ``BootResourceStore`` (maasserver/bootresources.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.answers import plain
from maas_stream_lint.imports.flat import UNSTORED, Claim, Key, Walked, identity
from maas_stream_lint.imports.trace import Import, Resource

if TYPE_CHECKING:
    from maas_stream_lint.finding import Place
    from maas_stream_lint.imports.database import Database
    from maas_stream_lint.imports.descriptions import Descriptions
    from maas_stream_lint.imports.journal import Journal

NOTHING = "Unable to import boot images, no image descriptions avaliable."  # sic
#: Fields that a boot resource and its set are made of.
MADE_OF = (
    *("os", "arch", "label", "release", "bootloader-type", "kflavor", "subarch", "subarches"),
    *("version", "gadget_snap", "kernel_snap", "version_name", "rolling", "platform"),
    "supported_platforms",
)
#: What a file stores beside its name, type, digest and size.
EXTRAS = ("kpackage", "src_package", "src_release", "src_version", "kparams")
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
    files: dict[str, str] = field(default_factory=dict)  #: file name → ftype

    @property
    def filetypes(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.files.values())))


@dataclass
class _Resource:
    kflavor: str | None = None
    sets: dict[str, _Set] = field(default_factory=dict)


class Writer:
    """The boot resources in the making."""

    def __init__(self, journal: Journal, database: Database, described: Descriptions) -> None:
        """``described``: what pass 1 left."""
        self.journal = journal
        self.database = database
        self.mapping = described.mapping
        self.walked = described.walked
        self._resources: dict[tuple[str, str, str], _Resource] = {}
        self._aliases: dict[tuple[str, str], str] = {}  # (name, architecture) → its first alias
        self._contents: set[str] = set()
        # What the items of a version have in common is judged once.
        self._supported: tuple[str | None, ...] = ()
        self._made: dict[tuple[str | None, ...], tuple[str, str, str | None]] = {}

    def write(self) -> None:
        """Pass 2 over the same files: ``BootResourceRepoWriter``."""
        if not self.mapping and self.journal.trace.fatal is None:
            self.journal.trace.say("writer", "warning", NOTHING)
            return
        wanted: set[Key] = set()
        for claim in self.mapping.values():
            key = identity(claim.flat)
            if key is None:
                self.journal.no_content_id(claim.place.file)
            else:
                wanted.add(key)
        for product in self.walked:
            self._write_product(product, wanted)

    def _write_product(self, walked: Walked, wanted: set[Key]) -> None:
        product = walked.flat
        chosen = None
        for vername in sorted(product.versions, reverse=True):
            key = product.identity(vername)
            if key is None:
                self.journal.no_content_id(product.file)
            elif key in wanted:
                chosen = chosen or vername
        newest = product.versions[product.newest].get("items", {})
        if chosen is None and newest:
            if walked.specs and not walked.aborted and self.journal.trace.fatal is None:
                self._unmapped(walked)
                return
            if not walked.dropped:
                chosen = product.newest
        if chosen is None:
            return
        items = product.versions[chosen].get("items", {})
        older = chosen != product.newest  # so pass 1 has not judged it
        for item, flat, place in product.items(chosen):
            unjudged = older and item.get("path")
            if unjudged and not self.journal.checksummed(item["path"], flat, place):
                continue
            self._write_item(product.name, chosen, items, item, flat, place)

    def _unmapped(self, walked: Walked) -> None:
        """Silently not imported: no tuple of the cache leads to the product's newest version."""
        at = walked.flat.place
        winners = {self.mapping[spec].place: None for spec in walked.specs}
        own = [p for p in winners if (p.file, p.path[:2]) == at[:2]]
        if own:
            self.journal.drop("identity-overridden", own[0])
            return
        others = sorted(p.product for p in winners if p.product is not None)
        winner = others[0] if others else None
        values = {"winner": winner, "place": next(iter(winners))}
        self.journal.drop("duplicate-tuple", at, values=values)

    def _write_item(
        self,
        product: str,
        vername: str,
        items: dict[str, Any],
        item: dict[str, Any],
        flat: dict[str, str],
        at: Place,
    ) -> None:
        """``BootResourceRepoWriter.insert_item``."""
        supported = flat.get("maas_supported")
        if supported is not None:
            verdict, wanted = self.journal.ask("maas-supported", supported)
            if verdict == "unparsable":
                self.journal.abort(
                    "maas-supported-unparsable",
                    at,
                    "InvalidVersion",
                    f"Invalid version: '{supported}'",
                    values={"maas_supported": supported},
                )
            elif verdict == "newer":
                line = f"Ignoring {product}, requires a newer version of MAAS({wanted})"
                self.journal.trace.say("writer", "warning", line)
                self.journal.drop("maas-supported-newer", at, line, {"maas_supported": supported})
                return
        ftype = flat.get("ftype")
        if ftype is None:
            self.journal.abort(
                "missing-ftype", at, "KeyError", "'ftype'", values={"key": at.path[-1]}
            )
            return
        if ftype == "notifications":
            self._notify(item, at)
        if ftype == "root-image.gz" and "squashfs" in items:
            self.journal.drop("squashfs-key", at, values={"squashfs": items["squashfs"]})
        elif not self.journal.ask("ftype", ftype):
            line = f"Ignoring unsupported filetype({ftype}) from {product} {vername}"
            self.journal.trace.say("writer", "warning", line)
            if ftype not in UNSTORED and at.path[-1] != "manifest":
                self.journal.drop("unknown-ftype", at, line, {"ftype": ftype})
        elif self._is_supported(product, flat, at):
            self._store(product, vername, flat, at)

    def _is_supported(self, product: str, flat: dict[str, str], at: Place) -> bool:
        judged_by = (product, flat.get("os"), flat.get("bootloader-type"), flat.get("arch"))
        if judged_by == self._supported:  # mostly as the item before
            return True
        if not self.journal.supported(product, flat, at):
            return False
        self._supported = judged_by
        return True

    def _notify(self, item: dict[str, Any], at: Place) -> None:
        """``ReleaseNotifications``: exactly three members, whatever their values."""
        if "release_notification" not in item:
            self.journal.abort("release-notification", at, "KeyError", "'release_notification'")
            return
        said = item["release_notification"]
        if not isinstance(said, dict) or set(said) != {"maas_version", "message", "version"}:
            self.journal.abort(
                "release-notification",
                at.below("release_notification"),
                "TypeError",
                "ReleaseNotification() got wrong arguments",
            )

    def _store(self, product: str, vername: str, flat: dict[str, str], at: Place) -> None:
        """``BootResourceStore.insert``: resource, set and file."""
        claim = Claim(flat, at)
        made_of = tuple(map(flat.get, MADE_OF))
        resource = self._made.get(made_of)
        if resource is None:
            resource = self._make(flat, claim)
            if resource is None:
                return
            self._made[made_of] = resource
        name, architecture, kflavor = resource
        if "path" not in flat:
            self.journal.abort("missing-path", at, "KeyError", "'path'")
            return
        if "sha256" not in flat:
            self.journal.abort(
                "missing-sha256", at, "KeyError", "'sha256'", values={"stored": True}
            )
            return
        if not self._file_fits(flat, claim):
            return
        known = flat["sha256"] in self._contents or (name, architecture) in self._aliases
        self._contents.add(flat["sha256"])
        if self._splits(name, architecture, known=known):
            self.journal.abort(
                "slash-in-name",
                at,
                "ValueError",
                "too many values to unpack (expected 2)",
                values={"name": name, "architecture": architecture},
            )
            return
        self._record(name, architecture, kflavor, flat)
        self.journal.trace.imported.append(Import(at.file, product, vername, str(at.path[-1])))

    def _make(self, flat: dict[str, str], claim: Claim) -> tuple[str, str, str | None] | None:
        """``get_or_create_boot_resource``: name, architecture and kflavor of the boot resource."""
        os, bootloader = flat.get("os", "ubuntu"), flat.get("bootloader-type")
        for name in (
            "arch",
            *(() if bootloader is not None and os != "ubuntu-core" else ("release",)),
            "label",
        ):
            if name not in flat:
                self.journal.abort(f"missing-{name}", claim.place, "KeyError", f"'{name}'")
                return None
        kflavor, subarch, series = flat.get("kflavor"), "generic", bootloader
        if os == "ubuntu-core":
            if "gadget_snap" not in flat:
                self.journal.abort("ubuntu-core-gadget", claim.place, "KeyError", "'gadget_snap'")
                return None
            kflavor, series = (
                flat.get("kernel_snap", "generic"),
                f"{flat['release']}-{flat['gadget_snap']}",
            )
        elif bootloader is None:
            subarch = self.journal.ask("subarch", flat.get("subarch", "generic"), kflavor)
            series = flat["release"]
        name, architecture = f"{os}/{series}", f"{flat['arch']}/{subarch}"
        if not self._is_storable(name, architecture, kflavor, flat, claim):
            return None
        return name, architecture, kflavor

    def _is_storable(
        self, name: str, architecture: str, kflavor: str | None, flat: dict[str, str], claim: Claim
    ) -> bool:
        """What ``BootResource.save`` and ``BootResourceSet.save`` refuse."""
        rolling = flat.get("rolling")
        if rolling is not None and rolling not in ("True", "False", "t", "f", "1", "0"):
            self.journal.abort(
                "rolling-not-boolean",
                claim.place,
                "ValidationError",
                f"'{rolling}' value must be either True or False.",
                values={"rolling": rolling},
            )
            return False
        version = flat.get("version")
        alias = f"{flat.get('os', 'ubuntu')}/{version}" if version else ""
        texts = (name, architecture, kflavor or "", alias, flat["version_name"], flat["label"])
        extras = ("subarches", "platform", "supported_platforms")
        return all(
            [
                self.database.fits(*column, text, claim)
                for column, text in zip(STORED, texts, strict=True)
            ]
            + [
                self.database.fits(None, extra, flat[extra], claim)
                for extra in extras
                if extra in flat
            ]
        )

    def _file_fits(self, flat: dict[str, str], claim: Claim) -> bool:
        """What ``BootResourceFile.save`` and its content row refuse."""
        name = flat["path"].rsplit("/", 1)[-1]
        extras = {extra: flat[extra] for extra in EXTRAS if extra in flat}
        try:
            size = int(flat["size"])
        except KeyError:
            self.journal.abort("missing-size", claim.place, "KeyError", "'size'")
            return False
        except ValueError as error:
            self.journal.abort(
                "size-not-a-number",
                claim.place,
                "ValueError",
                str(error),
                values={"size": flat["size"]},
            )
            return False
        if not -(2**63) <= size < 2**63:
            self.journal.abort(
                "size-out-of-range",
                claim.place,
                "DataError",
                "bigint out of range",
                values={"size": size},
            )
            return False
        if plain((name, *extras.values())):
            return self.database.fits("file-sha256", "sha256", flat["sha256"], claim)
        return all(
            [
                self.database.fits("file-name", "file name", name, claim),
                self.database.fits("file-sha256", "sha256", flat["sha256"], claim),
                *(self.database.fits(None, extra, text, claim) for extra, text in extras.items()),
            ]
        )

    def _splits(self, name: str, architecture: str, *, known: bool) -> bool:
        """Whether MAAS takes the resource's name apart here and fails: ``get_resource_identity``.

        ``known``: the resource or the file's content is stored already.
        """
        if name.count("/") == 1 and architecture.count("/") == 1:
            return False
        if self.journal.ask("policy", "splits-identity") == "always":
            return name.count("/") != 1
        return known

    def _record(
        self, name: str, architecture: str, kflavor: str | None, flat: dict[str, str]
    ) -> None:
        alias = flat.get("version") or ""
        first = self._aliases.setdefault((name, architecture), alias)
        if alias != first and "alias" not in self.journal.ask("policy", "resource-key"):
            alias = first
        resource = self._resources.setdefault((name, architecture, alias), _Resource())
        resource.kflavor = kflavor
        set_ = resource.sets.setdefault(flat["version_name"], _Set(flat["label"]))
        set_.label = flat["label"]
        if flat["ftype"] == "squashfs":
            set_.files = {n: f for n, f in set_.files.items() if f != "root-image.gz"}
        set_.files[flat["path"].rsplit("/", 1)[-1]] = flat["ftype"]

    def resources(self) -> list[Resource]:
        """What the import leaves."""
        return [
            Resource(" ".join(key[:2]), version, set_.label, resource.kflavor, set_.filetypes)
            for key, resource in self._resources.items()
            for version, set_ in resource.sets.items()
        ]
