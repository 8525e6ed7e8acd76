"""What both passes of the legacy engine share: their journal, and two judgements of an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.flat import UNSTORED, FlatItem
from maas_stream_lint.imports.trace import Event, Kind, Trace

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers

CHECKSUMS = ("md5", "sha256", "sha512")
IO_ERROR = (
    "I/O error while syncing boot images. If this problem persists, verify network connectivity "
    "and disk usage."
)
UNSIGNED = (
    "Failed to download image descriptions with Simplestreams ({}). Verify network connectivity."
)
#: Exceptions that ``RepoDumper.sync`` logs at every level of the index on their way up.
IO_LOG = {"OSError": ("warning", IO_ERROR), "SignatureMissingException": ("error", UNSIGNED)}


class Journal:
    """The trace in the making, and the stage it is at."""

    def __init__(self, answers: Answers) -> None:
        """An empty trace for the line that answers."""
        self.answers = answers
        self.trace = Trace(
            (answers.release.line,), strict=False, log={"descriptions": [], "writer": []}
        )
        self.stage = "descriptions"
        self._nameless: set[str] = set()

    def abort(
        self,
        cause: str,
        place: Place,
        exception: str,
        message: str,
        frames: tuple[str, ...] = (),
        *,
        values: dict[str, Any] | None = None,
    ) -> None:
        """Record an exception. ``frames``: the files it goes up through, each logging it."""
        level_text = IO_LOG.get(exception)
        if level_text is not None:
            for _ in frames:
                self.trace.say(self.stage, level_text[0], level_text[1].format(message))
        self.trace.abort(
            Event(cause, Kind.ABORT, place, self.stage, exception, message, values or {})
        )

    def drop(
        self,
        cause: str,
        place: Place,
        line: str | None = None,
        values: dict[str, Any] | None = None,
    ) -> None:
        """Record that MAAS drops something. ``line``: what it logs, if it does."""
        self.trace.events.append(
            Event(cause, Kind.DROP, place, self.stage, None, line, values or {})
        )

    def malformed(self, cause: str, place: Place, value: Any) -> None:
        """Record a node that is no object."""
        kind = type(value).__name__
        self.abort(
            cause,
            place,
            "AttributeError",
            f"'{kind}' object has no attribute 'get'",
            values={"value": value},
        )

    def no_content_id(self, path: str) -> None:
        """Record that a file lacks its ``content_id``, once."""
        if path not in self._nameless:
            self._nameless.add(path)
            self.abort("file-content-id", Place(path), "KeyError", "'content_id'")

    def checksummed(self, item: FlatItem) -> bool:
        """``ChecksummingContentSource``, made for every item with a path before it is looked at."""
        path, size = item.raw.get("path"), item.get("size")
        if item.usual or not path:
            return True
        if not isinstance(path, str):
            self.abort(
                "path-not-text",
                item.place.below("path"),
                "TypeError",
                "can only concatenate str to str",
                values={"path": path},
            )
            return False
        if all(item.get(name) is None for name in CHECKSUMS):
            message = f"provided checksums ({{}}) did not include any allowed ({CHECKSUMS!r})"
            self.abort("missing-sha256", item.place, "InvalidChecksum", message)
            return False
        if size is None:
            message = f"Invalid size 'None' at {path}."
            self.abort("missing-size", item.place, "InvalidChecksum", message)
            return False
        try:
            int(size)
        except ValueError as error:
            place = item.place.below("size")
            self.abort("size-not-a-number", place, "ValueError", str(error), values={"size": size})
            return False
        return True

    def supported(self, product: str, item: FlatItem) -> bool:
        """``validate_product``: by the raw ``os``, so a product without one passes."""
        fields = item.base
        os = fields.get("os", "")
        cause = None
        values: dict[str, Any] = {"os": os}
        core = os == "ubuntu-core" and self.answers.named("ubuntu-core", product)
        if "ubuntu" in os.lower() and not core and not self.answers.named("ubuntu", product):
            cause = "ubuntu-core-name" if os == "ubuntu-core" else "ubuntu-name"
        type_ = fields.get("bootloader-type")
        if cause is None and type_ is not None:
            values = {"type": type_, "os": fields.get("os"), "arch": fields.get("arch")}
            if not self.answers.named("bootloader", product):
                cause = "bootloader-name"
            elif not self.answers.boots(type_, fields.get("os"), fields.get("arch")):
                cause = "bootloader-unsupported"
        if cause is None:
            return True
        line = f"Ignoring unsupported product {product}"
        self.trace.say(self.stage, "warning", line)
        if item.get("ftype") not in UNSTORED:
            self.drop(cause, item.place, line, values)
        return False
