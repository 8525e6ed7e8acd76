"""What each MAAS release line accepts: the data of ``rules/``, merged and typed."""

from __future__ import annotations

import re
from functools import cache, cached_property, lru_cache
from itertools import chain
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from maas_stream_lint.errors import UsageError
from maas_stream_lint.records import record
from maas_stream_lint.rule_files import release_lines
from maas_stream_lint.rule_tables import rules_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


@record(frozen=True)
class Shape:
    """One of the forms a products file may have for the strict engine.

    Mirrors a ``SimpleStreamsProductList`` (3.8, maasservicelayer/simplestreams/models.py).
    """

    name: str  #: ``bootloader``, ``multi-file`` or ``single-file``
    product: dict[str, str]  #: field → type, see ``rules/README.md``
    version: dict[str, str]
    item: dict[str, str]
    required: tuple[str, ...]  #: item keys that every version must have
    one_of: tuple[str, ...]  #: item keys of which every version needs one
    downloads: tuple[str, ...]  #: item keys that are fetched, in MAAS's order

    @cached_property
    def plain_product(
        self,
    ) -> tuple[Callable[[dict[str, Any]], tuple[Any, ...]], tuple[str, ...], dict[str, str]]:
        """A getter of the texts that a product must have, its optional texts, all other fields."""
        texts = [name for name, kind in self.product.items() if kind == "text"]
        options = tuple(name for name, kind in self.product.items() if kind == "text~")
        named = {*texts, *options}
        others = {name: kind for name, kind in self.product.items() if name not in named}
        return itemgetter(*texts), options, others

    @cached_property
    def plain_item(
        self,
    ) -> tuple[Callable[[dict[str, Any]], tuple[Any, ...]], tuple[type, ...], tuple[str, ...]]:
        """A getter of an item's required fields, their usual types, and its optional texts."""
        usual = {"text": str, "number": int}
        needed = [name for name, kind in self.item.items() if kind in usual]
        options = tuple(name for name, kind in self.item.items() if kind == "text~")
        return itemgetter(*needed), tuple(usual[self.item[name]] for name in needed), options

    @cached_property
    def roots(self) -> frozenset[str]:
        """The item keys of which every version needs one."""
        return frozenset(self.one_of)

    @cached_property
    def no_items(self) -> frozenset[str]:
        """Keys under ``items`` that say something of the version instead."""
        return frozenset((*self.version, "version_name"))

    @cached_property
    def item_keys(self) -> tuple[str, ...]:
        """All item keys the shape knows."""
        return self.required + tuple(k for k in self.one_of if k not in self.required)


