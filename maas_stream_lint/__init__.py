"""Says exactly what MAAS will do with an image stream, and why."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` takes longer than `--version` may
if TYPE_CHECKING:
    from typing import Any

    from maas_stream_lint.api import Preview, Report, ToldPreview, Use, check, preview, use
    from maas_stream_lint.boot_sources import BootSource
    from maas_stream_lint.comparison import Comparison, compare
    from maas_stream_lint.errors import LintError, UsageError
    from maas_stream_lint.finding import Finding, Place, Severity
    from maas_stream_lint.fixing.plan import Edit, Plan, fix
    from maas_stream_lint.fixing.publish import apply
    from maas_stream_lint.images.observation import FileOptions
    from maas_stream_lint.images.progress import Progress
    from maas_stream_lint.source import FetchOptions

__version__ = "0.1.0"

__all__ = [
    "BootSource",
    "Comparison",
    "Edit",
    "FetchOptions",
    "FileOptions",
    "Finding",
    "LintError",
    "Place",
    "Plan",
    "Preview",
    "Progress",
    "Report",
    "Severity",
    "ToldPreview",
    "UsageError",
    "Use",
    "__version__",
    "apply",
    "check",
    "compare",
    "fix",
    "preview",
    "use",
]

_HOMES = {
    "BootSource": "boot_sources",
    "Comparison": "comparison",
    "Edit": "fixing.plan",
    "FetchOptions": "source",
    "FileOptions": "images.observation",
    "Finding": "finding",
    "LintError": "errors",
    "Place": "finding",
    "Plan": "fixing.plan",
    "Preview": "api",
    "Progress": "images.progress",
    "Report": "api",
    "Severity": "finding",
    "ToldPreview": "api",
    "UsageError": "errors",
    "Use": "api",
    "apply": "fixing.publish",
    "check": "api",
    "compare": "comparison",
    "fix": "fixing.plan",
    "preview": "api",
    "use": "api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that ``--version`` starts at once."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
