"""The command ``docs``: where the documentation is."""

from __future__ import annotations

import click

from maas_stream_lint.cli import completion
from maas_stream_lint.cli.command import Command
from maas_stream_lint.cli.configured import settings_of, take_site
from maas_stream_lint.errors import LintError, UsageError


@click.command(
    cls=Command,
    examples=[
        ("The page of a rule, in the browser:", "docs MSL401 --open"),
        ("The address of the site:", "docs"),
    ],
)
@click.argument("word", metavar="[CODE|NAME]", required=False, shell_complete=completion.rules)
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
def docs(word: str | None, opened: bool) -> None:
    """Print the URL of the documentation, or of a rule's page.

    `docs-url` in the configuration, or the variable MAAS_STREAM_LINT_DOCS_URL, names another site,
    for example one on an intranet.
    """
    from maas_stream_lint import output as out

    out.check_target(None)
    take_site(settings_of({}))
    url = _url(word)
    if opened:
        import webbrowser

        if not webbrowser.open(url):
            raise LintError(f"no browser opens {url}", "open it by hand")
        return
    out.write(f"{url}\n", None)


def _url(word: str | None) -> str:
    """The URL of the site or a rule's page. Raises UsageError while there is none."""
    from maas_stream_lint.documentation import KEY, address, rule_url
    from maas_stream_lint.rule_files import rule_codes

    name = None
    if word is not None:
        codes = rule_codes(old=True)
        code = codes.get(word.lower(), word.upper())
        name = next((name for name, known in rule_codes().items() if known == code), None)
        if name is None:
            raise UsageError(f"no rule {word!r}", "see `maas-stream-lint rules`")
    site = address()
    if not site:
        shown = f"explain {word}" if word is not None else "man"
        hint = f"read `maas-stream-lint {shown}`, or name a site with {KEY} in the configuration"
        raise UsageError("the documentation has no address yet", hint)
    return rule_url(name) or site if name is not None else site
