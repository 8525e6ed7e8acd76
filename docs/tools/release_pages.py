"""What differs between MAAS release lines, from ``rules/releases``: in sentences, and every value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import release_changes
from maas_stream_lint.rulebook import all_releases
from written import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.rulebook import Release

ROOT = Path(__file__).parents[2]
_HEADING = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_TABLE = re.compile(r"`\[+(?P<name>[a-z.]+)\]+`(?:: (?P<about>.*))?")
_ROW = re.compile(r"^\| (?P<keys>`[^|]*`) \| (?P<text>.*) \|$", re.MULTILINE)


def page() -> str:
    """All that differs."""
    titles = {**headings(), "": "The release as a whole"}
    parts = [
        "# What differs between MAAS releases",
        (
            "This page is made from the data that the simulation runs on. There, every fact cites the "
            "function of MAAS that it was read from. [What each key means](release-data.md)."
        ),
        _overview(),
        *release_changes.sections(titles),
        "## Every value",
        "*Not there* is a limit, a driver or a model that a line does not have.",
    ]
    sections: dict[str, list[str]] = {}
    explained = explanations()
    for key in release_changes.differing():
        section = key.partition(".")[0] if "." in key else ""
        rows = sections.setdefault(
            section, ["| key | what it is | by release line |", "|---|---|---|"]
        )
        name = key.partition(".")[2] or key
        about = explained.get(key, "")
        rows.append(f"| `{name}` | {about} | {'<br>'.join(_values(key))} |")
    for section, rows in sections.items():
        title = titles.get(section, section)
        parts += [f"### {title[:1].upper()}{title[1:]}", "\n".join(rows)]
    parts += ["## The strict client's documents", *_models()]
    return "\n\n".join(parts) + "\n"


def headings() -> dict[str, str]:
    """Table of a release file → what rules/README.md calls it."""
    found = {}
    for match in _HEADING.finditer((ROOT / "rules" / "README.md").read_text("utf-8")):
        table = _TABLE.match(match["title"])
        if table is not None and table["about"]:
            found[table["name"]] = table["about"]
    return found


def explanations() -> dict[str, str]:
    """Key → what rules/README.md says of it."""
    text = (ROOT / "rules" / "README.md").read_text("utf-8")
    parts = _HEADING.split(text)
    found = {}
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        table = _TABLE.match(title)
        if table is None and title != "Top":
            continue
        prefix = f"{table['name']}." if table is not None else ""
        for row in _ROW.finditer(body):
            for key in re.findall(r"`([^`]+)`", row["keys"]):
                found[f"{prefix}{key}"] = row["text"]
    for key in release_changes.differing():
        section, _, name = key.partition(".")
        if section == "drivers":
            found[key] = f"the root files that the driver of `{name}` deploys"
        elif section == "titles":
            found[key] = f"what `{name}` is called"
        elif section == "release-titles":
            found[key] = f"how the driver of `{name}` makes the title of a release"
    return found


def _overview() -> str:
    rows = ["| MAAS | read from | engine |", "|---|---|---|"]
    for release in all_releases():
        rows.append(f"| **{release.line}** | {release.version} | {release.data['engine']} |")
    return "\n".join(rows)


def _values(key: str) -> Iterator[str]:
    """``**2.9–3.3** this`` for each run of lines that agree."""
    runs: list[tuple[list[str], Any]] = []
    for release in all_releases():
        value = dict(release_changes.leaves(release.data)).get(key)
        if runs and runs[-1][1] == value:
            runs[-1][0].append(release.line)
        else:
            runs.append(([release.line], value))
    before: Any = None
    for number, (of, value) in enumerate(runs):
        yield f"**{lines(of)}** {_value(value, before if number else None)}"
        before = value


def _value(value: Any, before: Any) -> str:
    if value is None or value == []:
        return "*not there*"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and value and isinstance(before, list) and before:
        gone = [f"not `{one}`" for one in before if one not in value]
        come = [f"also `{one}`" for one in value if one not in before]
        return ", ".join([*gone, *come])
    if isinstance(value, list):
        return ", ".join(f"`{str(one).strip('`')}`" for one in value)
    if value == "":
        return "*nothing*"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(one, None)}" for key, one in value.items())
    return f"`{value}`"


def _models() -> Iterator[str]:
    for release in all_releases():
        if release.strict:
            yield from _models_of(release)


def _models_of(release: Release) -> Iterator[str]:
    yield (
        f"MAAS {release.line} holds each document to these. `?` may be absent, `~` may be null, too; the "
        "types are explained [with the data](release-data.md#models-the-strict-engines-documents)."
    )
    for name in ("index", "entry", "file"):
        yield f"**{name}**: {_fields(release.models[name])}"
    for shape in release.shapes:
        yield f"### {shape.name}"
        rows = [
            "| | |",
            "|---|---|",
            f"| product | {_fields(shape.product)} |",
            f"| version | {_fields(shape.version) or 'nothing of its own'} |",
            f"| item | {_fields(shape.item)} |",
        ]
        if shape.required:
            rows.append(f"| items that every version has | {_codes(shape.required)} |")
        if shape.one_of:
            rows.append(f"| and one or more of | {_codes(shape.one_of)} |")
        rows.append(f"| fetched | {_codes(shape.downloads)} |")
        yield "\n".join(rows)


def _fields(fields: dict[str, str]) -> str:
    return ", ".join(f"`{name}` {kind}" for name, kind in fields.items())


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
