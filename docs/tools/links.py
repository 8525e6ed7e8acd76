"""Checks a built site: every link leads to a page and an anchor that exist, and nothing is loaded from elsewhere.

Zensical checks the links and anchors of the Markdown. It does not check images, raw HTML and what
its theme adds, so this looks at the pages as a browser gets them.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Tag → the attribute that makes a browser load something.
_LOADING = {
    **dict.fromkeys(("audio", "embed", "iframe", "img", "script", "source", "video"), "src"),
    "link": "href",
    "object": "data",
}
#: Links that load nothing, but say where the page or its edition is.
_ADDRESSES = {"alternate", "canonical", "next", "prev"}


class Page(HTMLParser):
    """The links, loads and anchors of a page."""

    def __init__(self, text: str) -> None:
        """``text``: the page's HTML."""
        super().__init__()
        self.targets: list[str] = []  #: what its links lead to
        self.loaded: list[str] = []  #: what a browser loads for it
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to, loads and names."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if given.get(name))
        if tag == "a" and given.get("href"):
            self.targets.append(given["href"])
        target = given.get(_LOADING.get(tag, ""))
        if target and not (tag == "link" and _ADDRESSES & set(given.get("rel", "").split())):
            self.loaded.append(target)


def pages(site: Path) -> dict[Path, Page]:
    """Every page of a built site."""
    return {path: Page(path.read_text("utf-8")) for path in sorted(site.resolve().rglob("*.html"))}


def faults(site: Path) -> list[str]:
    """What is wrong with the links of a built site: ``PAGE: TARGET: why``."""
    known = pages(site)
    return [
        f"{path.relative_to(site.resolve())}: {target}: {why}"
        for path, page in known.items()
        for target, why in _faults_of(site.resolve(), path, page, known)
    ]


def _faults_of(
    site: Path, path: Path, page: Page, known: dict[Path, Page]
) -> Iterator[tuple[str, str]]:
    for target in page.loaded:
        parts = urlsplit(target)
        if parts.netloc or parts.scheme not in ("", "data"):
            yield target, "loaded from elsewhere"
    for target in dict.fromkeys(page.targets + page.loaded):
        parts = urlsplit(target)
        # The page for what is missing is shown at any depth, so its links start at the root.
        if parts.scheme or parts.netloc or path.name == "404.html":
            continue
        there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        there = there / "index.html" if there.is_dir() else there
        if not there.is_relative_to(site):
            yield target, "leads out of the site"
        elif not there.is_file():
            yield target, "no such page or file"
        elif (
            parts.fragment
            and there in known
            and unquote(parts.fragment) not in known[there].anchors
        ):
            yield target, "no such anchor"
