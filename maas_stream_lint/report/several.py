"""Reports on several sources as one, for each form that can hold several."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from maas_stream_lint.report import json_

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Texts = Sequence[str | Iterable[str]]


def _apart(texts: Texts) -> str:
    return "\n".join("".join(text) for text in texts)


def _after(texts: Texts) -> Iterable[str]:
    return chain.from_iterable([text] if isinstance(text, str) else text for text in texts)


def _listed(texts: Texts) -> str:
    return json_.render(_parsed(texts))


def _joined(texts: Texts) -> str:
    return json_.render(list(chain.from_iterable(_parsed(texts))))


def _runs(texts: Texts) -> str:
    """One log. Each run is told from the others by its source, else GitHub takes no two of them."""
    logs = _parsed(texts)
    runs = [run for log in logs for run in log["runs"]]
    for run in runs if len(runs) > 1 else ():
        run["automationDetails"] = {"id": f"maas-stream-lint/{run['properties']['source']}/"}
    return json_.render({**logs[0], "runs": runs} if logs else {"version": "2.1.0", "runs": []})


def _suites(texts: Texts) -> str:
    """All suites of all sources, with numbers in front, as names may come twice."""
    whole = ElementTree.Element("testsuites", name="maas-stream-lint", tests="0", failures="0")
    for number, text in enumerate(texts, 1):
        root = ElementTree.fromstring("".join(text))  # noqa: S314 - of our own making
        for count in ("tests", "failures"):
            whole.set(count, str(int(whole.get(count, 0)) + int(root.get(count, 0))))
        for suite in root:
            for named in (suite, *suite) if len(texts) > 1 else ():
                key = "classname" if named is not suite else "name"
                named.set(key, f"source {number}: {named.get(key)}")
            whole.append(suite)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(whole, "unicode") + "\n"
    )


def _parsed(texts: Texts) -> list[Any]:
    return [json.loads("".join(text)) for text in texts]


#: How each form becomes one; what is not here can hold but one source.
SEVERAL: dict[str, Callable[[Texts], str | Iterable[str]]] = {
    "text": _apart,
    "markdown": _apart,
    "compact": _after,
    "jsonl": _after,
    "github": _after,
    "json": _listed,
    "gitlab": _joined,
    "sarif": _runs,
    "junit": _suites,
}
