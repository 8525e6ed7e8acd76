"""What a package's page shows of the project: its addresses, and a README whose links lead there.

The address of the repository is one setting, ``repository`` in ``pyproject.toml``. The environment
variable ``PROJECT_URL`` overrides it. Without both, it is the repository that a job of GitHub
Actions, GitLab CI or Read the Docs is of. Without any, the page has no links at all, because a
relative one would lead nowhere. The address of the documentation is that of all reports.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^]]*)\]\((?P<path>(?!https?:|mailto:|#)[^)\s]+)\)")
#: What of the repository a package index shows in the margin.
_PAGES = {
    "Homepage": "",
    "Source": "",
    "Issues": "/issues",
    "Documentation": "/blob/{ref}/docs/index.md",
    "Changelog": "/blob/{ref}/CHANGELOG.md",
}


class CustomMetadataHook(MetadataHookInterface):
    """Fills in ``urls`` and ``readme``."""

    def update(self, metadata: dict[str, object]) -> None:
        """Change the project's metadata in place."""
        address = repository(str(self.config.get("repository", "")))
        ref = f"v{_version(Path(self.root))}"
        text = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(text, address, ref),
        }
        urls = {name: address + page.format(ref=ref) for name, page in _PAGES.items() if address}
        site = _site(self.root)
        metadata["urls"] = urls | ({"Documentation": site} if site else {})


def configured(root: Path) -> str:
    """The setting in ``pyproject.toml``; empty if it names no address."""
    text = (root / "pyproject.toml").read_text("utf-8")
    found = re.search(r'^repository = "([^"]*)"', text, re.MULTILINE)
    return found[1] if found is not None else ""


def _site(root: str) -> str:
    """The address of the documentation; empty if there is none."""
    sys.path.insert(0, root)
    from maas_stream_lint.documentation import address

    return address()


def repository(configured: str) -> str:
    """The address of the repository without a slash at its end; empty if nobody says it."""
    env = os.environ
    github = env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY")
    of_job = "/".join(github) if all(github) else env.get("CI_PROJECT_URL")  # type: ignore[arg-type]
    of_site = env.get("READTHEDOCS_GIT_CLONE_URL", "").removesuffix(".git")
    said = env.get("PROJECT_URL") or configured or of_job or of_site
    return said.rstrip("/") if said.startswith(("https://", "http://")) else ""


def with_absolute_links(text: str, address: str, ref: str) -> str:
    """A README for readers who have no repository. Both GitHub and GitLab know these paths."""

    def absolute(match: re.Match[str]) -> str:
        if not address:
            return "" if match["image"] else match["text"]
        kind = "raw" if match["image"] else "blob"
        return f"{match['image']}[{match['text']}]({address}/{kind}/{ref}/{match['path']})"

    return _LINK.sub(absolute, text)


def _version(root: Path) -> str:
    source = (root / "maas_stream_lint/__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', source, re.MULTILINE)
    assert found is not None
    return found[1]
