"""The releases of Ubuntu that MAAS knows by itself, whatever a stream says."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from maas_stream_lint.records import record
from maas_stream_lint.rule_tables import rules_table


@record(frozen=True)
class UbuntuRelease:
    """A release of Ubuntu that MAAS knows by itself, as ``rules/use/ubuntu.toml`` has it."""

    version: str  #: ``24.04 LTS``
    series: str  #: ``noble``
    codename: str  #: ``Noble Numbat``
    created: date
    eol: date  #: the last day of standard support
    eol_esm: date | None  #: the last day of extended support, if there is any

    @property
    def title(self) -> str:
        """``Ubuntu 24.04 LTS "Noble Numbat"``."""
        return f'Ubuntu {self.version} "{self.codename}"'

    @property
    def lts(self) -> bool:
        """Whether it has long-term support."""
        return "LTS" in self.version


@record(frozen=True)
class UbuntuReleases:
    """The releases of Ubuntu, oldest first, and their source."""

    package: str
    dated: date
    releases: tuple[UbuntuRelease, ...]

    @property
    def told(self) -> str:
        """Their source, and its date."""
        return f"{self.package}, {self.dated.isoformat()}"

    def may_be_newer(self, version: str) -> bool:
        """Whether a version like ``26.10`` may belong to a later release than these."""
        numbers = tuple(map(int, version.split(".")))
        newest = self.releases[-1].version.partition(" ")[0]
        return numbers > tuple(map(int, newest.split(".")))

    def to_dict(self) -> dict[str, str]:
        """In the form of ``rules/schemas/use.json``."""
        return {"package": self.package, "dated": self.dated.isoformat()}


@lru_cache(maxsize=1)
def ubuntu_releases() -> UbuntuReleases:
    """The releases of Ubuntu that MAAS knows without any stream."""
    raw = rules_table("use/ubuntu.toml")
    day = date.fromisoformat
    return UbuntuReleases(
        raw["package"],
        day(raw["dated"]),
        tuple(
            UbuntuRelease(
                row["version"],
                row["series"],
                row["codename"],
                day(row["created"]),
                day(max(row["eol"], row.get("eol-server", row["eol"]))),
                day(row["eol-esm"]) if "eol-esm" in row else None,
            )
            for row in raw["releases"]
        ),
    )
