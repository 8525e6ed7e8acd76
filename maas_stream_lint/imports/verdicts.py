"""The outcome of an import as data, in the forms of the recorded corpora.

``chosen_verdict``: one source with selections; ``second_verdict``: an import over an earlier one;
``several_verdict``: several sources. Their members are told in ``tests/selections/README.md``,
``tests/second/README.md`` and ``tests/several/README.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.trace import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maas_stream_lint.imports.situation import Row
    from maas_stream_lint.imports.trace import Event, Outcome, Trace

Verdict = dict[str, Any]
#: Where sources are several, storing the manifest counts as part of its fetch.
FETCH_STAGES = {"manifest": "metadata"}
#: The members of a boot resource set where there is but one source.
SET = ("resource", "version", "label", "kflavor", "filetypes")


def chosen_verdict(outcome: Outcome) -> Verdict:
    """The first import of one source with selections."""
    verdict = _of_one(outcome)
    verdict["resources"] = [] if verdict["fatal"] else _plain(outcome.resources)
    if outcome.strict:
        if verdict["fatal"]:
            verdict["aborted"] = []  # there is nothing to sync
        verdict["selections"] = _wanted(outcome.synced)
        verdict["nothing_to_download"] = _wanted(outcome.nothing_to_download)
    else:
        verdict["chosen"] = _names(outcome)
        verdict["finalize"] = _lines(outcome.finalize)
    verdict["notifications"] = outcome.notifications
    return verdict


def second_verdict(outcome: Outcome) -> Verdict:
    """The import of one source over an earlier one."""
    verdict = _of_one(outcome)
    verdict["downloads"] = sorted(set(outcome.downloads))
    if outcome.strict or outcome.counts_each:
        verdict["requeued"] = sorted(set(outcome.requeued))
    verdict["deleted"] = outcome.deleted
    verdict["kept"] = _plain(outcome.kept)
    verdict["files"] = [file[:-1] for file in outcome.files]
    if outcome.strict:
        verdict["nothing_to_download"] = _wanted(outcome.nothing_to_download)
    else:
        verdict["finalize"] = _lines(outcome.finalize)
    return verdict


def several_verdict(outcome: Outcome, *, first: bool) -> Verdict:
    """An import of several sources. ``first``: whether MAAS held nothing before."""
    verdict = _of_strict(outcome, first=first) if outcome.strict else _of_legacy(outcome)
    return verdict | {
        "imported": sorted(_imported(outcome)),
        "resources": outcome.resources,
        "downloads": sorted(set(outcome.downloads)),
        "requeued": sorted(set(outcome.requeued)),
        "from": dict(sorted(outcome.from_.items())),
        "deleted": outcome.deleted,
        "kept": outcome.kept,
        "files": outcome.files,
        "notifications": [*outcome.fetch_notifications, *outcome.notifications],
    }


def _of_one(outcome: Outcome) -> Verdict:
    """What the verdicts of one source have in common."""
    (name,) = outcome.traces
    fatal = outcome.failures.get(name) if outcome.strict else outcome.fatal
    verdict: Verdict = {"fatal": _fatal(fatal), "log": _log(outcome, outcome.traces.values())}
    verdict["imported"] = [text for _, text in sorted(_imported(outcome))]
    if outcome.strict:
        verdict["aborted"] = _aborted(outcome.aborted)
    return verdict


def _of_legacy(outcome: Outcome) -> Verdict:
    fatal = _fatal(outcome.fatal)
    if fatal is not None:
        fatal |= {"source": outcome.fatal_source, "pass": outcome.fatal_pass}
    log = _log(outcome, outcome.traces.values())
    return {
        "fatal": fatal,
        "order": list(outcome.order),
        "log": {**log, "bootsources": _lines(outcome.bootsources)},
        "errors": outcome.errors,
        "chosen": None if outcome.chosen is None else [list(pair) for pair in outcome.chosen],
        "finalize": _lines(outcome.finalize),
    }


def _of_strict(outcome: Outcome, *, first: bool) -> Verdict:
    verdict: Verdict = {
        "fatal": {name: _fatal(event, FETCH_STAGES) for name, event in outcome.failures.items()},
        "fetch_failed": _raised(outcome.fetch_failed),
        "log": {"fetch": _lines(outcome.fetch)},
        "synced": _by_source(outcome.synced),
        "nothing_to_download": _by_source(outcome.nothing_to_download),
        "aborted": {
            name: _aborted({row: e for row, e in outcome.aborted.items() if row.source == name})
            for name in dict.fromkeys(row.source for row in outcome.aborted)
        },
        "download_failed": _by_source(outcome.download_failed),
    }
    return verdict if first else verdict | {"deleted_by_change": outcome.deleted_by_change}


def _raised(text: str | None) -> Verdict | None:
    if text is None:
        return None
    exception, _, message = text.partition(": ")
    return {"exception": exception, "message": message}


def _fatal(event: Event | None, stages: Mapping[str, str] = STAGES) -> Verdict | None:
    if event is None:
        return None
    stage = stages.get(event.stage, event.stage)
    return {"stage": stage, "exception": event.exception, "message": event.message}


def _log(outcome: Outcome, traces: Iterable[Trace]) -> Verdict:
    if outcome.strict:
        return {}
    described = [line for trace in traces for line in trace.log["descriptions"]]
    return {"descriptions": _lines(described), "writer": _lines(outcome.writer)}


def _lines(lines: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [list(line) for line in lines]


def _imported(outcome: Outcome) -> list[list[str]]:
    """Source and ``product/version/item``; the strict engine has one row for each."""
    names = [
        [source, f"{new.product}/{new.version}/{new.item}"] for source, new in outcome.imported
    ]
    if not outcome.strict:
        return names
    return [list(pair) for pair in dict.fromkeys(map(tuple, names))]


def _names(outcome: Outcome) -> list[str] | None:
    return None if outcome.chosen is None else sorted({name for _, name in outcome.chosen})


def _plain(sets: list[Verdict]) -> list[Verdict]:
    return [{member: held[member] for member in SET} for held in sets]


def _wanted(rows: Iterable[Row]) -> list[list[str]]:
    return [list(row.wanted) for row in rows]


def _by_source(rows: Iterable[Row]) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for row in rows:
        found.setdefault(row.source, []).append(list(row.wanted))
    return found


def _aborted(aborted: dict[Row, Event]) -> list[Verdict]:
    return [
        {"selection": list(row.wanted), "exception": event.exception, "message": event.message}
        for row, event in aborted.items()
    ]
