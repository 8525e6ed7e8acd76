"""What MSL417 proposes to choose in MAAS's settings: what they offer, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from maas_stream_lint.api import check
from maas_stream_lint.checks import systems
from maas_stream_lint.finding import Finding

FIXTURE = Path(__file__).parent.parent / "fixtures/bad/MSL417-commissioning-title/tree/streams/v1"


class RecordedDay(date):
    """A day on which Ubuntu supports focal in its extended support only."""

    @classmethod
    def today(cls) -> date:
        return date(2026, 11, 25)


def told(name: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """The finding on the first Ubuntu release, were it called so."""
    monkeypatch.setattr(systems, "date", RecordedDay)
    metadata = top / "streams" / "v1"
    metadata.mkdir(parents=True)
    for file in FIXTURE.iterdir():
        text = file.read_text("utf-8").replace('"release": "noble"', f'"release": "{name}"')
        (metadata / file.name).write_text(text, "utf-8")
    report = check(metadata / "index.json", select=["MSL417"], files="none")
    return next(f for f in report.findings if f"`{name}`" in f.message)


@pytest.mark.parametrize("name", ["acme", "questing", "xenial"])
def test_nobody_is_sent_to_settings_that_do_not_offer_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = told(name, tmp_path, monkeypatch)
    assert finding.remedy == "end `release_title` in `LTS`, and add `support_eol`"
    assert finding.effect == "does not choose it for commissioning"


def test_settings_that_offer_it_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told("noble", tmp_path, monkeypatch).remedy.endswith(
        "; or choose `noble` in Settings > Commissioning"
    )


def test_release_lines_are_named_where_only_some_offer_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told("focal", tmp_path, monkeypatch).remedy.endswith(
        "; or choose `focal` (MAAS 3.4 to 3.8) in Settings > Commissioning"
    )
