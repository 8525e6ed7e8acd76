"""What a shell proposes while the user types a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click
    from click.shell_completion import CompletionItem


def release_lines(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """``3.5,3.`` → ``3.5,3.0`` … ``3.5,3.8``."""
    from maas_stream_lint.rulebook import all_releases

    return list(_last(((r.line, None) for r in reversed(all_releases())), incomplete))


def rules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Codes, if the value starts like one; otherwise names."""
    from maas_stream_lint.checks import all_rules

    as_code = incomplete.rpartition(",")[2].upper().startswith("MSL")
    known = ((r.code if as_code else r.name, r.name if as_code else r.code) for r in all_rules())
    return list(_last(known, incomplete))


def schemas(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of schemas."""
    from maas_stream_lint.rule_files import schema_names

    return [_item(name) for name in schema_names() if name.startswith(incomplete)]


def source(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files and directories; a URL cannot be completed."""
    return [_item(incomplete, type="file")]


def folder(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Directories."""
    return [_item(incomplete, type="dir")]


def _item(value: str, **more: Any) -> CompletionItem:
    """One proposal. Only a shell that completes needs the module that makes it."""
    from click.shell_completion import CompletionItem

    return CompletionItem(value, **more)


def _last(known: Iterable[tuple[str, str | None]], incomplete: str) -> Iterator[CompletionItem]:
    """Propose the last part of a list, without values that the list already has."""
    before, comma, begun = incomplete.rpartition(",")
    said = set(before.split(","))
    for value, about in known:
        if value.lower().startswith(begun.lower()) and value not in said:
            yield _item(before + comma + value, help=about)
