"""The site's Markdown: the documents, and pages made from rules, releases and log lines.

The same Markdown is read in a checkout and on the site. Three things differ on the site: files
outside of ``docs/`` become pages (``OUTSIDE``), codes of rules become links, and made pages exist.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

import log_pages
import release_pages
import repository_links
import rule_pages
import schema_files
import small_trees

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: Files that are not in docs/ → where they are on the site.
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "bench/README.md": "bench.md",
    "rules/README.md": "release-data.md",
    "rules/messages": "log-lines.md",
    "rules/releases": "releases.md",
    "tests/conformance/README.md": "conformance.md",
    "fixtures/good": "smallest-trees.md",
    "rules/schemas": "schema-files.md",
    "rules/schemas/streams": "schema-files.md",
    **schema_files.files(),
}
#: What of docs/ is no part of the site.
_KEPT_BACK = shutil.ignore_patterns("tools", "*.md", "__pycache__", "package*.json", "*.py")
#: Where the pages of the rules go in the navigation.
_RULES = "      - rules/index.md\n"

#: A link to a file, or code, in which nothing is a link.
_LINK = re.compile(
    r"`[^`]*`|(?<!!)\[(?P<words>[^\][]+)\]\((?P<target>[^()\s#:]+)(?P<anchor>#[^()\s]*)?\)"
)
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")
_KEPT = re.compile(r"(`[^`]*`|\[[^\][]*\]\([^()]*\)|<[^>]*>)")


class Astray(Exception):  # noqa: N818 - it is about a link
    """A document links to a file that is not on the site."""


def stage(folder: Path) -> None:
    """Write the configuration and the documents of the site to a folder.

    Raises Astray for a link to what is not on the site.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mkdocs.yml").write_text(_configuration(), "utf-8")
    shutil.copytree(DOCS, folder / "docs", ignore=_KEPT_BACK)
    for uri, text in documents().items():
        place = folder / "docs" / uri
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")


def documents() -> dict[str, str]:
    """Path on the site → the text of each document, as the site needs it."""
    made = {
        **rule_pages.pages(),
        "releases.md": release_pages.page(),
        **log_pages.pages(),
        "schema-files.md": schema_files.page(),
        "smallest-trees.md": small_trees.page(),
    }
    texts = {uri: _codes(text, uri) for uri, text in made.items()}
    repository = repository_links.address()
    for source, home in written().items():
        text = repository_links.filled((ROOT / home).read_text("utf-8"), repository)
        texts[source] = for_site(text, source, home) if source.endswith(".md") else text
    return texts


def written() -> dict[str, str]:
    """Path on the site → path in the checkout, of the documents that are not made."""
    own = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
    found = {uri: path.relative_to(ROOT).as_posix() for uri, path in own.items()}
    for home, uri in OUTSIDE.items():
        if uri not in found and (ROOT / home).is_file():
            found[uri] = home
    return found


def _configuration() -> str:
    """``mkdocs.yml``, with the pages of the rules in the navigation."""
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    before, rules, after = text.partition(_RULES)
    if not rules:
        raise ValueError(f"mkdocs.yml has no line {_RULES!r}")
    lines = [rules]
    for level, pages in rule_pages.navigation().items():
        lines.append(f"      - {level}:\n")
        lines += [f"          - {name}: {uri}\n" for name, uri in pages.items()]
    return "".join([before, *lines, after])


def for_site(text: str, uri: str, home: str) -> str:
    """A document with links to where things are on the site, and codes that lead to their rules.

    ``uri``: where the document is on the site. ``home``: where it is in the checkout.
    """

    def link(match: re.Match[str]) -> str:
        if not match["words"]:
            return match[0]
        path = normpath(join(dirname(home), match["target"]))
        there = OUTSIDE.get(path) or path.removeprefix("docs/")
        if path not in OUTSIDE and not path.startswith("docs/"):
            raise Astray(f"{home} links to {path}, which is not on the site")
        return f"[{match['words']}]({relpath(there, dirname(uri) or '.')}{match['anchor'] or ''})"

    parts = _FENCE.split(text)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return _codes("".join(parts), uri)


def _codes(text: str, uri: str) -> str:
    """``MSL401`` → a link to the rule, but not in code, links and headings, nor to the page itself."""
    parts = _FENCE.split(text)
    parts[::2] = ["\n".join(_coded(line, uri) for line in p.split("\n")) for p in parts[::2]]
    return "".join(parts)


def _coded(line: str, uri: str) -> str:
    if line.startswith("#"):
        return line
    if line.lstrip().startswith("|"):
        # In code in a table, GitHub wants a bar escaped, and Python-Markdown does not.
        line = _CODE.sub(lambda match: match[0].replace("\\|", "|"), line)
    names = rule_pages.names()

    def linked(match: re.Match[str]) -> str:
        name = names.get(match[0])
        if name is None or uri == f"rules/{name}.md":
            return match[0]
        return f'[{match[0]}]({relpath(f"rules/{name}.md", dirname(uri) or ".")} "{name}")'

    pieces = _KEPT.split(line)
    pieces[::2] = [re.sub(r"\bMSL\d{3}\b", linked, piece) for piece in pieces[::2]]
    return "".join(pieces)
