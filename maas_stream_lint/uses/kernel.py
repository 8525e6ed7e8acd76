"""Kernel names: which texts are kernel names, and which of two kernels is newer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.uses.refusal import Refusal, answered

if TYPE_CHECKING:
    from maas_stream_lint.uses.known import KnownReleases

CHANNELS = ("hwe", "ga")
EDGE = "edge"
ROLLING = "rolling"
NEWEST = (999, 999)  #: the version of all that is rolling
OLDEST = (0, 0)  #: the version of a release without one; every kernel is new enough for it
#: The weight of a kernel's parts beside its version (maasserver/utils/osystems.py, 3.4).
HWE_EDGE, HWE, PLATFORM, CHANNEL, OLD_HWE, FLAVOUR = (
    10_000_000,
    1_000_000,
    100_000,
    10_000,
    1_000,
    10,
)
GENERIC = "generic"

#: A version's numbers, then a weight; compared part by part.
Order = tuple[int, ...]


def links_generic(subarch: str, kflavor: str | None, release: str) -> bool:
    """Whether a rack keeps a kernel for generic machines, too.

    Mirrors ``RepoWriter.insert_item`` (provisioningserver/import_images).
    """
    return kflavor == GENERIC and (subarch.startswith("ga-") or subarch == f"hwe-{release[:1]}")


class Names(ABC):
    """How a release line reads kernel names."""

    def __init__(self, known: KnownReleases) -> None:
        """``known``: the releases that a name may contain."""
        self.known = known
        #: Member of ``subarches`` → why no list of kernels can hold it; once for all lists.
        self.refusals: dict[str, Refusal | None] = {}
        self._orders: dict[str, Order | Refusal] = {}
        self._new: dict[str, set[str]] = {}  # by release: the kernels that are_new was true for

    @abstractmethod
    def asked(self, text: str) -> bool:
        """Whether MAAS looks for a machine's text as a kernel."""

    @abstractmethod
    def is_generic(self, text: str) -> bool:
        """Whether a subarch is a kernel for generic machines, by its name alone."""

    @abstractmethod
    def _order(self, text: str) -> Order: ...

    def order(self, text: str) -> Order:
        """The sort key of a kernel's or release's name. Raises Refusal if there is none."""
        return answered(self._orders, text, self._order, text)

    def newer(self, one: str, other: str) -> bool:
        """Whether one is at least as new as the other: ``release_a_newer_than_b``."""
        own = self.order(one)
        return own >= self.order(other)

    def are_new(self, kernels: set[str], release: str) -> bool:
        """Whether all kernels are for generic machines, and as new as a release."""
        known = self._new.setdefault(release, set())
        left = kernels - known
        try:
            least = self.order(release)
            if not all(self.is_generic(one) and self.order(one) >= least for one in left):
                return False
        except Refusal:
            return False
        known |= left
        return True


def _unknown(text: str, release: str) -> Refusal:
    told = f"{text} not found amongst the known Ubuntu releases!"
    return Refusal("kernel-of-unknown-release", "ValueError", told, text, release=release)


class PrefixNames(Names):
    """A kernel name starts with ``ga-`` or ``hwe-``, and its second part is the release.

    Mirrors ``get_release_version_from_string`` (maasserver/utils/osystems.py, up to 3.3).
    """

    def asked(self, text: str) -> bool:
        """Likewise of what a machine asks for."""
        return self.is_kernel(text)

    def is_generic(self, text: str) -> bool:
        """Any kernel is."""
        return self.is_kernel(text)

    @staticmethod
    def is_kernel(text: str) -> bool:
        """Whether a subarch is a kernel."""
        return text.startswith(("hwe-", "ga-"))

    @staticmethod
    def rolling(text: str) -> str:
        """What a rolling kernel is called beside its own name."""
        parts = text.split("-")
        return "-".join([parts[0], ROLLING, *parts[2:]])

    def _order(self, text: str) -> Order:
        parts = text.split("-")
        if len(parts) > 4:
            told = f"Unknown release or kernel {text}!"
            raise Refusal("kernel-of-unknown-release", "ValueError", told, text)
        release = parts[0] if len(parts) == 1 else parts[1]
        weight = 1 if len(parts) > 2 and parts[-1] == EDGE else 0
        if parts[0] == "hwe" and len(parts) > 1 and len(parts[1]) > 1:
            weight += 1
        version = NEWEST if release == ROLLING else self.known.numbers(release)
        if version is None:
            raise _unknown(text, release)
        return (*version, weight)


