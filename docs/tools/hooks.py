"""mkdocs hooks: pages made from rules, releases and log lines, and links that hold on the site.

The same Markdown is read in a checkout and on the site. Three things differ here: files outside of
``docs/`` become pages (``OUTSIDE``), codes of rules become links, and generated pages exist.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import TYPE_CHECKING

sys.path.insert(0, os.fspath(Path(__file__).parent))

from mkdocs.structure.files import File

import log_pages
import release_pages
import rule_pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
#: Files that are not in docs/ → where they are on the site.
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "bench/README.md": "bench.md",
    "rules/README.md": "release-data.md",
    "rules/messages": "log-lines.md",
    "rules/releases": "releases.md",
    "rules/schemas/compare.json": "schemas/compare.json",
    "rules/schemas/diagnose.json": "schemas/diagnose.json",
    "rules/schemas/preview.json": "schemas/preview.json",
    "rules/schemas/report.json": "schemas/report.json",
    "tests/conformance/README.md": "conformance.md",
}

log = logging.getLogger("mkdocs.hooks")

#: A link to a file, or code, in which nothing is a link.
_LINK = re.compile(
    r"`[^`]*`|(?<!!)\[(?P<words>[^\][]+)\]\((?P<target>[^()\s#:]+)(?P<anchor>#[^()\s]*)?\)"
)
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")
_KEPT = re.compile(r"(`[^`]*`|\[[^\][]*\]\([^()]*\)|<[^>]*>)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the rules into the navigation."""
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Rules" in entry:
            entry["Rules"] += rule_pages.navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated, and what lies outside."""
    made = {
        **rule_pages.pages(),
        "releases.md": release_pages.page(),
        **log_pages.pages(),
    }
    for source, uri in OUTSIDE.items():
        if uri not in made and uri != "index.md":
            made[uri] = (ROOT / source).read_text("utf-8")
    for uri, text in made.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where things are on the site, and codes to their rules."""
    uri = page.file.src_uri
    back = {
        there: here
        for here, there in OUTSIDE.items()
        if here.endswith(".md") and here != "README.md"
    }
    home = dirname(back.get(uri, join("docs", uri)))
    generated = page.file.generated_by is not None and uri not in back

    def link(match: re.Match[str]) -> str:
        words, target, anchor = match["words"], match["target"], match["anchor"] or ""
        path = normpath(join(home, target))
        if path in OUTSIDE:
            there = OUTSIDE[path]
        elif path.startswith("docs/"):
            there = path.removeprefix("docs/")
        else:
            log.warning("%s links to %s, which is not on the site", uri, path)
            return words
        return f"[{words}]({relpath(there, dirname(uri) or '.')}{anchor})"

    parts = _FENCE.split(markdown)
    for number in range(0, len(parts), 2):
        text = parts[number]
        if not generated:
            text = _LINK.sub(lambda match: link(match) if match["words"] else match[0], text)
        parts[number] = _codes(text, uri)
    return "".join(parts)


def _codes(text: str, uri: str) -> str:
    """``MSL401`` → a link to the rule, but not in code, links and headings, nor to the page itself."""
    names = rule_pages.names()

    def linked(match: re.Match[str]) -> str:
        name = names.get(match[0])
        if name is None or uri == f"rules/{name}.md":
            return match[0]
        return f'[{match[0]}]({relpath(f"rules/{name}.md", dirname(uri) or ".")} "{name}")'

    lines = []
    for line in text.split("\n"):
        if not line.startswith("#"):
            if line.lstrip().startswith("|"):
                # In code in a table, GitHub wants a bar escaped, and Python-Markdown does not.
                line = _CODE.sub(lambda match: match[0].replace("\\|", "|"), line)
            pieces = _KEPT.split(line)
            pieces[::2] = [re.sub(r"\bMSL\d{3}\b", linked, piece) for piece in pieces[::2]]
            line = "".join(pieces)
        lines.append(line)
    return "\n".join(lines)
