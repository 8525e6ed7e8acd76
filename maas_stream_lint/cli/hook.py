"""The hook for pre-commit: it checks the trees that the changed files belong to.

``python -m maas_stream_lint.cli.hook [OPTION…] FILE…``: the options are those of ``check``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from maas_stream_lint.cli.main import main

#: A file of metadata: the `files` of ``.pre-commit-hooks.yaml``, and what is before it the root.
_METADATA = re.compile(r"(?P<root>(?:.*/)?)streams/v1/.+\.s?json\n?", re.DOTALL)


def sources(paths: list[str]) -> list[str]:
    """The source to check for each tree of these files.

    This is the signed index, because MAAS requests it at a bare root. Without it, it is the plain
    index, and without any index the root.
    """
    roots = dict.fromkeys(
        match["root"] for path in paths if (match := _METADATA.fullmatch(path)) is not None
    )
    found = []
    for root in roots:
        indexes = [f"{root}streams/v1/index{end}" for end in (".sjson", ".json")]
        source = next((i for i in indexes if Path(i).is_file()), root or ".")
        # A folder may be named like an option or the scheme of a URL.
        found.append(f"./{source}" if re.match(r"-|[^/]*:", source) else source)
    return found


def run(arguments: list[str]) -> int:
    """Check each tree, and return the highest exit code.

    An argument that looks like a metadata file counts as one, even if it starts with a dash.
    Anybody who can commit a file chooses its name.
    """
    paths = [argument for argument in arguments if _METADATA.fullmatch(argument)]
    options = [argument for argument in arguments if argument not in paths]
    worst = 0
    for source in sources(paths):
        try:
            main(["check", *options, "--", source], prog_name="maas-stream-lint")
        except SystemExit as end:
            worst = max(worst, end.code if isinstance(end.code, int) else 1)
    return worst


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
