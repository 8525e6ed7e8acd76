"""The questions on which release lines may differ, and the answers, remembered.

A simulated import is a function of the answers it was given. A later line that would answer all of
them alike has the same import, so it need not be simulated again.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_stream_lint.rulebook import Release

Answer = TypeVar("Answer")


class Answers:
    """One release line's answers. It keeps all it was asked."""

    def __init__(self, release: Release) -> None:
        """Nothing is asked yet."""
        self.release = release
        self._given: dict[tuple[Any, ...], Any] = {}
        self._alike = [release]

    def named(self, kind: str, product: str) -> bool:
        """Whether a product's name holds what MAAS demands of its kind."""
        key = (named, kind, product)
        try:
            found: bool = self._given[key]
        except KeyError:
            found = self._answer(key)
        return found

    def misnamed(self, kind: str, products: tuple[str, ...]) -> frozenset[str]:
        """The products whose names lack what MAAS demands of their kind."""
        return self._ask(misnamed, kind, products)

    def boots(self, type_: str, os: str | None, arch: str | None) -> bool:
        """Whether MAAS boots machines with such a bootloader."""
        key = (boots, type_, os, arch)
        try:
            found: bool = self._given[key]
        except KeyError:
            found = self._answer(key)
        return found

    def stores(self, ftype: str) -> bool:
        """Whether MAAS stores files of an ftype."""
        key = (stores, ftype)
        try:
            found: bool = self._given[key]
        except KeyError:
            found = self._answer(key)
        return found

    def policy(self, name: str) -> Any:
        """A member of the line's ``[import]`` table; a list as a tuple."""
        key = (policy, name)
        try:
            found: Any = self._given[key]
        except KeyError:
            found = self._answer(key)
        return found

    def too_long(self, column: str, length: int) -> int | None:
        """The column's width if a text of ``length`` does not fit, else ``None``."""
        key = (too_long, column, length)
        try:
            found: int | None = self._given[key]
        except KeyError:
            found = self._answer(key)
        return found

    def sizes(self) -> range:
        """The sizes of a file that the line's database stores."""
        return self._ask(sizes)

    def refusal(self, said: str) -> str:
        """``EXCEPTION: TEXT`` of what the database says to a text that it does not store."""
        return self._ask(refusal, said)

    def log_text(self, name: str) -> str:
        """A member of the line's ``[log]`` table: what MAAS writes."""
        return self._ask(log_text, name)

    def flavoured(self, subarch: str, kflavor: str | None) -> str:
        """The subarch with its flavour, as the boot resource is called."""
        key = (flavoured, subarch, kflavor)
        try:
            found: str = self._given[key]
        except KeyError:
            found = self._answer(key)
        return found

    def supported(self, text: str) -> tuple[str, str]:
        """What becomes of a product with such a ``maas_supported``."""
        return self._ask(supported, text)

    def dated(self, text: str) -> bool:
        """Whether the cache can store a ``support_eol``."""
        return self._ask(dated, text)

    def shared_by(self, release: Release) -> bool:
        """Whether another line would have given the very same answers; it is remembered if so."""
        if release.data["engine"] != self.release.data["engine"]:
            return False
        # Most answers rest on data that lines have in common: those need not be asked for again.
        open_ = {
            question
            for question, rests_on in GROUNDS.items()
            if all(rests_on(release) != rests_on(known) for known in self._alike)
        }
        same = all(
            question(release, *given) == answer
            for (question, *given), answer in self._given.items()
            if question in open_
        )
        if same:
            self._alike.append(release)
        return same

    def _ask(self, question: Callable[..., Answer], *given: Any) -> Answer:
        key = (question, *given)
        answer: Answer = self._given[key] if key in self._given else self._answer(key)
        return answer

    def _answer(self, key: tuple[Any, ...]) -> Any:
        """Work an answer out. The methods that are asked for every item look it up themselves."""
        answer = self._given[key] = key[0](self.release, *key[1:])
        return answer


def named(release: Release, kind: str, product: str) -> bool:
    """Whether a product's name holds what a release demands of its kind."""
    return release.names[kind].search(product) is not None


def misnamed(release: Release, kind: str, products: tuple[str, ...]) -> frozenset[str]:
    """The products whose names lack what a release demands of their kind."""
    search = release.names[kind].search
    return frozenset(name for name in products if search(name) is None)


def boots(release: Release, type_: str, os: str | None, arch: str | None) -> bool:
    """Whether a release boots machines with such a bootloader."""
    return (type_, os, arch) in release.bootloaders


def stores(release: Release, ftype: str) -> bool:
    """Whether a release stores files of an ftype."""
    return ftype in release.ftypes


