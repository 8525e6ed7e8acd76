"""Writes JSON reports of all fixtures, recorded cases and bench streams, to compare two checkouts.

``python bench/reports.py before`` in the one, ``python bench/reports.py after`` in the other; then
``diff -r before after`` shows every answer that changed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

from maas_stream_lint import check, preview, use  # noqa: E402
from streams import KINDS, tree, write  # noqa: E402
from trees import KEYRING, corpus  # noqa: E402

#: Products and versions of the bench streams: small, as their answers matter and not their time.
SIZE = (50, 3)
#: The day on which images are used: what MAAS supports depends on it.
TODAY = date(2026, 11, 1)
#: The same of the streams that chance spoils, and how many of them there are.
RANDOM, RANDOMS = (12, 2), 60


def fixtures() -> Iterator[tuple[str, Path, Path | None]]:
    """Each fixture's name, source and keyring."""
    for root in sorted((ROOT / "fixtures").glob("*/*/tree")):
        keyring = root.with_name("keyring.gpg")
        index = root / "streams/v1/index.json"
        source = index if index.exists() else root
        yield f"fixture-{root.parent.name}", source, keyring if keyring.exists() else None


def answers(source: Any, keyring: Path | None) -> dict[str, Any]:
    """All that the library says of a source."""
    report = check(source, keyring=keyring, files="none")
    return {
        "check": report.to_dict(),
        "preview": preview(source, keyring=keyring).to_dict(),
        "use": use(source, keyring=keyring, today=TODAY).to_dict(),
    }


def main() -> None:
    """Write one file a stream below the folder that the command line names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as made:
        where = Path(made)
        for name, source, keyring in fixtures():
            _keep(folder, name, answers(source, keyring), where)
        for case in corpus():
            root = where / "case" / case["id"]
            files = {p: text.encode("utf-8", "surrogatepass") for p, text in case["files"].items()}
            try:
                write(root, files)
            except (OSError, ValueError):
                continue  # a name that no file system takes
            source = root / case["source"] if case["source"] else root
            _keep(folder, f"case-{case['id']}", answers(source, KEYRING), where)
        for kind in KINDS:
            source = where / kind
            write(source, tree(*SIZE, kind))
            _keep(folder, f"bench-{kind}", answers(source, None), where)
        for seed in range(RANDOMS):
            source = where / "random" / str(seed)
            write(source, tree(*RANDOM, "random", seed))
            _keep(folder, f"random-{seed}", answers(source, None), where)


def _keep(folder: Path, name: str, told: dict[str, Any], made: Path) -> None:
    text = json.dumps(told, indent=1, sort_keys=True)
    (folder / f"{name}.json").write_text(
        text.replace(str(made), "").replace(str(ROOT), ""), "utf-8"
    )


if __name__ == "__main__":
    main()
