"""What is judged once of all rows of a table, for all release lines and all parts of the table.

What holds for all rows holds for some of them. Where it does not, each part is looked at by itself.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from maas_stream_lint.imports.columns import fits
from maas_stream_lint.imports.identity import Identities, identities, subarch_of
from maas_stream_lint.objects import longest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from maas_stream_lint.imports.answers import Answers
    from maas_stream_lint.imports.tables import Items, Table

#: The fields that a boot resource's identity is made of.
FIELDS = ("os", "release", "arch", "subarch", "kflavor", "version")


class Judged:
    """The boot resources that the products of a table become."""

    def __init__(self, made: Identities) -> None:
        """``made``: the boot resources, one for each row."""
        self.made = made
        #: Whether each file has a name of its own on disk, by the keys of the items.
        self.named: dict[tuple[str, ...], bool] = {}
        self._longest: dict[str, int] = {}

    def of(self, table: Table) -> Identities:
        """Those of a part of the table."""
        if table.whole is table:
            return self.made
        columns: list[Any] = [table.of_whole(column) for column in self.made]
        return Identities(*columns)

    def are_sound(
        self,
        answers: Answers,
        columns: Mapping[str, Sequence[str | None]],
        stored: Sequence[Items],
    ) -> bool:
        """Whether no row needs a closer look. The arguments are those of `odd_rows`.

        Each release line has the same texts in a column of the database.
        """
        for limit, column in columns.items():
            if limit not in self._longest:
                self._longest[limit] = longest(column)
        widths = [*((limit, self._longest[limit]) for limit in columns)]
        widths += [width for items in stored for width in items.widths.items()]
        names = [items.distinct_names for items in stored]
        return (
            self.distinct
            and len(frozenset().union(*names)) == sum(map(len, names))
            and all(fits(answers, limit, length) for limit, length in widths)
        )

    @cached_property
    def distinct(self) -> bool:
        """Whether no two are the same, and each has one slash in its name and architecture."""
        names, architectures = self.made.names, self.made.architectures
        slashes = ("".join(texts).count("/") for texts in (names, architectures))
        pairs = set(zip(names, architectures, strict=True))
        return all(count == len(names) for count in slashes) and len(pairs) == len(names)


def judged(
    kind: str,
    table: Table,
    columns: Callable[[str], Sequence[Any]],
    flavoured: Callable[[str, str | None], str],
) -> Judged:
    """The boot resources of a whole table. ``kind`` and ``columns``: as for `identities`.

    ``flavoured``: as for `identity`.
    """
    known = {field: columns(field) for field in FIELDS}
    # A field that the products do not have is the same for all.
    absent = {f: column[0] for f, column in known.items() if column is not table.columns.get(f)}
    kernels = set(zip(known["subarch"], known["kflavor"], strict=True))
    subarches = {one: subarch_of(kind, *one, flavoured) for one in kernels}
    key = (kind, absent, subarches)
    found = next((judged for other, judged in table.judged if other == key), None)
    if found is None:
        found = Judged(identities(kind, known.__getitem__, subarches))
        table.judged.append((key, found))
    return found
