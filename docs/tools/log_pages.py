"""A page for each message that MAAS writes, from ``rules/messages/``, and a list of them."""

from __future__ import annotations

from collections.abc import Iterator

from maas_stream_lint.logs.messages import Message, Pattern, message, names
from maas_stream_lint.logs.places import written
from maas_stream_lint.rule_files import rule_codes
from written import cell, fence, lines, prose

#: What a message is about → the heading of its part of the list, in the order of the list.
HEADINGS = {
    "stream": "The stream",
    "image": "The image file",
    "network": "The way to the server",
    "maas": "MAAS itself",
    "machine": "Machines",
    "upload": "Uploads",
}


def pages() -> dict[str, str]:
    """Path on the site → text."""
    made = {f"messages/{name}.md": page(message(name)) for name in names()}
    return {"log-lines.md": overview(), **made}


def overview() -> str:
    """All messages, by what they are about; those that cost something first."""
    parts = [
        "# What MAAS's log lines mean",
        (
            'Paste a line into `maas-stream-lint explain "…"`, or find it here. What stands in braces '
            "varies. [From the log to the cause](start/diagnose.md) reads a whole log."
        ),
    ]
    for about, heading in HEADINGS.items():
        known = [message(name) for name in names() if message(name).about == about]
        parts += [f"## {heading}", "\n".join(_rows(known))]
    return "\n\n".join(parts) + "\n"


def page(known: Message) -> str:
    """One message: its wordings, what it means, what to do."""
    harm = "something is lost" if known.lost else "harmless"
    parts = [f"# {known.id}", fence("\n".join(p.prefix + p.text for p in known.patterns))]
    parts.append(f'<p class="facts">MAAS {lines(known.maas)} · {harm}</p>')
    parts.append(prose(known.meaning))
    parts += [f"**{case.rule}:** {prose(case.says)} {prose(case.remedy)}" for case in known.cases]
    if known.remedy:
        parts.append(f"**Fix:** {prose(known.remedy)}")
    causes = _causes(known)
    if causes:
        parts.append(f"**Rules that find the cause:** {causes}")
    if known.otherwise:
        parts.append(f"**If the stream is not the cause:** {prose(known.otherwise)}")
    parts += ["## Where MAAS writes it", "\n".join(_wordings(known.patterns))]
    return "\n\n".join(parts) + "\n"


def _rows(known: list[Message]) -> Iterator[str]:
    yield "| Message | MAAS | |"
    yield "| --- | --- | --- |"
    for one in sorted(known, key=lambda m: not m.lost):
        harm = "" if one.lost else "harmless"
        text = cell(one.patterns[0].text).replace("`", "'")
        yield f"| [`{text}`](messages/{one.id}.md) | {lines(one.maas)} | {harm} |"


def _causes(known: Message) -> str:
    codes = rule_codes()
    found = [f"[{name}](../rules/{name}.md)" for name in known.rules if name in codes]
    if known.fatal:
        found.append("whatever ends an import: [rules that are fatal](../rules/index.md)")
    return ", ".join(found)


def _wordings(patterns: tuple[Pattern, ...]) -> Iterator[str]:
    """Release lines, place and source, each once."""
    yield "| MAAS | Where | Written by |"
    yield "| --- | --- | --- |"
    seen = set()
    for pattern in patterns:
        for maas, where in written(pattern.place, pattern.maas):
            row = f"| {lines(maas)} | {cell(prose(where))} | {cell(prose(pattern.source))} |"
            if row not in seen:
                seen.add(row)
                yield row
