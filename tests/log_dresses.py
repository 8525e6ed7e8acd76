"""What a message of MAAS looks like in the logs of its releases, of collectors, and pasted."""

# ruff: noqa: E501 - lines of logs are long
from __future__ import annotations

import json
from collections.abc import Callable


def _json(**record: object) -> str:
    return json.dumps(record)


def _worker(text: str) -> str:
    return _json(
        message=text,
        trace_id="0123abcd",
        timestamp="2026-11-25T23:11:31.610488Z",
        logger="maastemporalworker.workflow.bootresource:9",
        level="ERROR",
        thread="MainThread:1397",
    )


#: Name → how a text stands there. All of them stand for one message; what is counted differs.
DRESSES: dict[str, Callable[[str], str]] = {
    "bare": lambda t: t,
    "maas.log": lambda t: f"2026-11-25T23:11:28.281373+00:00 vm maas.bootresources: [warn] {t}",
    "repeated": lambda t: (
        "2026-11-25T23:11:28.281389+00:00 vm maas.import-images: "
        f"message repeated 3 times: [ [warn] {t}]"
    ),
    "regiond.log": lambda t: f"2024-06-16 13:45:56 maasserver.bootresources: [critical] {t}",
    "traceback": lambda t: f"\t{t}",
    "journal of maas-log": lambda t: (
        f"Nov 25 23:11:28 vm maas-log[812]: maas.bootsources: [error] {t}"
    ),
    "journal of maas-regiond": lambda t: (
        f"Nov 25 23:11:28 vm maas-regiond[812]: maasserver.bootresources: [critical] {t}"
    ),
    "journal, traceback": lambda t: f"Nov 25 23:11:28 vm maas-regiond[812]: \t{t}",
    "journal, ISO": lambda t: (
        f"2026-11-25T23:11:28+0000 vm maas-regiond[812]: temporalio.activity: [warn] {t}"
    ),
    "journal without time": lambda t: f"maasserver.bootresources: [critical] {t}",
    "journal, full": lambda t: (
        f"Wed 2026-11-25 23:11:28 UTC vm maas-regiond[812]: maasserver.bootresources: [error] {t}"
    ),
    "journal, export": lambda t: f"MESSAGE=maas.bootresources: [warn] {t}",
    "journal, JSON": lambda t: _json(
        MESSAGE=f"maas.bootresources: [warn] {t}", SYSLOG_IDENTIFIER="maas-log", PRIORITY="4"
    ),
    "journal, JSON, bytes": lambda t: _json(
        MESSAGE=list(f"maas.bootresources: [warn] {t}".encode()), SYSLOG_IDENTIFIER="maas-log"
    ),
    "JSON of regiond": lambda t: _json(
        level="critical", message=t, name="maasserver.bootresources", trace_id="", thread="M:1"
    ),
    "JSON of the worker": _worker,
    "JSON of the worker in the journal": lambda t: (
        f"Nov 25 23:11:28 vm maas-temporal-worker[77]: {_worker(t)}"
    ),
    "JSON, cut": lambda t: _worker(t)[:-40],
    "JSON's rest": lambda t: f'{t}", "trace_id": "0123abcd", "timestamp": "2026-11-25T23:11:31Z"}}',
    "temporal": lambda t: (
        f"temporalio.activity: [warn] {t} ({{'activity_id': '1', 'activity_type': 'x', 'attempt': 38}})"
    ),
    "pebble": lambda t: f"2023-11-25T23:11:28.123Z [regiond] maas.bootresources: [warn] {t}",
    "2015": lambda t: f"Nov  9 12:34:14 pluto maas.import-images: [INFO] {t}",
    "event": lambda t: f"Thu, 20 Feb. 2025 09:03:16 | {t}",
    "docker": lambda t: f"maas-region-1  | 2024-06-16 14:41:38 regiond: [info] {t}",
    "shell": lambda t: f"Jun 16 14:41:38 host sh[4711]: {t}",
    "newline as #012": lambda t: (
        f"2026-11-25T23:11:28+00:00 vm maas.bootresources: [warn] {t}#012more"
    ),
    "times": lambda t: f"2024-06-16 13:45:56 maas.bootresources: [warn] {t} (x3)",
    "logger behind": lambda t: f"{t} [maas.bootresources]",
    "quotes": lambda t: f'"{t}"',
    "backticks": lambda t: f"`{t}`",
    "mail": lambda t: f"> {t}",
}
#: Those that say that the message came three times.
THREE_TIMES = ("repeated", "times")
