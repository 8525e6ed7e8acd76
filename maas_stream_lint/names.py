"""Names and numbers that the command line needs before the library is imported.

This module imports nothing but the version, so that ``--version`` and ``--help`` answer at once.
"""

from maas_stream_lint import __version__

#: What ``--version`` prints.
VERSION_LINE = f"maas-stream-lint, version {__version__}"

#: Severities, worst first, as `finding.Severity` labels them.
SEVERITIES = ("fatal", "ignored", "unusable", "warning", "info")

#: Other tools' words for severities: what they call an error is what costs an image here.
SEVERITY_WORDS = {"error": "unusable", "note": "info"}

#: How closely image files are looked at, least first.
MODES = ("none", "head", "download")

#: The keys of a configuration that options and environment variables set, too.
CONFIG_KEYS = (
    *("maas", "commissioning", "keyring", "selections", "select", "ignore", "severity"),
    *("format", "files", "only", "jobs", "timeout", "docs-url"),
)

#: Those of them that change what a report says; the others change how it is made or written.
RESULT_KEYS = (
    *("maas", "commissioning", "keyring", "selections", "select", "ignore", "severity"),
    *("files", "only"),
)

#: The width of a text that goes to no terminal.
PLAIN_WIDTH = 80

#: Exit codes beside 0; ``docs/contract.md`` says what each stands for.
EXIT_FINDINGS, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 2, 130, 143
