"""Which products were left out of a tree on purpose, and which are ahead of their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_stream_lint.records import field, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.images.observation import Seen, Survey
    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Product, Version

#: The kinds of Trouble of a file that is not there, in contrast to one that can't be read.
ABSENT = ("missing", "outside-root", "not-a-file")

ProductKey = tuple[str, str]  #: products file, product name


@record(frozen=True)
class Absence:
    """What a survey says of products whose files are absent."""

    #: Products without any of their files, in a tree that has files of other products.
    left_out: dict[ProductKey, Product] = field(default_factory=dict)
    #: Products with some file of their newest version, or all files of the version before.
    served: list[Product] = field(default_factory=list)
    #: Version names: the newest version lacks files that this older one has, all of them.
    whole_before: dict[ProductKey, str] = field(default_factory=dict)

    def leaves_out(self, file: str, product: str | None) -> bool:
        """Whether the tree has none of the product's files, on purpose."""
        return (file, product) in self.left_out


def is_absent(seen: Seen) -> bool:
    """Whether a file is not there."""
    return seen.trouble is not None and seen.trouble.kind in ABSENT


def absent_paths(survey: Survey) -> set[str]:
    """The paths of the files that are not there."""
    return {path for path, trouble in survey.having("trouble").items() if trouble.kind in ABSENT}


def find_absence(look: Look) -> Absence:
    """Sort the products of a look by the files that its survey found.

    A mirror tool that filters (``sstream-mirror``, ``rsync --include``) leaves a signed index as it
    is, so the index still names the products that nobody wanted. Bootloaders are no such products:
    MAAS fetches them whatever is selected. Nor are products whose files are in another folder.
    """
    absence = Absence()
    survey = look.survey
    if survey is None or survey.interrupted or not absent_paths(survey):
        return absence
    for product in look.catalog.products:
        newest = product.newest
        seen = list(_seen(newest, survey.files)) if newest is not None else []
        if newest is None or not seen:
            continue
        gone = [file.path for file in seen if is_absent(file)]
        before = next((v for v in product.older if gone and _is_whole(v, survey.older)), None)
        key = product.file.path, product.name
        if before is not None:
            absence.whole_before[key] = before.name
        if before is not None or len(gone) < len(seen):
            absence.served.append(product)
        elif product.image and not any(_strayed(path, survey) for path in gone):
            absence.left_out[key] = product
    return absence if absence.served else Absence()


def _seen(version: Version, files: dict[str, Seen]) -> Iterator[Seen]:
    return (files[item.path] for item in version.items if item.path in files)


def _strayed(path: str, survey: Survey) -> bool:
    """Whether a missing file may be another one of its name, which no metadata names."""
    return any(other in survey.orphans for other in survey.elsewhere.get(path, ()))


def _is_whole(version: Version, older: dict[str, Seen]) -> bool:
    """Whether the survey found every file of an older version that it looked for."""
    seen = list(_seen(version, older))
    return bool(seen) and not any(s.trouble for s in seen)
