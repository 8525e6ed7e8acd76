"""What identifies a finding across runs, though lines move and versions come."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_stream_lint.finding import Finding

#: The first part of all fingerprints: it changes if their recipe changes.
SCHEME = "maas-stream-lint/v1"
_NUMBERS = re.compile(r"\d+")


def key(finding: Finding) -> tuple[str, ...]:
    """The rule, the file, the place without the version's name, and the message without numbers."""
    place = finding.place
    path = [str(step) for step in place.path]
    if place.version is not None:
        path[3] = "*"
    return (finding.code, place.file, *path, _NUMBERS.sub("#", finding.message))


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """A fingerprint for each finding: unique, and the same in the next run.

    Findings with the same key (in two versions of a product, say) are numbered. Other findings
    have no influence.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for finding in findings:
        same = key(finding)
        seen[same] += 1
        parts = [SCHEME, *same, str(seen[same])]
        # With lengths in front, two different lists never make the same text.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        made.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    return made
