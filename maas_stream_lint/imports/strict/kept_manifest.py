"""What is stored of the metadata before any image is: the manifest, and a row for each choice.

Mirrors ``ImageManifestsRepository.create`` and ``BootSourceCacheBuilder`` (3.8,
maasservicelayer/).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.columns import plain
from maas_stream_lint.imports.strict.fitting import kept_texts

if TYPE_CHECKING:
    from maas_stream_lint.imports.recorder import Recorder
    from maas_stream_lint.imports.strict.fetch import Listed
    from maas_stream_lint.imports.strict.fitting import Product
    from maas_stream_lint.stream import Stream

#: A NUL or a surrogate can only come into JSON by an escape.
ODD_ESCAPES = ("\\u0000", "\\ud", "\\uD")


class Manifest:
    """The manifest and the rows of one source, as far as the database takes them."""

    def __init__(self, recorder: Recorder, stream: Stream) -> None:
        """``recorder``: gets what the database refuses."""
        self.recorder = recorder
        self.stream = stream
        self.fine: set[str] = set()  # texts the cache takes: few, and in thousands of rows

    def fill(self, lists: list[Listed], *, cache: bool = True) -> None:
        """Store what the files list. ``cache``: the rows, too."""
        for listed in lists:
            self.recorder.stage = "manifest"
            self._keep(listed)
            self.recorder.stage = "cache"
            for product in listed.products if cache else ():
                self._cache(listed, product)

    def _keep(self, listed: Listed) -> None:
        """The manifest goes into a jsonb column first, which refuses NUL and lone surrogates."""
        document = self.stream.files[listed.path].strict().document
        if not listed.whole or document is None or "\\" not in document.text:
            return
        if not any(escape in document.text for escape in ODD_ESCAPES):
            return
        for path, value in kept_texts(document.data, listed.shape, self.recorder.release):
            self.recorder.stores(None, str(path[-1]), value, Place(listed.path, path))

    def _cache(self, listed: Listed, product: Product) -> None:
        """``BootSourceCacheBuilder``: a row a subarch, as far as the database takes it."""
        place = Place(listed.path, product.path)
        if not product.versions:
            self.recorder.abort("no-versions", place, "IndexError", "list index out of range")
            return
        fields = product.fields
        keys = [(name, fields[name]) for name in ("os", "arch", "label")]
        if listed.bootloaders:
            keys.append(("bootloader-type", fields["bootloader-type"]))
        else:
            keys.append(("release", fields["release"]))
            keys += [("subarches", subarch) for subarch in fields["subarches"].split(",")]
            if listed.sets:
                keys += [("subarch", fields["subarch"]), ("kflavor", fields.get("kflavor") or "")]
        texts = {value for _, value in keys}
        if not self.fine.issuperset(texts):
            if plain(texts):
                self.fine |= texts
            else:
                for column, value in keys:
                    self.recorder.stores("cache-key", column, value, place)
        self.recorder.stores("cache-version", "version name", product.newest.name, place)
        for column in ("release_title", "release_codename"):
            if column in listed.shape.product:  # else it is not read, and may be anything
                self.recorder.stores("cache-title", column, fields.get(column), place)
