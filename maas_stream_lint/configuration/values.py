"""The values of a valid file, as settings."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import documentation
from maas_stream_lint.configuration.maas_table import maas_sources, source_at
from maas_stream_lint.configuration.settings import Ignore, Listed, Setting, Settings, shown
from maas_stream_lint.configuration.validation import near
from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.names import CONFIG_KEYS, SEVERITY_WORDS

if TYPE_CHECKING:
    from maas_stream_lint.configuration.lines import Page
    from maas_stream_lint.configuration.tomlplaces import Key


def own_settings(page: Page, data: dict[str, Any]) -> Settings:
    """What a valid file says, without the files that it extends."""
    severities = {}
    written = data.get("severities", {})
    # An entry that names one rule overrides one that names many.
    for given in sorted(written, key=lambda g: -len(_codes(page, ("severities", g), g))):
        key = ("severities", given)
        said = written[given]
        level = None if said == "off" else Severity[SEVERITY_WORDS.get(said, said).upper()]
        severities.update({c: (level, page.origin(key)) for c in _codes(page, key, given)})
    return Settings(
        page.path,
        (),
        {**_values(page, (), data), **_values_of_maas(page, data)},
        tuple(
            _listed(page, ("sources", number), given)
            for number, given in enumerate(data.get("sources", ()))
        ),
        maas_sources(page, data),
        severities,
        tuple(
            _ignore(page, ("ignores", number), given)
            for number, given in enumerate(data.get("ignores", ()))
        ),
    )


def _values(page: Page, at: Key, data: dict[str, Any]) -> dict[str, Setting]:
    found = {}
    for name in CONFIG_KEYS:
        if name not in data:
            continue
        value, key = data[name], (*at, name)
        if name == "maas" and isinstance(value, dict):
            continue
        if name == "severity":
            value = SEVERITY_WORDS.get(value, value)
        elif name == "keyring":
            value = shown(page.beside(value))
        elif name == "format":
            several = [value] if isinstance(value, str) else value
            value = [_target(page, key, given) for given in several]
        elif name == "maas":
            _lines(page, key, value)
        elif name == documentation.KEY:
            if not documentation.is_site(value):
                page.fail(key, "expected the URL of a site", documentation.HINT)
        elif name in ("select", "ignore"):
            for number, given in enumerate(value):
                _codes(page, (*key, number), given)
        found[name] = Setting(value, page.origin(key))
    return found


def _values_of_maas(page: Page, data: dict[str, Any]) -> dict[str, Setting]:
    """The settings in the table of the MAAS."""
    table = data.get("maas")
    if not isinstance(table, dict):
        return {}
    found = {}
    if "lines" in table:
        _lines(page, ("maas", "lines"), table["lines"])
        found["maas"] = Setting(table["lines"], page.origin(("maas", "lines")))
    if "commissioning" in table:
        key = ("maas", "commissioning")
        found["commissioning"] = Setting(table["commissioning"], page.origin(key))
    return found


def _target(page: Page, key: Key, given: str) -> str:
    """A format with its file, which must be below the folder of the configuration.

    Whoever wrote the configuration need not be the one who runs the tool: without this limit the
    file could replace any file of theirs.
    """
    form, _, name = given.partition("=")
    if not name:
        return form
    file = page.beside(name)
    if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(page.path.parent)):
        hint = f"name a file below {shown(page.path.parent)}, or use --format {form}=FILE"
        page.fail(key, f"the output {name} is outside of the configuration's folder", hint)
    return f"{form}={shown(file)}"


def _listed(page: Page, key: Key, given: Any) -> Listed:
    table = {"source": given} if isinstance(given, str) else given
    source = source_at(page, key, table["source"])
    return Listed(source, _values(page, key, table), page.origin(key))


def _ignore(page: Page, key: Key, given: dict[str, Any]) -> Ignore:
    codes: set[str] = set()
    for number, rule in enumerate(given["rules"]):
        codes |= _codes(page, (*key, "rules", number), rule)
    until: date | None = None
    if "until" in given:
        try:
            until = date.fromisoformat(str(given["until"]))
        except ValueError:
            page.fail(
                (*key, "until"), f"{given['until']} is not a date", "write it like 2027-01-31"
            )
    maas = _lines(page, (*key, "maas"), given["maas"]) if "maas" in given else None
    return Ignore(
        given.get("product"),
        tuple(given["rules"]),
        frozenset(codes),
        maas,
        given["reason"],
        until,
        page.origin(key),
    )


def _lines(page: Page, key: Key, given: list[str]) -> tuple[str, ...]:
    from maas_stream_lint.rulebook import releases

    for number, line in enumerate(given):
        try:
            releases([line])
        except UsageError as error:
            page.fail((*key, number), error.message, error.hint)
    return tuple(release.line for release in releases(given))


def _codes(page: Page, key: Key, given: str) -> set[str]:
    """The codes of the rules that a code, prefix or name means."""
    from maas_stream_lint.checks import all_rules
    from maas_stream_lint.rule import selected

    try:
        return {rule.code for rule in selected(all_rules(), [given])}
    except UsageError as error:
        known = [name for rule in all_rules() for name in (rule.name, rule.code)]
        raise page.error(key, error.message, near(given, known) or error.hint) from None
