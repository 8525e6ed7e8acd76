"""A configuration, read together with the files that it extends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from maas_stream_lint.configuration import tomlplaces
from maas_stream_lint.configuration.lines import Page
from maas_stream_lint.configuration.settings import NAME, TABLE, Settings, shown
from maas_stream_lint.configuration.toml import is_a, parsed, read
from maas_stream_lint.configuration.validation import validate
from maas_stream_lint.configuration.values import own_settings
from maas_stream_lint.errors import UsageError

if TYPE_CHECKING:
    from maas_stream_lint.configuration.tomlplaces import Key

#: So many files may extend each other.
_MOST = 64
_OWN, _SHARED = (), ("tool", TABLE)


def load(path: Path) -> Settings:
    """The settings of a file. Raises UsageError that names the key and line."""
    return _load(Path(os.path.normpath(path.absolute())), (), {})


def _load(path: Path, chain: tuple[Path, ...], known: dict[Path, Settings]) -> Settings:
    """``known``: the files so far. A file that several others extend is read once."""
    text = read(path)
    data = parsed(path, text)
    prefix: Key = _SHARED if path.name == "pyproject.toml" else _OWN
    for step in prefix:
        data = data.get(str(step), {})
    if prefix and not data:
        raise UsageError(f"{shown(path)} has no [tool.{TABLE}]", f"add it, or write a {NAME}")
    page = Page(path, tomlplaces.lines(text), prefix)
    validate(page, data)
    extends = data.get("extends", [])
    made = Settings()
    for number, name in enumerate([extends] if isinstance(extends, str) else extends):
        key: Key = ("extends",) if isinstance(extends, str) else ("extends", number)
        base = page.beside(name)
        if base in (*chain, path):
            names = " → ".join(shown(p) for p in (*chain, path, base))
            page.fail(
                key, f"the files extend each other in a circle: {names}", "remove one `extends`"
            )
        if not is_a(base, Path.is_file):
            page.fail(key, f"there is no file {shown(base)}", "write a path relative to this file")
        if base not in known:
            if len(known) + len(chain) > _MOST:
                page.fail(key, f"more than {_MOST} files extend each other", "put them together")
            known[base] = _load(base, (*chain, path), known)
        made = _over(made, known[base])
    return _over(made, own_settings(page, data))


def _over(base: Settings, own: Settings) -> Settings:
    """The settings of ``own``, which extends ``base``."""
    return Settings(
        own.file,
        tuple(dict.fromkeys((*base.extended, *own.extended, *filter(None, [base.file])))),
        {**base.values, **own.values},
        own.sources or base.sources,
        own.maas_sources or base.maas_sources,
        {**base.severities, **own.severities},
        tuple(dict.fromkeys((*base.ignores, *own.ignores))),
    )