@record(frozen=True)
class Release:
    """One MAAS release line, as ``rules/releases/LINE.toml`` has it after ``extends``."""

    line: str  #: ``3.7``
    data: dict[str, Any]

    @property
    def version(self) -> str:
        """The release that was read: the running version of the simulation."""
        return str(self.data["version"])

    @property
    def strict(self) -> bool:
        """Whether metadata is read by the strict engine."""
        return bool(self.data["engine"] == "strict")

    @cached_property
    def names(self) -> dict[str, re.Pattern[str]]:
        """Patterns that a product name must hold: by ``os``, and one of ``bootloader``."""
        patterns = {k: p for k, p in self.data["names"].items() if isinstance(p, str)}
        return {k: re.compile(p, re.IGNORECASE) for k, p in patterns.items()}

    def names_default(self, name: str) -> bool:
        """Whether a product name is one of the default system, as MAAS wants it."""
        return self.names[default_system()].search(name) is not None

    @property
    def ubuntu_hint(self) -> list[str]:
        """What an Ubuntu product name may hold, as people write it."""
        return list(self.data["names"]["ubuntu-hint"])

    @cached_property
    def bootloaders(self) -> frozenset[tuple[str, str, str]]:
        """The (type, os, arch) that MAAS boots from."""
        return frozenset((b["type"], b["os"], b["arch"]) for b in self.data["bootloaders"])

    @cached_property
    def boots(self) -> dict[tuple[str, str, str], tuple[str, ...]]:
        """The same → the machine architectures that each starts."""
        tables = self.data["bootloaders"]
        return {(b["type"], b["os"], b["arch"]): tuple(b["boots"]) for b in tables}

    @cached_property
    def bootloader_files(self) -> dict[tuple[str, str, str], tuple[str, ...]]:
        """The same → the files that its archives must hold."""
        tables = self.data["bootloaders"]
        return {(b["type"], b["os"], b["arch"]): tuple(b["files"]) for b in tables}

    @cached_property
    def ftypes(self) -> frozenset[str]:
        """The file types that MAAS stores."""
        return frozenset(self.data["import"]["ftypes"])

    def stores(self, key: str, ftype: str | None) -> bool:
        """Whether an item is downloaded: by its ftype, on the strict engine by its key."""
        if self.strict:
            return any(key in shape.downloads for shape in self.shapes)
        return ftype in self.ftypes

    def policy(self, name: str) -> Any:
        """A member of the file's ``[import]`` table."""
        return self.data["import"][name]

    def refusal(self, name: str) -> str:
        """A member of the ``[database]`` table: ``EXCEPTION: TEXT``."""
        return str(self.data["database"][name])

    def download(self, name: str) -> Any:
        """A member of the ``[download]`` table."""
        return self.data["download"][name]

    def limit(self, name: str) -> int | None:
        """A member of the ``[limits]`` table, ``None`` where the line has no such column."""
        width: int | None = self.data["limits"].get(name)
        return width

    @cached_property
    def drivers(self) -> dict[str, tuple[str, ...]]:
        """OS driver → ftypes of the root files it deploys."""
        known = self.data["drivers"]
        matched = {pattern: self._matched(pattern) for pattern in {*chain(*known.values())}}
        return {
            os: tuple(chain.from_iterable(map(matched.__getitem__, accepts)))
            for os, accepts in known.items()
            if accepts
        }

    def _matched(self, pattern: str) -> list[str]:
        """The ftypes that a pattern matches; ``*`` matches any end."""
        if not pattern.endswith("*"):
            return [pattern]
        return sorted(f for f in self.ftypes if f.startswith(pattern[:-1]))

    def deploy(self, name: str) -> Any:
        """A member of the ``[deploy]`` table."""
        return self.data["deploy"][name]

    def selections(self, name: str) -> Any:
        """A member of the ``[selections]`` table."""
        return self.data["selections"][name]

    def use(self, name: str) -> Any:
        """A member of the ``[use]`` table."""
        return self.data["use"][name]

    @cached_property
    def curtin_types(self) -> dict[str, dict[str, str]]:
        """OS driver → ftype of a root file that it takes → the type that MAAS tells curtin."""
        types = self.use("curtin-types")
        return {
            os: {ftype: types[ftype] for ftype in ftypes if ftype in types}
            for os, ftypes in self.drivers.items()
        }

    @cached_property
    def ubuntu_set(self) -> UbuntuSet:
        """What an Ubuntu image needs to boot."""
        parts = self.data["ubuntu-set"]
        return UbuntuSet(parts["kernel"], parts["initrd"], tuple(parts["roots"]))

    @cached_property
    def models(self) -> dict[str, Any]:
        """Field types of the strict engine's ``index``, ``entry`` and ``file``."""
        return dict(self.data["models"])

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The strict engine's products files, in the order they are tried."""
        return tuple(
            Shape(
                name=s["name"],
                product=s["product"],
                version=s["version"],
                item=s["item"],
                required=tuple(s["required"]),
                one_of=tuple(s["one-of"]),
                downloads=tuple(s["downloads"]),
            )
            for s in self.models["shapes"]
        )


@record(frozen=True)
class FileType:
    """What is known of an ftype, as ``rules/ftypes.toml`` has it.

    The contents of a file are layers, from the outside in: ``("gzip", "tar")``.
    """

    family: str  #: ``tarball``, ``disk``, ``live`` …, see ``rules/README.md``
    upload: str | None  #: what ``maas $PROFILE boot-resources create`` calls it
    stream: bool  #: whether a stream may carry it
    called: tuple[str, ...]  #: what people write for it
    beside: tuple[str, ...]  #: names of such a file beside an image; ``{stem}``: the image's name
    usual: tuple[tuple[str, ...], ...]  #: what the file is meant to be
    also: tuple[tuple[str, ...], ...]  #: what works as well
    perhaps: tuple[tuple[str, ...], ...]  #: what may work; first bytes can't tell
    but_not: tuple[tuple[str, ...], ...]  #: what does not, wherever it is in what does

    @property
    def root(self) -> bool:
        """Whether the file is the system itself."""
        return self.family in ("live", "tarball", "disk")


@record(frozen=True)
class System:
    """What is known of an ``os``, as ``rules/systems.toml`` has it."""

    default: bool = False  #: a product without ``os`` is one of it
    own_kernel: bool = False  #: its images bring the kernel that they boot with
    gadget: bool = False  #: its images are named by release and gadget
    stream: bool = True  #: whether its images can come from a stream


@record(frozen=True)
class UbuntuSet:
    """The ftypes that an Ubuntu image needs to boot."""

    kernel: str
    initrd: str
    roots: tuple[str, ...]  #: one of them, the best first

    @property
    def parts(self) -> tuple[str, str, str]:
        """What a whole set has, with the best root."""
        return (self.kernel, self.initrd, self.roots[0])

    def is_whole(self, held: Collection[str | None]) -> bool:
        """Whether these ftypes are all that an image needs: kernel, initrd and a root."""
        return (
            self.kernel in held and self.initrd in held and any(root in held for root in self.roots)
        )


