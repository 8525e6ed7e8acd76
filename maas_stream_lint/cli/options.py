"""The options of the command line, and the record of what a command was given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maas_stream_lint.cli import completion, parameters
from maas_stream_lint.cli.command import HEADING
from maas_stream_lint.cli.console import remember
from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.names import MODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_stream_lint.boot_sources import Given
    from maas_stream_lint.cli.one_maas import OneMaas
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.fixing.publish import Signer
    from maas_stream_lint.images.observation import FileOptions
    from maas_stream_lint.keyring import Unsaid
    from maas_stream_lint.logs.maas_state import SelectedImages
    from maas_stream_lint.source import FetchOptions

    Command = TypeVar("Command", bound=Callable[..., Any])

#: When the run began, for ``--deadline``.
_STARTED = time.monotonic()


class Options(NamedTuple):
    """The values of a command's options: from flags, environment, configuration, or the defaults.

    Its members have the names of the parameters, so that ``Options(**given)`` makes it.
    """

    source: str | None = None
    maas: tuple[str, ...] | list[str] = ()
    keyring: str | None = None
    no_keyring: bool = False
    selections: tuple[str, ...] | list[str] = ()
    selections_file: str | None = None
    commissioning: tuple[str, str] | None = None
    select: tuple[str, ...] | list[str] = ()
    ignore: tuple[str, ...] | list[str] = ()
    severity: str = "unusable"
    fix: bool = False
    # The live MAAS, and what it has selected of a source; ``None``: there is no live MAAS.
    maas_url: str | None = None
    api_key_file: str | None = None
    profile: str | None = None
    selected: tuple[SelectedImages, ...] | None = None
    # The other boot sources of the same MAAS: as the user named them, and as read.
    beside: tuple[str, ...] = ()
    one_maas: OneMaas | None = None
    configured: tuple[str, ...] = ()  #: the configuration files that changed any of these
    # How image files are looked at:
    mode: str | None = None
    only: tuple[str, ...] = ()
    all_versions: bool = False
    jobs: int | None = None
    limit_rate: int | None = None
    max_download: int | None = None
    keep: str | None = None
    no_cache: bool = False
    verbose: bool = False
    # How a server is spoken to:
    headers: tuple[tuple[str, str], ...] = ()
    token_env: str | None = None
    token_file: str | None = None
    ca_bundle: str | None = None
    timeout: float | None = None
    max_redirects: int | None = None
    deadline: float | None = None
    max_metadata: int | None = None

    @property
    def lines(self) -> list[str] | None:
        """The release lines that the user named; ``None``: all."""
        return list(self.maas) or None

    def unsigned(self) -> Options:
        """The options without headers and tokens, which are only for the user's streams."""
        return self._replace(headers=(), token_env=None, token_file=None)

    @property
    def selecting(self) -> Given:
        """The selections as the library takes them; ``None`` if unknown.

        Raises UsageError for a malformed selection, and for a file that it cannot read.
        """
        if not self.selections and self.selections_file is None:
            return None if self.selected is None else [one.as_row() for one in self.selected]
        from pathlib import Path

        from maas_stream_lint.errors import UsageError
        from maas_stream_lint.selecting import parse_words, read_selections

        given = parse_words(self.selections)
        if self.selections_file is None:
            return given
        if isinstance(given, str):
            hint = "give one of the two options"
            raise UsageError("`default` and --selections cannot be combined", hint)
        return [*given, *read_selections(Path(self.selections_file))]

    @property
    def trusted(self) -> str | Unsaid | None:
        """The keyring as the library takes it."""
        from maas_stream_lint.keyring import NOT_SAID

        return None if self.no_keyring else self.keyring or NOT_SAID

    @property
    def threshold(self) -> Severity:
        """The least severity that counts for the exit code."""
        from maas_stream_lint.finding import Severity

        return Severity[self.severity.upper()]

    def rules(self) -> frozenset[str]:
        """The names of the rules that are selected and not ignored."""
        from maas_stream_lint.checks import all_rules
        from maas_stream_lint.rule import selected

        return frozenset(rule.name for rule in selected(all_rules(), self.select, self.ignore))

    def fetching(self) -> FetchOptions:
        """How documents are fetched."""
        from maas_stream_lint.source import FetchOptions

        tokens = [token for token in (self.token_env, self.token_file) if token]
        said = {
            "headers": (*self.headers, *(("Authorization", f"Bearer {t}") for t in tokens)),
            "ca_bundle": self.ca_bundle,
            "timeout": self.timeout,
            "max_redirects": self.max_redirects,
            "max_total_bytes": self.max_metadata,
            "until": _STARTED + self.deadline if self.deadline is not None else None,
        }
        return FetchOptions(**{name: value for name, value in said.items() if value is not None})  # type: ignore[arg-type]

    def looking(self) -> FileOptions:
        """How image files are looked at."""
        from maas_stream_lint.images.observation import FileOptions

        return FileOptions(
            mode=self.mode,
            only=self.only,
            all_versions=self.all_versions,
            jobs=self.jobs,
            limit_rate=self.limit_rate,
            max_download=self.max_download,
            keep=self.keep,
            cache=not self.no_cache,
        )


