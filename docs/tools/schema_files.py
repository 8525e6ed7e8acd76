"""A page that leads to every schema, as files of the site."""

from __future__ import annotations

from pathlib import Path

from maas_stream_lint.rule_files import release_lines

HOME = Path(__file__).parents[2] / "rules/schemas"


def files() -> dict[str, str]:
    """Path in the checkout → path on the site, of every schema."""
    return {
        f"rules/schemas/{name}": f"schemas/{name}"
        for name in sorted(path.relative_to(HOME).as_posix() for path in HOME.rglob("*.json"))
    }


def page() -> str:
    """The schemas of streams by release line, and those of what commands read and print."""
    kinds = sorted({path.stem for path in (HOME / "streams").rglob("*.json")})
    rows = [f"| MAAS | {' | '.join(kinds)} |", "|---|" + "---|" * len(kinds)]
    for line in release_lines():
        cells = (_cell(f"streams/{line}/{kind}.json") for kind in kinds)
        rows.append(f"| {line} | {' | '.join(cells)} |")
    others = [f"- {_cell(path.name)}" for path in sorted(HOME.glob("*.json"))]
    parts = [
        "# The schemas as files",
        "`maas-stream-lint schema` prints the same. [How editors use them](schemas.md).",
        "## Streams",
        "\n".join(rows),
        "## What commands read and print",
        "\n".join(others),
    ]
    return "\n\n".join(parts) + "\n"


def _cell(name: str) -> str:
    if not (HOME / name).is_file():
        return ""
    return f"[{Path(name).name}](schemas/{name})"
