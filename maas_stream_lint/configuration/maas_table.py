"""The table of a configuration that lists the boot sources of the user's MAAS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.configuration.settings import MaasSource, shown
from maas_stream_lint.configuration.validation import NO_SECRETS
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.source import is_local, local_path

if TYPE_CHECKING:
    from maas_stream_lint.configuration.lines import Page
    from maas_stream_lint.configuration.tomlplaces import Key


def maas_sources(page: Page, data: dict[str, Any]) -> tuple[MaasSource, ...]:
    """The boot sources of the MAAS, in the order in which MAAS got them."""
    table = data.get("maas")
    given = table.get("sources", []) if isinstance(table, dict) else []
    made: list[MaasSource] = []
    for number, one in enumerate(given):
        key: Key = ("maas", "sources", number)
        source = _of(page, key, one)
        if any(source.name == other.name for other in made):
            page.fail(key, f"two sources are called {source.name}", "give each a `name` of its own")
        made.append(source)
    return tuple(made)


def source_at(page: Page, key: Key, text: str) -> str:
    """A source as a file names it: a URL, or a path relative to the working directory."""
    source = text.strip()
    if is_local(source):
        try:
            local_path(source)
        except LintError as error:
            page.fail(key, error.message, error.hint)
        if "://" not in source and not source.lower().startswith("file:"):
            source = shown(page.beside(source))
    elif _has_credentials(source):
        page.fail(key, "credentials must not be in a configuration", NO_SECRETS)
    return source


def _of(page: Page, key: Key, given: dict[str, Any]) -> MaasSource:
    source = source_at(page, key, given["source"])
    url, keyring, selections = given.get("url"), given.get("keyring"), given.get("selections")
    if url is not None and _has_credentials(url):
        page.fail((*key, "url"), "credentials must not be in a configuration", NO_SECRETS)
    if keyring is True:
        page.fail((*key, "keyring"), "true is no keyring", "name its file; false stands for none")
    if selections is not None:
        _check_selections(page, (*key, "selections"), selections)
    return MaasSource(
        given.get("name", source),
        source,
        url,
        None if selections is None else tuple(selections),
        shown(page.beside(keyring)) if isinstance(keyring, str) else keyring,
        given.get("priority"),
        given.get("enabled", True),
        given.get("skip-keyring-verification"),
        given.get("down", False),
        page.origin(key),
    )


def _check_selections(page: Page, key: Key, given: list[str]) -> None:
    """Fail for a malformed selection, and for ``default`` beside others."""
    from maas_stream_lint.selecting import parse_words

    try:
        parse_words(given)
    except UsageError as error:
        page.fail(key, error.message, error.hint)


def _has_credentials(url: str) -> bool:
    return "@" in url.partition("://")[2].partition("/")[0]
