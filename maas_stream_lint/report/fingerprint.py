"""What makes a finding the same one in the next run, though lines move and versions come."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.finding import Finding

#: Goes before all fingerprints: it changes if ever their making does.
SCHEME = "maas-stream-lint/v1"
_NUMBERS = re.compile(r"\d+")


def key(finding: Finding) -> tuple[str, ...]:
    """The rule, the file, the place but for the version's name, and the message but for numbers."""
    place = finding.place
    path = [str(step) for step in place.path]
    if place.version is not None:
        path[3] = "*"
    return (finding.code, place.file, *path, _NUMBERS.sub("#", finding.message))


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """A fingerprint for each finding: unique, and the same in the next run.

    Findings with one key (in two versions of a product, say) are counted, so that no other finding
    has a say in it.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for finding in findings:
        same = key(finding)
        seen[same] += 1
        parts = [SCHEME, *same, str(seen[same])]
        # Lengths in front, so that no two lists of parts make one text.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        made.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    return made
