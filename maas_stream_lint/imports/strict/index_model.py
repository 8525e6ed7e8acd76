"""Whether an index fits the model that MAAS reads it with, and if not, why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.strict.fieldtypes import Problem, no_mapping, refused, twice
from maas_stream_lint.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.finding import Path
    from maas_stream_lint.rulebook import Release

#: The cause where a member does not fit, by its name.
ENTRY_CAUSES = {
    "path": "entry-path-missing",
    "updated": "entry-updated-missing",
    "datatype": "entry-datatype",
    "format": "entry-format-not-text",
    "products": "entry-products-missing",
}


@record(frozen=True)
class IndexCheck:
    """An index's files, and the problems that make MAAS refuse it."""

    paths: list[tuple[str, Path]]  #: each with the place that names it
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        """Whether the index fits the model."""
        return not self.problems


def check_index(data: dict[str, Any], release: Release) -> IndexCheck:
    """Whether an index fits its model.

    Mirrors ``SimpleStreamsIndexList`` (3.8, maasservicelayer/simplestreams/models.py).
    """
    datatypes = release.models["datatypes"]
    problems: list[Problem] = []
    paths: list[tuple[str, Path]] = []
    index, entries = data.get("index"), data.get("indexes")
    named: list[tuple[Path, Any]] = []
    if index and isinstance(index, dict):
        named = [(("index", key), entry) for key, entry in index.items()]
    elif isinstance(entries, list):
        named = [(("indexes", i), entry) for i, entry in enumerate(entries)]
    else:
        cause = (
            "url-is-products-file" if "products" in data and "index" not in data else "index-empty"
        )
        problems.append(
            Problem(cause, ("index",) if "index" in data else (), values={"index": index})
        )
    for at, entry in named:
        if not isinstance(entry, dict):
            problems.append(no_mapping("entry-not-an-object", at, entry))
            continue
        if at[0] == "index" and "name" in entry:
            problems.append(twice(at, "name"))
        if at[0] == "indexes" and not isinstance(entry.get("name"), str):
            problems.append(Problem("entry-not-an-object", at, values={"value": entry}))
        problems += _entry_problems(entry, at, release.models["entry"], datatypes)
        if entry.get("path") == "":
            problems.append(
                Problem(
                    "entry-path-missing",
                    (*at, "path"),
                    message="Request to '' failed: 404 Not Found",
                )
            )
        elif isinstance(entry.get("path"), str):
            paths.append((entry["path"], (*at, "path")))
    for name, kind in release.models["index"].items():
        wrong = refused(data, name, kind, datatypes)
        if wrong is not None:
            problems.append(
                Problem(
                    f"index-{name}",
                    (name,) if name in data else (),
                    *wrong,
                    {"value": data.get(name), "format": data.get(name)},
                )
            )
    return IndexCheck(paths, problems)


def _entry_problems(
    entry: dict[str, Any], at: Path, fields: dict[str, str], datatypes: list[str]
) -> Iterator[Problem]:
    for name, kind in fields.items():
        wrong = refused(entry, name, kind, datatypes)
        if wrong is None:
            continue
        cause = ENTRY_CAUSES[name]
        if name == "path" and entry.get("path") is not None:
            cause = "entry-path-not-text"
        yield Problem(
            cause,
            (*at, name) if name in entry else at,
            *wrong,
            {"value": entry.get(name), "path": entry.get("path")},
        )
