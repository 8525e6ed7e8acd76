"""The corpora of imports with selections, over an earlier import, and of several sources."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from maas_stream_lint.boot_sources import BootSource
from trees import KEYRING

HERE = Path(__file__).parent
#: Members whose order is nobody's: sets, rows, and what a recorder sorted.
UNORDERED = (
    *("imported", "resources", "kept", "files", "chosen", "downloads", "requeued", "deleted"),
    *("deleted_by_change", "nothing_to_download", "selections", "synced", "download_failed"),
    *("from", "aborted"),
)
#: MAAS's commissioning release where a case does not set it.
DEFAULT = ("ubuntu", "noble")


def corpus(kind: str) -> dict[str, dict[str, Any]]:
    """The cases of a folder, by id."""
    cases = (json.loads(path.read_text("utf-8")) for path in sorted((HERE / kind).glob("*.json")))
    return {case["id"]: case for case in cases}


def written(root: Path, files: dict[str, str], source: str) -> str:
    """Write a case's tree; gives its source."""
    root.mkdir(parents=True)
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8", "surrogatepass"))
    return f"{root}/{source}"


def keyring_of(case: dict[str, Any]) -> Path | None:
    return KEYRING if case["keyring"] else None


def commissioning_of(case: dict[str, Any]) -> tuple[str, str]:
    config = case.get("config", {})
    return (
        config.get("commissioning_osystem", DEFAULT[0]),
        config.get("commissioning_distro_series", DEFAULT[1]),
    )


def sources_of(root: Path, told: list[dict[str, Any]]) -> list[BootSource]:
    """The boot sources of a case, their trees written."""
    return [
        BootSource(
            source["name"],
            written(root / source["name"], source["files"], source["source"]),
            url=f"http://{source['at']}/{source['source']}",
            selections=source["selections"],
            keyring=HERE / "several" / "keyring.gpg" if source["keyring"] else None,
            priority=source.get("priority"),
            enabled=source.get("enabled", True),
            skip_keyring_verification=source.get("skip_keyring_verification"),
            down=source["down"],
        )
        for source in told
    ]


def differences(seen: dict[str, Any], case: dict[str, Any]) -> str:
    """A page on what differs between our verdicts and MAAS's; empty if nothing does."""
    said = []
    for verdict in case["expected"]:
        for line in verdict["maas"]:
            for member, theirs in verdict.items():
                if member == "maas":
                    continue
                ours = seen[line].get(member, "nothing")
                if comparable(member, ours) != comparable(member, theirs):
                    said.append(f"MAAS {line}, {member}:\n  ours   {ours}\n  MAAS's {theirs}")
    return "\n".join([f"{case['id']}: {case['description']}", *said]) if said else ""


def comparable(member: str, value: Any) -> Any:
    """A member as it is compared: without order where there is none, without a server's words."""
    if member == "fatal":
        return _ends(value)
    if member == "aborted":
        value = _selections(value)
    if member in UNORDERED:
        value = _sorted(value)
    return _without_words(json.dumps(value, sort_keys=True))


def _ends(fatal: Any) -> Any:
    """Where an import ended. The exception's text helps to explain, and no more."""
    if not isinstance(fatal, dict) or "stage" in fatal:
        return fatal and (fatal["stage"], fatal.get("source"), fatal.get("pass"))
    return {name: _ends(end) for name, end in fatal.items()}


def _selections(aborted: Any) -> Any:
    if isinstance(aborted, dict):
        return {name: _selections(ends) for name, ends in aborted.items()}
    return [end["selection"] for end in aborted]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(part) for name, part in value.items()}
    if isinstance(value, list):
        return sorted(json.dumps(part, sort_keys=True) for part in value)
    return value


def _without_words(text: str) -> str:
    """Without the reason that a server gives for its 404, and what gpgv says of a signature."""
    text = text.replace("404 File not found", "404 Not Found")
    return re.sub(r'(Failed to verify PGP signature\.).*?(?="\])', r"\1", text)
