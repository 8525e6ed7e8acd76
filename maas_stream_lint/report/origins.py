"""Each setting, its value and the origin of the value: for people and, as data, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.configuration.settings import MaasSource, Origin, Setting, Settings, shown
from maas_stream_lint.names import CONFIG_KEYS
from maas_stream_lint.output import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: What the default means, where the program decides it later.
_ELSE = {
    "maas": "all",
    "commissioning": "not said",
    "keyring": "not said, so signatures count as good",
    "select": "all",
    "ignore": "none",
    "format": "text; in GitHub Actions also github",
    "files": "download for a directory, head for a URL",
    "only": "all",
    "jobs": "one per core; 8 for a URL",
    "timeout": "20",
    "docs-url": "none, so reports name commands instead of links",
}
#: What is not shown of a boot source.
_USUAL = {"enabled": True, "down": False}


def described(
    settings: Settings, told: Iterable[tuple[str, Any, str | Setting | None]]
) -> dict[str, Any]:
    """All settings as data. ``told``: key, value, and origin of each."""
    return {
        "version": 1,
        "file": None if settings.file is None else shown(settings.file),
        "extends": [shown(path) for path in settings.extended],
        "settings": [
            {"key": key, "value": _value(value), "from": _from(origin)}
            for key, value, origin in told
        ],
        "sources": [
            {
                "source": listed.source,
                **{key: listed.values[key].value for key in CONFIG_KEYS if key in listed.values},
                "from": _from(listed.origin),
            }
            for listed in settings.sources
        ],
        "maas_sources": [_of_maas(source) for source in settings.maas_sources],
        "severities": [
            {"code": code, "severity": level.label if level else "off", "from": _from(origin)}
            for code, (level, origin) in sorted(settings.severities.items())
        ],
        "ignores": [
            {
                "product": ignore.product,
                "rules": list(ignore.rules),
                "maas": None if ignore.maas is None else list(ignore.maas),
                "reason": ignore.reason,
                "until": None if ignore.until is None else ignore.until.isoformat(),
                "from": _from(ignore.origin),
            }
            for ignore in settings.ignores
        ],
    }


def _of_maas(source: MaasSource) -> dict[str, Any]:
    """A boot source of the MAAS, as far as the file tells of it."""
    told = {
        "name": source.name,
        "source": source.source,
        "url": source.url,
        "selections": None if source.selections is None else list(source.selections),
        "keyring": source.keyring,
        "priority": source.priority,
        "enabled": source.enabled,
        "skip-keyring-verification": source.skip_keyring_verification,
        "down": source.down,
    }
    known = {key: value for key, value in told.items() if value is not None}
    return {**known, "from": _from(source.origin)}


def render(said: dict[str, Any]) -> str:
    """The same for people."""
    lines = [f"configuration  {said['file'] or 'none'}"]
    lines += [f"extends        {path}" for path in said["extends"]]
    rows = [(s["key"], _words(s["key"], s["value"]), _whence(s["from"])) for s in said["settings"]]
    lines += ["", *_table(rows)]
    for title in ("sources", "maas_sources", "severities", "ignores"):
        if said[title]:
            lines += ["", title.replace("_", " ")]
            lines += _table([(*_row(title, one), _whence(one["from"])) for one in said[title]])
    return "".join(f"{clean(line.rstrip())}\n" for line in lines)


def _row(title: str, one: dict[str, Any]) -> tuple[str, str]:
    if title == "severities":
        return one["code"], one["severity"]
    if title == "maas_sources":
        left = {k: v for k, v in one.items() if k not in ("name", "from") and v != _USUAL.get(k)}
        return one["name"], ", ".join(f"{k} {_words(k, v)}" for k, v in left.items())
    if title == "sources":
        own = {k: v for k, v in one.items() if k not in ("source", "from")}
        return one["source"], ", ".join(f"{k} {_words(k, v)}" for k, v in own.items())
    about = ", ".join(one["rules"]) + (f" on {one['product']}" if one["product"] else "")
    about += f" with MAAS {', '.join(one['maas'])}" if one["maas"] else ""
    return about, one["reason"] + (f" (until {one['until']})" if one["until"] else "")


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    wide = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"  {a.ljust(wide[0])}  {b.ljust(wide[1])}  {c}" for a, b, c in rows]


def _value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return list(value) or None
    return value


def _words(key: str, value: Any) -> str:
    if value is None:
        return _ELSE.get(key, "")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _from(origin: str | Setting | Origin | None) -> dict[str, Any]:
    if origin is None:
        return {"kind": "default"}
    if isinstance(origin, str):
        kind = "flag" if origin.startswith("--") else "environment"
        return {"kind": kind, "name": origin}
    place = origin.origin if isinstance(origin, Setting) else origin
    return {"kind": "file", "file": shown(place.file), "line": place.line}


def _whence(origin: dict[str, Any]) -> str:
    if origin["kind"] == "file":
        return f"{origin['file']}:{origin['line']}"
    return str(origin.get("name", origin["kind"]))