class Parsed(NamedTuple):
    """The parts of a kernel's name; without a channel, all of it is the platform."""

    channel: str  #: ``ga``, ``hwe``, ``hwe-edge`` or nothing
    release: str
    platform: str
    flavour: str

    @property
    def kernel(self) -> bool:
        """Whether it is a kernel at all."""
        return bool(self.channel)


def parse(text: str) -> Parsed:
    """A parsed name: ``[platform-](ga|hwe[-edge])-release[-flavour][-edge]``.

    Raises Refusal for two channels, or for a name without a release. Mirrors
    ``parse_subarch_kernel_string`` (maasserver/utils/osystems.py, from 3.4 on).
    """
    parts = text.split("-")
    channels = [channel for channel in CHANNELS if channel in parts]
    if len(parts) == 1 or not channels:
        return Parsed("", "", text, "")
    if len(channels) > 1:
        told = f"Kernel {text} has multiple channels specified!"
        raise Refusal("kernel-unparsable", "InvalidSubarchKernelStringError", told, text)
    channel = channels[0]
    at = parts.index(channel)
    platform, rest = "-".join(parts[:at]), parts[at + 1 :]
    if channel == "hwe" and rest[:1] == [EDGE]:
        channel, rest = "hwe-edge", rest[1:]
    elif channel == "hwe" and rest[-1:] == [EDGE]:
        channel, rest = "hwe-edge", rest[:-1]
    if not rest:
        told = f"Kernel {text} has no release specified"
        raise Refusal("kernel-unparsable", "ValueError", told, text)
    return Parsed(channel, rest[0], platform, "-".join(rest[1:]))


class ParsedNames(Names):
    """A kernel name has a part ``ga`` or ``hwe``. It can have a platform and a flavour.

    Mirrors ``get_release_version_from_string`` (maasserver/utils/osystems.py, from 3.4 on).
    """

    def __init__(self, known: KnownReleases) -> None:
        """No name is parsed yet."""
        super().__init__(known)
        self._parsed: dict[str, Parsed] = {}

    def asked(self, text: str) -> bool:
        """``validate_kernel_str`` in ``get_working_kernel``."""
        return any(map(text.split("-").__contains__, CHANNELS))

    def is_generic(self, text: str) -> bool:
        """One without a platform. Raises Refusal if it can't be read."""
        parsed = self.parsed(text)
        return parsed.kernel and not parsed.platform

    def parsed(self, text: str) -> Parsed:
        """The parts of a name, parsed once. Raises Refusal if MAAS cannot read it."""
        found = self._parsed.get(text)
        if found is None:
            found = self._parsed[text] = parse(text)
        return found

    @staticmethod
    def rolling(parsed: Parsed) -> str:
        """What a rolling kernel is called beside its own name."""
        return "-".join((parsed.platform, parsed.channel, ROLLING, parsed.flavour)).strip("-")

    def _order(self, text: str) -> Order:
        if text == ROLLING:
            return (*NEWEST, 0)
        if "-" not in text:
            version = self.known.numbers(text)
            if version is not None:
                return (*version, 0)
            return (*OLDEST, CHANNEL + (0 if text == GENERIC else PLATFORM))
        parsed = self.parsed(text)
        return (*self._version(text, parsed), _weight(parsed))

    def _version(self, text: str, parsed: Parsed) -> tuple[int, ...]:
        if parsed.release == ROLLING:
            return NEWEST
        version = self.known.numbers(parsed.release) if parsed.release else None
        if version is not None:
            return version
        if not parsed.release and parsed.platform and parsed.platform != GENERIC:
            return OLDEST
        raise _unknown(text, parsed.release)


def _weight(parsed: Parsed) -> int:
    old = len(parsed.release) == 1
    weight = 0
    if parsed.channel == "hwe-edge":
        weight += HWE_EDGE
    elif parsed.channel == "hwe":
        weight += 0 if old else HWE
    elif not parsed.channel and parsed.platform:
        weight += CHANNEL
    if parsed.channel == "hwe" and old:
        weight += OLD_HWE
    elif parsed.release:
        weight += CHANNEL
    if parsed.flavour and parsed.flavour != GENERIC:
        weight += FLAVOUR
    if parsed.platform and parsed.platform != GENERIC:
        weight += PLATFORM
    return weight