def signer_of(key: str | None) -> Signer | None:
    """What signs metadata with a key. Raises UsageError if there is no gpg."""
    if key is None:
        return None
    from maas_stream_lint.fixing.signing import Gpg

    return Gpg(key)


def together(
    *options: Callable[[Command], Command], heading: str | None = None
) -> Callable[[Command], Command]:
    """Several options as one decorator, in their order.

    ``heading``: their heading in the help, except for options that already have one.
    """

    def decorate(command: Command) -> Command:
        before = len(getattr(command, "__click_params__", ()))
        for option in reversed(options):
            command = option(command)
        for param in getattr(command, "__click_params__", [])[before:]:
            if heading is not None and not hasattr(param, HEADING):
                setattr(param, HEADING, heading)
        return command

    return decorate


#: The headings of the help.
PREDICTED, JUDGED = "What MAAS is predicted", "Rules and exit code"
IMAGES, SHOWN = "Image files", "Output"
SERVED, CONFIGURED = "The stream's server", "Configuration"

MAAS = together(
    click.option(
        "--maas",
        callback=parameters.listed,
        multiple=True,
        metavar="LINES",
        shell_complete=completion.release_lines,
        help="MAAS release lines to predict: 3.6, or 3.5,3.8, or 3.5-3.7, or 3.5+, or latest. "
        "Repeatable.  [default: all]",
    ),
    heading=PREDICTED,
)
KEYRING_FILE = together(
    click.option(
        "--keyring",
        callback=parameters.one_keyring,
        metavar="FILE",
        shell_complete=completion.source,
        help="The keyring that MAAS has for this source. Without it, the tool assumes that "
        "signatures are valid.",
    ),
    heading=PREDICTED,
)
KEYRING = together(
    KEYRING_FILE,
    click.option(
        "--no-keyring",
        is_flag=True,
        callback=parameters.one_keyring,
        help="MAAS has no keyring for this source.",
    ),
    heading=PREDICTED,
)
#: For commands that write to a stream on disk.
SIGNING = together(
    click.option("--sign", metavar="KEYID", help="Sign all metadata with this gpg key."),
    click.option(
        "--keyring",
        metavar="FILE",
        shell_complete=completion.source,
        help="The keyring that verifies the signatures which --sign replaces.",
    ),
)
SELECTIONS = together(
    click.option(
        "--selection",
        "selections",
        multiple=True,
        metavar="SELECTION",
        help="What MAAS selects of this source: ubuntu/noble/amd64, or "
        "os=ubuntu,release=noble,arch=amd64|arm64 (also subarch=…, label=…), or `default` for what "
        "a new MAAS selects. Repeatable.  [default: all that the source can serve]",
    ),
    click.option(
        "--selections",
        "selections_file",
        metavar="FILE",
        shell_complete=completion.source,
        help="File with the output of `maas $PROFILE boot-source-selections read ID`.",
    ),
    click.option(
        "--commissioning",
        callback=parameters.pair,
        metavar="OS/RELEASE",
        help="The release that MAAS commissions machines with, like ubuntu/noble.",
    ),
    heading=PREDICTED,
)
BESIDE = together(
    click.option(
        "--beside",
        multiple=True,
        metavar="SOURCE",
        shell_complete=completion.source,
        help="Another boot source of the same MAAS, added before SOURCE. The tool judges "
        "it together with SOURCE, but does not report on it. Repeatable.",
    ),
    heading=PREDICTED,
)
FETCH = together(
    click.option(
        "--header",
        "headers",
        callback=parameters.headers,
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Send this header to the stream's server. Repeatable. ~/.netrc is read too.",
    ),
    click.option(
        "--token-env",
        callback=parameters.token,
        metavar="NAME",
        help="Environment variable that holds a bearer token for the stream's server.",
    ),
    click.option(
        "--token-file",
        callback=parameters.token,
        metavar="FILE",
        shell_complete=completion.source,
        help="File that holds a bearer token for the stream's server.",
    ),
    click.option(
        "--ca-bundle",
        metavar="FILE",
        shell_complete=completion.source,
        help="Certificates to trust instead of the system's.",
    ),
    click.option(
        "--timeout",
        type=float,
        callback=parameters.seconds,
        metavar="SECONDS",
        help="Longest wait for a connection, and for each silence of the server.  [default: 20]",
    ),
    click.option(
        "--max-redirects",
        type=parameters.Whole(0),
        metavar="N",
        help="Redirects to follow for each document.  [default: 30]",
    ),
    click.option(
        "--deadline",
        type=float,
        callback=parameters.seconds,
        metavar="SECONDS",
        help="End the run after this time, downloads included.",
    ),
    click.option(
        "--max-metadata",
        type=parameters.Size(),
        metavar="SIZE",
        help="Read no more metadata than this in all, decompressed.  [default: 256M]",
    ),
    heading=SERVED,
)
FILES = together(
    click.option(
        "--files",
        "mode",
        type=click.Choice(MODES),
        help="How closely the tool checks image files. none: not at all. head: each file exists "
        "and has the right size and kind. download: its checksums are right, too.  "
        "[default: download for a directory, head for a URL]",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="GLOB",
        help="Check only the image files of products whose names match. Repeatable.",
    ),
    click.option(
        "--all-versions", is_flag=True, help="Also check the image files of older versions."
    ),
    click.option(
        "--jobs",
        type=parameters.Whole(1, 128),
        metavar="N",
        help="Files to check at the same time.  [default: one per core; 8 for a URL]",
    ),
    click.option(
        "--limit-rate",
        type=parameters.Size(),
        metavar="SIZE",
        help="Bytes per second for all downloads together, like 10M.",
    ),
    click.option(
        "--max-download",
        type=parameters.Size(),
        metavar="SIZE",
        help="Download no more bytes than this in all, like 5G.",
    ),
    click.option(
        "--keep",
        metavar="DIR",
        shell_complete=completion.folder,
        help="Keep downloaded files that are correct in this directory.",
    ),
    click.option(
        "--no-cache", is_flag=True, help="Do not use or keep the checksums of earlier runs."
    ),
    heading=IMAGES,
)
RULES = together(
    click.option(
        "--select",
        callback=parameters.listed,
        multiple=True,
        metavar="CODES",
        shell_complete=completion.rules,
        help="Use only these rules: codes, prefixes like MSL4, or names. Repeatable.",
    ),
    click.option(
        "--ignore",
        callback=parameters.listed,
        multiple=True,
        metavar="CODES",
        shell_complete=completion.rules,
        help="Do not use these rules. Repeatable.",
    ),
    heading=JUDGED,
)
SEVERITY = together(
    click.option(
        "--severity",
        type=parameters.Level(),
        metavar="SEVERITY",
        default="unusable",
        show_default=True,
        help="Exit with 1 if a finding of this severity or a worse one remains: fatal, ignored, "
        "unusable, warning or info. `error` means unusable.",
    ),
    heading=JUDGED,
)
EXIT_ZERO = together(
    click.option(
        "--exit-zero",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Exit with 0 even if there are findings; errors still exit with 2 or 130.",
    ),
    heading=JUDGED,
)
COLOR = together(
    click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"], case_sensitive=False),
        default="auto",
        show_default=True,
        expose_value=False,
        callback=remember,
        help="Colour the text: always, never, or if a terminal or its variables want it.",
    ),
    heading=SHOWN,
)
NO_DATE = together(
    click.option(
        "--no-date",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Leave the time of the run out, so that equal results give equal files. "
        "SOURCE_DATE_EPOCH gives a time instead.",
    ),
    heading=SHOWN,
)
NO_PROGRESS = together(
    click.option(
        "--no-progress",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Show no progress, also in a terminal.",
    ),
    heading=SHOWN,
)
QUIET = together(
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Show only findings that fail the run, in text and compact; no notices, no progress.",
    ),
    heading=SHOWN,
)
VERBOSE = together(
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        callback=remember,
        help="Show advice in full, and each product of a finding that many share. Show progress "
        "even if standard error is not a terminal.",
    ),
    heading=SHOWN,
)
PROGRESS = together(
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Show progress even if standard error is not a terminal.",
    ),
    heading=SHOWN,
)
STATISTICS = together(
    click.option(
        "--statistics",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Show how many findings each rule has, instead of the findings: in text, Markdown and "
        "JSON.",
    ),
    heading=SHOWN,
)
FORMAT = together(
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Output for people or for programs.",
    ),
    heading=SHOWN,
)
TOLD = together(
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", "markdown", "html"]),
        default="text",
        show_default=True,
        help="Output for people, for programs, for a ticket or merge request, or as a page.",
    ),
    heading=SHOWN,
)
CONFIG = together(
    click.option(
        "--config",
        metavar="FILE",
        expose_value=False,
        help="Configuration file.  [default: maas-stream-lint.toml or pyproject.toml, above a "
        "local SOURCE or in the working directory]",
    ),
    click.option(
        "--no-config", is_flag=True, expose_value=False, help="Do not read a configuration file."
    ),
    heading=CONFIGURED,
)
OUTPUT = together(
    click.option(
        "--output",
        metavar="FILE",
        shell_complete=completion.source,
        help="Write the result to this file, and replace the file as a whole.",
    ),
    heading=SHOWN,
)
FORMS = together(
    click.option(
        "--format",
        "forms",
        cls=parameters.FormOption,
        type=parameters.Form(),
        multiple=True,
        metavar="FORM[=FILE]",
    ),
    heading=SHOWN,
)
