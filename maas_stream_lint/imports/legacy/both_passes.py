"""What both passes share: the record of what happens, and two judgements of an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.late import Late
from maas_stream_lint.imports.recorder import Recorder
from maas_stream_lint.rulebook import default_system, gadget_system, unmissed_ftypes

if TYPE_CHECKING:
    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.legacy.flattening import FlatItem

NOTHING = "Unable to import boot images, no image descriptions avaliable."  # sic
CHECKSUMS = ("md5", "sha256", "sha512")
IO_ERROR = (
    "I/O error while syncing boot images. If this problem persists, verify network connectivity "
    "and disk usage."
)
UNSIGNED = (
    "Failed to download image descriptions with Simplestreams ({}). Verify network connectivity."
)
#: Exceptions that ``RepoDumper.sync`` logs at every level of the index on their way up.
IO_LOG = {
    "OSError": ("warning", IO_ERROR),
    "ConnectionError": ("warning", IO_ERROR),
    "SignatureMissingException": ("error", UNSIGNED),
}


class PassRecorder(Recorder):
    """The record of the passes, with what MAAS logs."""

    def __init__(self, answers: Answers) -> None:
        """Start an empty trace for the release line that gives the answers."""
        super().__init__(answers, "descriptions")
        self.trace.log = {"descriptions": Late(), "writer": Late()}
        self.unmissed = unmissed_ftypes()
        self.ubuntu = default_system()
        self.snap = gadget_system()
        self.supersedes: dict[str, str] = answers.policy("supersedes")
        self._nameless: set[str] = set()
        self._asked: tuple[dict[str, str], str | None] = ({}, None)  # what it is not supported for

    def logged(
        self,
        cause: str,
        place: Place,
        exception: str,
        message: str,
        frames: tuple[str, ...],
        *,
        values: dict[str, Any],
    ) -> None:
        """Record an exception that goes up through ``frames``: the files, each logging it."""
        level_text = IO_LOG.get(exception)
        if level_text is not None:
            for _ in frames:
                self.trace.say(self.stage, level_text[0], level_text[1].format(message))
        self.abort(cause, place, exception, message, values=values)

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
        if fields is not self._asked[0]:  # the items of a product mostly have the same
            self._asked = (fields, self.unsupported(product, fields))
        cause = self._asked[1]
        if cause is None:
            return True
        values: dict[str, Any] = {"os": fields.get("os", "")}
        if cause.startswith("bootloader"):
            type_ = fields["bootloader-type"]
            values = {"type": type_, "os": fields.get("os"), "arch": fields.get("arch")}
        line = f"Ignoring unsupported product {product}"
        self.trace.say(self.stage, "warning", line)
        if item.get("ftype") not in self.unmissed:
            self.drop(cause, item.place, line, values)
        return False

    def unsupported(self, product: str, fields: dict[str, str]) -> str | None:
        """Why MAAS does not support a product; ``None`` if it does. Nothing is recorded."""
        os, type_ = fields.get("os", ""), fields.get("bootloader-type")
        snap = os == self.snap and self.answers.named("ubuntu-core", product)
        if self.ubuntu in os.lower() and not snap and not self.answers.named("ubuntu", product):
            return "ubuntu-core-name" if os == self.snap else "ubuntu-name"
        if type_ is None:
            return None
        if not self.answers.named("bootloader", product):
            return "bootloader-name"
        known = self.answers.boots(type_, fields.get("os"), fields.get("arch"))
        return None if known else "bootloader-unsupported"


def ignored(ftype: str, product: str, version: str) -> str:
    """What MAAS logs of an item that it does not store."""
    return f"Ignoring unsupported filetype({ftype}) from {product} {version}"
