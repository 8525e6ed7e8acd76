"""The metadata: the index, all files that it names, and the products in them.

Mirrors ``SimpleStreamsClient`` (3.8, maasservicelayer/simplestreams/client.py) by behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.strict.index_model import check_index
from maas_stream_lint.imports.strict.shapes import fit
from maas_stream_lint.imports.tables import Tables
from maas_stream_lint.records import record

if TYPE_CHECKING:
    from maas_stream_lint.document import Document
    from maas_stream_lint.imports.recorder import Recorder
    from maas_stream_lint.imports.strict.fitting import Fitting, Product
    from maas_stream_lint.rulebook import Shape
    from maas_stream_lint.stream import Stream

CLIENT = "SimpleStreamsClientException"
BAD_INDEX = "Got invalid data for the index file"
BAD_FILE = "Got invalid data for the products file"


@record
class Listed:
    """A products file that fits a shape, or what of a refused one does."""

    path: str
    shape: Shape
    fitting: Fitting
    whole: bool = True

    @property
    def products(self) -> list[Product]:
        """Its products, in the order of the file."""
        return self.fitting.products

    @property
    def bootloaders(self) -> bool:
        """Whether its products are bootloaders."""
        return "bootloader-type" in self.shape.product

    @property
    def sets(self) -> bool:
        """Whether its products are kernels, with a flavour each."""
        return "kflavor" in self.shape.product


class Fetch:
    """The fetch of one source's metadata."""

    def __init__(
        self,
        recorder: Recorder,
        stream: Stream,
        tables: Tables | None = None,
        *,
        verify: bool | None = None,
    ) -> None:
        """``tables``: of the stream. ``verify``: whether signatures are; ``None``: by keyring."""
        self.recorder = recorder
        self.verify = verify
        self.stream = stream
        self.tables = Tables() if tables is None else tables
        self.lists: list[Listed] = []

    def run(self) -> list[Listed]:
        """``get_all_products``: the index, then all files; one refusal ends the source."""
        if self.stream.fallback:
            read = self.stream.files[self.stream.index_path].strict()
            assert read.failure is not None
            path = self.stream.index_path
            self.recorder.abort(
                "no-signed-index", Place(""), CLIENT, read.failure.message, values={"path": path}
            )
        index = self._read(self.stream.start, Place(""))
        if index is None:
            return []
        for path, named in self._entries(self.stream.start, index.data):
            if path in self.stream.files:
                document = self._read(path, named)
                if document is not None:
                    self._produce(path, document)
        return self.lists

    def _read(self, path: str, named: Place) -> Document | None:
        """A file whose JSON is an object."""
        read = self.stream.files[path]
        reading = read.strict(verify=self.verify)
        if reading.failure is not None:
            cause, place = reading.failure.cause, Place(path)
            if cause == "file-missing":
                cause, place = ("entry-file-missing" if named.file else "index-missing"), named
                if not named.file and not self.stream.explicit:
                    cause = "no-signed-index"
            elif cause == "unsigned-file":
                cause = "unsigned-stream" if path.endswith(".json") else "unsigned-sjson"
                if named.file and self.stream.files[named.file].signed:
                    cause = "mixed-signing-index-signed"
            self.recorder.abort(
                cause,
                place,
                reading.failure.exception,
                reading.failure.message,
                values={"path": path},
            )
        if not reading.parsed:
            return None
        if not isinstance(reading.data, dict):
            kind = type(reading.data).__name__
            self.recorder.abort(
                "not-an-object",
                Place(path),
                "TypeError",
                f"argument after ** must be a mapping, not {kind}",
            )
            return None
        return reading.document

    def _entries(self, path: str, data: dict[str, Any]) -> list[tuple[str, Place]]:
        """The paths of a valid index, or as many as can be told of another."""
        check = check_index(data, self.recorder.release)
        for problem in check.problems:
            self.recorder.abort(
                problem.cause,
                Place(path, problem.path),
                problem.exception or CLIENT,
                problem.message or BAD_INDEX,
                values=problem.values,
            )
        if check.ok and not check.paths:
            self.recorder.abort(
                "index-empty", Place(path), CLIENT, f"No images metadata found in {path}."
            )
        return [(named, Place(path, at)) for named, at in check.paths]

    def _produce(self, path: str, document: Document) -> None:
        """``SimpleStreamsProductListFactory.produce``."""
        data, release = document.data, self.recorder.release
        fitted = fit(data, release, self.tables, plain=document.plain)
        if fitted.shape is not None:
            self.lists.append(Listed(path, fitted.shape, fitted.fitting))
            return
        if _in_index_form(data):
            self.recorder.abort("entry-nested-index", Place(path), CLIENT, BAD_FILE)
            return
        for problem in fitted.problems:
            self.recorder.abort(
                problem.cause,
                Place(path, problem.path),
                problem.exception or CLIENT,
                problem.message or BAD_FILE,
                values=problem.values,
            )
        # As if the bad ones were fixed: so that all that is wrong is seen in one run.
        for shape, fitting in fitted.sound:
            self.lists.append(Listed(path, shape, fitting, whole=False))


def _in_index_form(data: dict[str, Any]) -> bool:
    return "index" in data and "products" not in data