@lru_cache(maxsize=1)
def all_releases() -> tuple[Release, ...]:
    """Every release line there is a file for, oldest first."""
    raw = {line: rules_table(f"releases/{line}.toml") for line in release_lines()}
    whole: dict[str, dict[str, Any]] = {}
    return tuple(Release(line, _extended(line, raw, whole)) for line in raw)


@lru_cache(maxsize=1)
def ftypes() -> Mapping[str, FileType]:
    """What is known of each ftype, in the order in which they are proposed."""
    return MappingProxyType(
        {name: _file_type(raw) for name, raw in rules_table("ftypes.toml").items()}
    )


@lru_cache(maxsize=1)
def systems() -> Mapping[str, System]:
    """What is known of each ``os``."""
    return MappingProxyType(
        {
            name: System(**{key.replace("-", "_"): value for key, value in raw.items()})
            for name, raw in rules_table("systems.toml").items()
        }
    )


@lru_cache(maxsize=1)
def default_system() -> str:
    """The ``os`` of a product that says none."""
    return next(name for name, system in systems().items() if system.default)


def is_root(ftype: str | None) -> bool:
    """Whether a file of an ftype is the system itself."""
    known = ftypes().get(ftype or "")
    return known is not None and known.root


@lru_cache(maxsize=1)
def gadget_system() -> str:
    """The ``os`` whose images are named by release and gadget."""
    return next(name for name, system in systems().items() if system.gadget)


@lru_cache(maxsize=1)
def unmissed_ftypes() -> frozenset[str]:
    """The ftypes of files that are no part of an image."""
    return frozenset((*of_family("listing"), *of_family("notice")))


@cache
def of_family(family: str) -> tuple[str, ...]:
    """The ftypes of a family."""
    return tuple(name for name, known in ftypes().items() if known.family == family)


def disk_packed_as(*layers: str) -> str | None:
    """The ftype of a raw disk image in layers, from the outside in: ``"gzip", "tar"``."""
    wanted = (*layers, "disk")
    return next((name for name in of_family("disk") if wanted in ftypes()[name].usual), None)


@cache
def streamed(family: str) -> tuple[str, ...]:
    """The ftypes of a family that a stream may carry."""
    return tuple(name for name in of_family(family) if ftypes()[name].stream)


def releases(lines: Iterable[str] | None = None) -> tuple[Release, ...]:
    """The named release lines, all of them for ``None``, oldest first and each once.

    Each is ``3.6``, a range like ``3.5-3.7`` or ``3.5+``, or ``latest``. A patch release
    (``3.6.5``) means its line, and ``v3.6`` is ``3.6``. Raises UsageError for an unknown one.
    """
    if lines is None:
        return all_releases()
    known = [release.line for release in all_releases()]
    wanted = {line for given in lines for line in _lines_meant(str(given), known)}
    if not wanted:
        raise UsageError("no MAAS release line given", "known: " + ", ".join(known))
    return tuple(release for release in all_releases() if release.line in wanted)


def _lines_meant(given: str, known: list[str]) -> list[str]:
    """``3.5-3.7`` → ``["3.5", "3.6", "3.7"]``. The report's own dash is one, too."""
    text = given.strip().lower().replace("\N{EN DASH}", "-")
    if text.endswith("+"):
        text = f"{text[:-1]}-"
    first, dash, last = text.partition("-")
    begin = _line_meant(first, given, known)
    end = _line_meant(last, given, known) if last else len(known) - 1 if dash else begin
    if end < begin:
        raise UsageError(f"no MAAS release line is in {given!r}", "name the older line first")
    return known[begin : end + 1]


def _line_meant(text: str, given: str, known: list[str]) -> int:
    """The position of a line among those that are known."""
    line = ".".join(text.strip().removeprefix("v").split(".")[:2])
    line = known[-1] if line == "latest" else line
    if line not in known:
        ranges = f"{known[0]}-{known[-1]}, {known[0]}+ and latest"
        hint = f"known: {', '.join(known)}; also ranges like {ranges}"
        raise UsageError(f"no MAAS release line {given!r}", hint)
    return known.index(line)


def _file_type(raw: dict[str, Any]) -> FileType:
    kinds = ("usual", "also", "perhaps", "but-not")
    return FileType(
        raw["family"],
        raw.get("upload"),
        raw.get("stream", True),
        tuple(raw.get("called", ())),
        tuple(raw.get("beside", ())),
        *(tuple(map(_layers, raw.get(kind, ()))) for kind in kinds),
    )


def _layers(pattern: str) -> tuple[str, ...]:
    return () if pattern == "anything" else tuple(pattern.rstrip(")").split("("))


def _extended(
    line: str, raw: dict[str, dict[str, Any]], whole: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The data of a line with what it takes from others. ``whole``: those that are worked out."""
    if line not in whole:
        own = dict(raw[line])
        parent = own.pop("extends", None)
        whole[line] = _merged(_extended(parent, raw, whole), own) if parent else own
    return whole[line]


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
