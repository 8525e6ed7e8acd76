"""A sequence of which some parts are worked out when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

Item = TypeVar("Item")


class Late(Sequence[Item]):
    """Items in order, to which more are added at the end."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        """``items``: the first ones."""
        self._known = list(items)
        self._more: list[Callable[[], Iterable[Item]]] = []

    def append(self, item: Item) -> None:
        """Add an item."""
        if self._more:
            self._more.append(lambda: (item,))
        else:
            self._known.append(item)

    def add(self, part: Callable[[], Iterable[Item]]) -> None:
        """Add what a call gives, which is made when somebody asks."""
        self._more.append(part)

    def __len__(self) -> int:
        """How many items there are."""
        return len(self._all())

    def __iter__(self) -> Iterator[Item]:
        """All items, in order."""
        return iter(self._all())

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> list[Item]: ...
    def __getitem__(self, at: Any) -> Any:
        """As of a list."""
        return self._all()[at]

    def __eq__(self, other: object) -> bool:
        """Whether another has the same items, or a list."""
        return isinstance(other, (Late, list)) and self._all() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def _all(self) -> list[Item]:
        if self._more:
            more, self._more = self._more, []
            for part in more:
                self._known += part()
        return self._known
