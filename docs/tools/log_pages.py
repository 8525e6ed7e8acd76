"""The lines of MAAS's log, from ``rules/log-lines.toml``."""

from __future__ import annotations

import re
from pathlib import Path

from maas_stream_lint.checks import all_rules
from maas_stream_lint.loglines import ANY_FATAL, LogLine, known
from written import fence, lines, prose

ROOT = Path(__file__).parents[2]
_SECTION = re.compile(r'^# -- (?P<title>.+?) -*$|^name = "(?P<name>[^"]+)"$', re.MULTILINE)


def page() -> str:
    """All lines, in the order of the file."""
    parts = [
        "# What MAAS's log lines mean",
        (
            'Paste a line into `maas-stream-lint explain "…"`, or find it here. What stands in braces '
            "varies. With `--source SOURCE` it shows what causes the line in your stream."
        ),
    ]
    by_name = {line.name: line for line in known()}
    for match in _SECTION.finditer((ROOT / "rules" / "log-lines.toml").read_text("utf-8")):
        if match["title"]:
            parts.append(f"## {match['title'][:1].upper()}{match['title'][1:]}")
        else:
            parts += entry(by_name[match["name"]])
    return "\n\n".join(parts) + "\n"


def entry(line: LogLine) -> list[str]:
    """One line."""
    harm = "harmless" if line.harmless else "something is lost"
    parts = [
        f"### {line.name}",
        fence("\n".join(line.prefix + text for text in line.texts)),
        f'<p class="facts">MAAS {lines(line.maas)} · {harm}</p>',
        prose(line.meaning),
    ]
    if line.mend:
        parts.append(f"**Fix:** {prose(line.mend)}")
    causes = rules_of(line)
    if causes:
        parts.append(f"**Caused by** {causes}")
    parts.append(f"Written by {prose(line.source)}")
    return parts


def rules_of(line: LogLine) -> str:
    """Links to the rules that find what causes a line."""
    wanted = set(line.causes)
    found = [
        f"[{rule.name}](rules/{rule.name}.md)"
        for rule in all_rules()
        if rule.name in wanted or wanted.intersection(rule.causes)
    ]
    if ANY_FATAL in wanted:
        found.append("whatever ends an import: [rules that are fatal](rules/index.md)")
    return ", ".join(found)
