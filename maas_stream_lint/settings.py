"""The configuration file: found, read, held to its schema, merged, and applied to reports."""

from __future__ import annotations

import difflib
import json
import os
import sys
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from maas_stream_lint import tomlplaces
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.source import is_local, local_path

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from maas_stream_lint.api import Report
    from maas_stream_lint.finding import Finding
    from maas_stream_lint.tomlplaces import Key

NAME, TABLE = "maas-stream-lint.toml", "maas-stream-lint"
_OWN, _SHARED = (), ("tool", TABLE)

#: The keys that options and environment variables set, too.
KEYS = (
    *("maas", "keyring", "select", "ignore", "severity"),
    *("format", "files", "only", "jobs", "timeout"),
)

#: What people will try, and must not: the file is for everybody's eyes.
_SECRETS = {"header", "headers", "token", "token-env", "token-file", "password", "netrc"}
_NO_SECRETS = "give them with --token-env, --token-file or --header, or in ~/.netrc"


class Origin(NamedTuple):
    """Where in which file a setting stands."""

    file: Path
    line: int

    def __str__(self) -> str:
        """``file:line``, as people find it from where they are."""
        return f"{shown(self.file)}:{self.line}"


class Setting(NamedTuple):
    """A value from a file."""

    value: Any
    origin: Origin


