"""The keyring of a boot source: a file, none, or nobody said."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias


class Unsaid(Enum):
    """The type of `NOT_SAID`."""

    KEYRING = "not said"


#: In place of a keyring: nobody said which one MAAS has. Signatures count as good, unverified.
NOT_SAID: Final = Unsaid.KEYRING

#: ``None``: MAAS has no keyring for the source.
Keyring: TypeAlias = Path | Unsaid | None
