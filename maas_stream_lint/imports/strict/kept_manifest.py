"""What is stored of the metadata before any image is: the manifest, and a row for each choice.

Mirrors ``ImageManifestsRepository.create`` and ``BootSourceCacheBuilder`` (3.8,
maasservicelayer/).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.finding import Place
from maas_stream_lint.imports.columns import unfit, unfit_plain
from maas_stream_lint.imports.strict.fitting import kept_texts, row_of
from maas_stream_lint.imports.tables import rows_with

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.recorder import Recorder
    from maas_stream_lint.imports.strict.fetch import Listed
    from maas_stream_lint.imports.strict.fitting import Product
    from maas_stream_lint.rulebook import Shape
    from maas_stream_lint.stream import Stream

#: A NUL or a surrogate can only come into JSON by an escape.
ODD_ESCAPES = ("\\u0000", "\\ud", "\\uD")
#: The fields that rows are made of, each with the column that it goes into.
COLUMNS = {
    **dict.fromkeys(("os", "arch", "label", "bootloader-type", "release"), "cache-key"),
    **dict.fromkeys(("subarches", "subarch", "kflavor"), "cache-key"),
    **dict.fromkeys(("release_title", "release_codename"), "cache-title"),
}


class Manifest:
    """The manifest and the rows of one source, as far as the database takes them."""

    def __init__(self, recorder: Recorder, stream: Stream) -> None:
        """``recorder``: gets what the database refuses."""
        self.recorder = recorder
        self.stream = stream

    def fill(self, lists: list[Listed], *, cache: bool = True) -> None:
        """Store what the files list. ``cache``: the rows, too."""
        for listed in lists:
            self.recorder.stage = "manifest"
            self._keep(listed)
            self.recorder.stage = "cache"
            for product in self._odd(listed) if cache else ():
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

    def _odd(self, listed: Listed) -> list[Product]:
        """The products of which some text does not fit: each text of a field is judged once."""
        fitting, shape = listed.fitting, listed.shape
        found: dict[int, Product] = {}
        for table in fitting.tables:
            wrong = unfit_plain(self.recorder.answers, "cache-version", table.newest)
            odd = rows_with(table.newest, wrong)
            for field in COLUMNS.keys() & shape.product.keys() & table.columns.keys():
                column = table.columns[field]
                odd |= rows_with(column, self._refused(field, column, unfit_plain))
            found |= {table.positions[row]: row_of(table, row) for row in odd}
        odd = self._odd_alone(list(fitting.single.values()), shape)
        found |= {at: one for at, one in fitting.single.items() if id(one) in odd}
        return [found[position] for position in sorted(found)]

    def _odd_alone(self, products: list[Product], shape: Shape) -> set[int]:
        """The ids of those among products that are in no table."""
        odd = {id(product) for product in products if not product.versions}
        names = {one.newest.name for one in products if one.versions}
        names = unfit(self.recorder.answers, "cache-version", names)
        odd |= {id(one) for one in products if one.versions and one.newest.name in names}
        for field in COLUMNS.keys() & shape.product.keys():
            texts = {one.fields[field] or "" for one in products if field in one.fields}
            wrong = self._refused(field, texts)
            if wrong:
                odd |= {id(one) for one in products if one.fields.get(field) in wrong}
        return odd

    def _refused(
        self,
        field: str,
        texts: Collection[str],
        unfit: Callable[[Answers, str | None, Collection[str]], set[str]] = unfit,
    ) -> set[str]:
        """The texts of a field that do not fit. ``unfit``: which a column refuses."""
        answers, column = self.recorder.answers, COLUMNS[field]
        if field == "subarches":
            return {text for text in set(texts) if unfit(answers, column, text.split(","))}
        return unfit(answers, column, texts)

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
        for column, value in keys:
            self.recorder.stores("cache-key", column, value, place)
        self.recorder.stores("cache-version", "version name", product.newest.name, place)
        for column in ("release_title", "release_codename"):
            if column in listed.shape.product:  # else it is not read, and may be anything
                self.recorder.stores("cache-title", column, fields.get(column), place)