def policy(release: Release, name: str) -> Any:
    """A member of a release's ``[import]`` table; a list as a tuple."""
    value = release.policy(name)
    return tuple(value) if isinstance(value, list) else value


def too_long(release: Release, column: str, length: int) -> int | None:
    """The column's width if a text of ``length`` does not fit, else ``None``."""
    limit = release.limit(column)
    return limit if limit is not None and length > limit else None


def sizes(release: Release) -> range:
    """The sizes of a file that a release's database stores: signed numbers of so many bits."""
    half = 2 ** ((release.limit("file-size-bits") or 64) - 1)
    return range(-half, half)


def refusal(release: Release, said: str) -> str:
    """``EXCEPTION: TEXT`` of what the database says to a text that it does not store."""
    return release.refusal(said)


def log_text(release: Release, name: str) -> str:
    """A member of a release's ``[log]`` table: what MAAS writes."""
    return str(release.data["log"][name])


def flavoured(release: Release, subarch: str, kflavor: str | None) -> str:
    """The subarch with its flavour, as a release calls the boot resource.

    Mirrors ``get_or_create_boot_resource`` (src/maasserver/bootresources.py) and
    ``_from_simplestreams_multi_file_product`` (3.8, maasservicelayer/builders/bootresources.py).
    """
    rule = release.policy("flavour")
    if rule == "not-subarch":
        if kflavor in (subarch, "generic") or not ("hwe-" in subarch or "ga-" in subarch):
            return subarch
        if subarch.endswith("-edge"):
            return f"{subarch.removesuffix('-edge')}-{kflavor}-edge"
        return f"{subarch}-{kflavor}"
    if kflavor is None or kflavor == "generic":
        return subarch
    if rule == "subarch-prefix":
        applies, edge = subarch.startswith(("hwe-", "ga-")), "edge" in subarch
    else:
        applies = ("hwe-" in subarch or "ga-" in subarch) and kflavor not in subarch
        edge = subarch.endswith("-edge")
    if not applies:
        return subarch
    if edge:
        parts = subarch.split("-")
        return "-".join([*parts[:-1], kflavor, parts[-1]])
    return f"{subarch}-{kflavor}"


def supported(release: Release, text: str) -> tuple[str, str]:
    """``("fits" | "newer" | "unparsable", the version as MAAS words it)``.

    Mirrors ``insert_item`` (src/maasserver/bootresources.py): up to 3.5 ``parse_version`` takes
    any text, and what is no version sorts before all.
    """
    from packaging.version import InvalidVersion, Version

    try:
        wanted = Version(text)
    except InvalidVersion:
        return ("unparsable" if release.policy("maas-supported") == "strict" else "fits", text)
    return ("newer" if wanted > Version(release.version) else "fits", str(wanted))


def dated(release: Release, text: str) -> bool:
    """Whether a release can store a ``support_eol`` in its cache.

    Mirrors ``_update_cache`` (src/maasserver/bootsources.py). An empty text is not parsed there
    but refused by the date field.
    """
    if not text:
        return False
    if _is_plain_date(text):
        return True
    if release.policy("support-eol") == "strptime":
        return _parses(lambda: datetime.strptime(text, "%Y-%m-%d"))
    return _parses(lambda: _django_date(text))


def _is_plain_date(text: str) -> bool:
    """Whether it is a date like ``2029-05-31``, which all take. ``strptime`` loads slowly."""
    return (
        len(text) == 10 and text[4] == text[7] == "-" and _parses(lambda: date.fromisoformat(text))
    )


def _django_date(text: str) -> date:
    """A date as Django 2.2's ``parse_date`` takes it: digits, one or two for month and day."""
    import re

    match = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})$", text)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(part) for part in match.groups())
    return date(year, month, day)


def _parses(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except ValueError:
        return False
    return True


#: What of a release's data the answers to a question rest on.
GROUNDS: dict[Callable[..., Any], Callable[[Release], Any]] = {
    named: lambda release: release.data["names"],
    misnamed: lambda release: release.data["names"],
    boots: lambda release: release.data["bootloaders"],
    stores: lambda release: release.policy("ftypes"),
    policy: lambda release: release.data["import"],
    too_long: lambda release: release.data["limits"],
    sizes: lambda release: release.limit("file-size-bits"),
    refusal: lambda release: release.data["database"],
    log_text: lambda release: release.data["log"],
    flavoured: lambda release: release.policy("flavour"),
    supported: lambda release: (release.version, release.policy("maas-supported")),
    dated: lambda release: release.policy("support-eol"),
}
