"""The keyring of a boot source: a file, none, or unknown."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Final, TypeAlias


class Unsaid:
    """The type of `NOT_SAID`."""

    def __repr__(self) -> str:
        """Its name."""
        return "NOT_SAID"


#: In place of a keyring: nobody said which one MAAS has. Signatures count as good, unverified.
NOT_SAID: Final = Unsaid()

#: A path. ``None``: MAAS has no keyring for the source.
Keyring: TypeAlias = str | Unsaid | None
#: The same as users of the library give it.
GivenKeyring: TypeAlias = str | PathLike[str] | Unsaid | None


def as_keyring(given: GivenKeyring) -> Keyring:
    """A keyring as the reader of streams takes it."""
    return given if given is None or isinstance(given, Unsaid) else fspath(given)