@dataclass(frozen=True)
class Ignore:
    """Findings that are excused, with the reason."""

    product: str | None  #: a glob; ``None``: findings on anything
    rules: tuple[str, ...]  #: as written
    codes: frozenset[str]  #: the rules that are meant
    maas: tuple[str, ...] | None  #: release lines; ``None``: all
    reason: str
    until: date | None  #: the last day on which it holds
    origin: Origin

    def covers(self, finding: Finding) -> bool:
        """Whether it is about a finding, on some release line at least."""
        if self.product is not None:
            product = finding.place.product
            if product is None or not fnmatchcase(product, self.product):
                return False
        bites = self.maas is None or not set(self.maas).isdisjoint(finding.maas)
        return bites and finding.code in self.codes

    def ran_out(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and today > self.until


@dataclass(frozen=True)
class Listed:
    """One of the sources that ``check`` alone checks."""

    source: str  #: a URL, or a path as seen from the working directory
    values: Mapping[str, Setting]  #: its own settings
    origin: Origin


@dataclass(frozen=True)
class Settings:
    """What a file says, and those that it extends."""

    file: Path | None = None  #: ``None``: there is none
    extended: tuple[Path, ...] = ()
    values: Mapping[str, Setting] = field(default_factory=dict)  #: of KEYS
    sources: tuple[Listed, ...] = ()
    #: Code → what its findings are taken to be, ``None`` for nothing at all; and where it says so.
    severities: Mapping[str, tuple[Severity | None, Origin]] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()

    def of(self, source: str | None) -> dict[str, Setting]:
        """The settings for a source: those of its own, if it is listed, before the common ones."""
        return {**self.values, **next((s.values for s in self.sources if _same(s, source)), {})}


def find(source: str | None = None, start: Path | None = None) -> Path | None:
    """The file that holds for a source: above a local one, else above the working directory.

    The first directory that has one ends the search, and so does one with a ``.git``.
    """
    starts = [start or Path.cwd()]
    if source is not None and is_local(source):
        place = local_path(source)
        starts.insert(0, place if _is(place, Path.is_dir) else place.parent)
    for first in starts:
        for folder in (first, *first.parents):
            own, shared = folder / NAME, folder / "pyproject.toml"
            if _is(own, Path.is_file):
                return own
            if _is(shared, Path.is_file) and _has_table(shared):
                return shared
            if _is(folder / ".git", Path.exists):
                break
    return None


def load(path: Path | None) -> Settings:
    """The settings of a file; none for ``None``. Raises UsageError that names key and line."""
    if path is None:
        return Settings()
    return _load(Path(os.path.normpath(path.absolute())), ())


def shown(path: Path) -> str:
    """A path as seen from the working directory, if it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def apply_settings(
    reports: Sequence[Report], settings: Settings, today: date, *, whole: bool = True
) -> tuple[list[Report], list[str]]:
    """The reports with other severities and without what is excused, and what there is to say.

    ``whole``: whether all was looked at that the ignores may be about. One that ran out excuses
    nothing; one that finds nothing to excuse is told of, so that it does not stay for ever.
    """
    if not settings.severities and not settings.ignores:
        return list(reports), []
    matched: set[int] = set()
    made = [_applied(report, settings, today, matched) for report in reports]
    notices = []
    for number, ignore in enumerate(settings.ignores):
        if ignore.ran_out(today):
            after = "count again" if number in matched else "are no more, so remove it"
            notices.append(
                f"{ignore.origin}: this ignore ran out on {ignore.until}, and its findings "
                f"{after} (its reason was: {ignore.reason})"
            )
        elif whole and number not in matched and any(_could_match(ignore, r) for r in reports):
            what = ", ".join(ignore.rules) + (f" on {ignore.product}" if ignore.product else "")
            notices.append(f"{ignore.origin}: this ignore matches nothing ({what}): remove it")
    return made, notices


def _applied(report: Report, settings: Settings, today: date, matched: set[int]) -> Report:
    from maas_stream_lint.api import SetAside

    kept = []
    excused = 0
    for finding in report.findings:
        level, _ = settings.severities.get(finding.code, (finding.severity, None))
        if level is None:
            continue
        left: Finding | None = replace(finding, severity=level)
        for number, ignore in enumerate(settings.ignores):
            if not ignore.covers(finding):
                continue
            matched.add(number)
            if left is not None and not ignore.ran_out(today):
                left = left.on(set(left.maas) - set(ignore.maas or left.maas))
        excused += left is None or left.maas != finding.maas
        kept += [left] if left is not None else []
    # Findings are shown worst first; of equals the order stays.
    kept.sort(key=lambda f: -f.severity)
    aside = report.set_aside or SetAside()
    return replace(
        report,
        findings=tuple(kept),
        untouched=report.facts,
        set_aside=replace(aside, excused=excused) if settings.ignores else report.set_aside,
    )


def _could_match(ignore: Ignore, report: Report) -> bool:
    """Whether a run would have found what an ignore is about."""
    return report.looked_for(ignore.codes) and (
        ignore.maas is None or not set(ignore.maas).isdisjoint(report.look.lines)
    )


def _is(path: Path, question: Callable[[Path], bool]) -> bool:
    try:
        return question(path)
    except (OSError, ValueError):  # behind a closed door, too long, no name at all
        return False


def _has_table(path: Path) -> bool:
    text = _read(path)
    # Most do not even name us, and need no parsing.
    return TABLE in text and isinstance(_parsed(path, text).get("tool", {}).get(TABLE), dict)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{shown(path)} is not UTF-8", "save it as UTF-8") from None
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        hint = "check the path, or leave it out with --no-config"
        raise UsageError(f"cannot read {shown(path)}: {why}", hint) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "mend it, or go without with --no-config"
        raise UsageError(f"{shown(path)} is not TOML: {error}", hint) from None
    except RecursionError:
        raise UsageError(f"{shown(path)} is nested too deeply", "see `--no-config`") from None
    return data


def _load(path: Path, chain: tuple[Path, ...]) -> Settings:
    text = _read(path)
    data = _parsed(path, text)
    prefix: Key = _SHARED if path.name == "pyproject.toml" else _OWN
    for step in prefix:
        data = data.get(str(step), {})
    if prefix and not data:
        raise UsageError(f"{shown(path)} has no [tool.{TABLE}]", f"add it, or write a {NAME}")
    page = _Page(path, tomlplaces.lines(text), prefix)
    _validate(page, _plain(data))
    extends = data.get("extends", [])
    made = Settings()
    for number, name in enumerate([extends] if isinstance(extends, str) else extends):
        key: Key = ("extends",) if isinstance(extends, str) else ("extends", number)
        base = _beside(path, name)
        if base in (*chain, path):
            names = " → ".join(shown(p) for p in (*chain, path, base))
            page.fail(key, f"the files extend each other: {names}", "take one of them out")
        if not _is(base, Path.is_file):
            page.fail(key, f"there is no file {shown(base)}", "paths are relative to this file")
        made = _over(made, _load(base, (*chain, path)))
    return _over(made, _own(page, data))


def _over(base: Settings, own: Settings) -> Settings:
    """What holds when ``own`` extends ``base``."""
    return Settings(
        own.file,
        tuple(dict.fromkeys((*base.extended, *own.extended, *filter(None, [base.file])))),
        {**base.values, **own.values},
        own.sources or base.sources,
        {**base.severities, **own.severities},
        (*base.ignores, *own.ignores),
    )


class _Page:
    """A file that is being read, for what there is to say of its lines."""

    def __init__(self, path: Path, lines: dict[Key, int], prefix: Key) -> None:
        self.path, self.lines, self.prefix = path, lines, prefix

    def origin(self, key: Key) -> Origin:
        whole = (*self.prefix, *key)
        # What is missing has no line: the table that lacks it has.
        while whole not in self.lines:
            whole = whole[:-1]
        return Origin(self.path, self.lines[whole])

    def error(self, key: Key, message: str, hint: str | None = None) -> UsageError:
        name = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in key).lstrip(".")
        return UsageError(f"{self.origin(key)}: {name + ': ' if name else ''}{message}", hint)

    def fail(self, key: Key, message: str, hint: str | None = None) -> None:
        raise self.error(key, message, hint)


def _own(page: _Page, data: dict[str, Any]) -> Settings:
    """What a valid file says itself."""
    severities = {}
    written = data.get("severities", {})
    # What names one rule goes before what names many.
    for given in sorted(written, key=lambda g: -len(_codes(page, ("severities", g), g))):
        key = ("severities", given)
        level = None if written[given] == "off" else Severity[written[given].upper()]
        severities.update({c: (level, page.origin(key)) for c in _codes(page, key, given)})
    return Settings(
        page.path,
        (),
        _values(page, (), data),
        tuple(
            _listed(page, ("sources", number), given)
            for number, given in enumerate(data.get("sources", ()))
        ),
        severities,
        tuple(
            _ignore(page, ("ignores", number), given)
            for number, given in enumerate(data.get("ignores", ()))
        ),
    )


def _values(page: _Page, at: Key, data: dict[str, Any]) -> dict[str, Setting]:
    found = {}
    for name in KEYS:
        if name not in data:
            continue
        value, key = data[name], (*at, name)
        if name == "keyring":
            value = shown(_beside(page.path, value))
        elif name == "format":
            value = [
                f"{form}={shown(_beside(page.path, file))}" if file else form
                for form, _, file in (
                    given.partition("=") for given in ([value] if isinstance(value, str) else value)
                )
            ]
        elif name == "maas":
            _lines(page, key, value)
        elif name in ("select", "ignore"):
            for number, given in enumerate(value):
                _codes(page, (*key, number), given)
        found[name] = Setting(value, page.origin(key))
    return found


def _listed(page: _Page, key: Key, given: Any) -> Listed:
    table = {"source": given} if isinstance(given, str) else given
    source = table["source"].strip()
    if is_local(source):
        try:
            local_path(source)
        except LintError as error:
            page.fail(key, error.message, error.hint)
        if "://" not in source and not source.lower().startswith("file:"):
            source = shown(_beside(page.path, source))
    elif "@" in source.partition("://")[2].partition("/")[0]:
        page.fail(key, "credentials do not belong in a file", _NO_SECRETS)
    return Listed(source, _values(page, key, table), page.origin(key))


def _ignore(page: _Page, key: Key, given: dict[str, Any]) -> Ignore:
    codes: set[str] = set()
    for number, rule in enumerate(given["rules"]):
        codes |= _codes(page, (*key, "rules", number), rule)
    until: date | None = None
    if "until" in given:
        try:
            until = date.fromisoformat(str(given["until"]))
        except ValueError:
            page.fail((*key, "until"), f"there is no day {given['until']}", "write 2027-01-31")
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


def _lines(page: _Page, key: Key, given: list[str]) -> tuple[str, ...]:
    from maas_stream_lint.rulebook import releases

    for number, line in enumerate(given):
        try:
            releases([line])
        except UsageError as error:
            page.fail((*key, number), error.message, error.hint)
    return tuple(release.line for release in releases(given))


def _codes(page: _Page, key: Key, given: str) -> set[str]:
    """The rules that a code, prefix or name means."""
    from maas_stream_lint.checks import all_rules
    from maas_stream_lint.rule import selected

    try:
        return {rule.code for rule in selected(all_rules(), [given])}
    except UsageError as error:
        known = [name for rule in all_rules() for name in (rule.name, rule.code)]
        raise page.error(key, error.message, _near(given, known) or error.hint) from None


def _beside(path: Path, name: str) -> Path:
    return Path(os.path.normpath(path.parent / os.path.expanduser(name)))  # noqa: PTH111 - Path raises


def _same(listed: Listed, source: str | None) -> bool:
    if source is None or is_local(source) != is_local(listed.source):
        return False
    if not is_local(source):
        return source.strip() == listed.source
    return local_path(source) == local_path(listed.source)


def _plain(value: Any) -> Any:
    """What TOML has and JSON has not, as text."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float)) else value.isoformat()


def _validate(page: _Page, data: dict[str, Any]) -> None:
    """Raise the first error, by its line, that the schema knows of."""
    # Takes longer to import than a small stream to lint, so only who has a file waits for it.
    import jsonschema

    from maas_stream_lint.rulebook import rules_root

    schema = json.loads((rules_root() / "schemas" / "config.json").read_text("utf-8"))
    said = {
        words: None
        for error in jsonschema.Draft202012Validator(schema).iter_errors(data)
        for words in _worded(error)
    }
    if said:
        first = page.error(*min(said, key=lambda words: page.origin(words[0]).line))
        more = len(said) - 1
        wanted = f"; {more} more {'errors' if more > 1 else 'error'}" if more else ""
        raise UsageError(first.message + wanted, first.hint)


_KINDS = {
    "string": "text in quotes",
    "array": "a list",
    "object": "a table",
    "number": "a number",
    "integer": "a whole number",
}


def _worded(error: Any) -> Iterable[tuple[Key, str, str | None]]:
    """A schema error in words: key, message and hint. Values may be secrets: few are repeated."""
    key: Key = tuple(error.absolute_path)
    value, wanted = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for name in value:
            if name.lower().replace("_", "-") in _SECRETS:
                yield (*key, name), "nothing secret belongs in a file", _NO_SECRETS
            elif name not in known:
                hint = _near(name, known) or "known: " + ", ".join(known)
                yield (*key, name), "unknown key", hint
    elif error.validator == "required":
        for name in wanted:
            if name not in value:
                purpose = error.schema["properties"][name].get("description")
                yield key, f"`{name}` is missing", purpose and purpose.rstrip(".")
    elif error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        told = " or ".join(_KINDS[kind] for kind in kinds)
        quote = "string" in kinds and isinstance(value, (int, float)) and value not in (True, False)
        yield key, f"expected {told}, got {_kind(value)}", f'write "{value}"' if quote else None
    elif error.validator == "enum":
        known = ", ".join(wanted)
        near = _near(value, wanted) if isinstance(value, str) else None
        yield key, f"expected one of {known}", near
    elif error.validator == "pattern":
        yield key, "expected a date", "write 2027-01-31"
    elif error.validator in ("minLength", "minItems"):
        yield key, "is empty", "write something, or leave it out"
    else:
        bounds = {
            "minimum": f"{wanted} or more",
            "exclusiveMinimum": f"more than {wanted}",
            "maximum": f"{wanted} at most",
        }
        yield key, f"expected {bounds[error.validator]}", None


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    names = ((str, "text"), (list, "a list"), (dict, "a table"))
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def _near(given: str, known: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(given.lower().replace("_", "-"), list(known), n=1, cutoff=0.6)
    near = near or difflib.get_close_matches(given.upper(), list(known), n=1, cutoff=0.8)
    return f"did you mean {near[0]}?" if near else None
