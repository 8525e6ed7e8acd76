"""Named tuples that are worked out when it pays.

``typing.NamedTuple`` compiles the annotations of a class and its ``__new__`` when its module is
imported. That takes 0.13 ms for each, and a run makes few instances of most classes. Here all
classes share their methods, and ``collections.namedtuple`` writes a ``__new__`` for those with
many instances. For a type checker, `NamedTuple` is that of ``typing``.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` takes long
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, NamedTuple
else:
    from collections import namedtuple
    from operator import itemgetter

    #: What an instance costs more than it would with a ``__new__`` of its class's own. The first
    #: is of one with all its values in their order, and the unit; the second is of any other.
    _IN_ORDER, _OTHERWISE = 1, 8
    #: After so much, a class gets a ``__new__`` of its own.
    _ENOUGH = 200
    #: Class → what its instances have cost so far.
    _SPENT: dict[type, int] = {}

    class _Maker(type):
        """Makes the classes."""

        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            fields = tuple(space.get("__annotations__", ()))
            if not fields and bases != (tuple,):  # a class of a class: it has the same fields
                return super().__new__(cls, name, bases, space)
            facts = {
                "__slots__": (),
                "__match_args__": fields,
                "_fields": fields,
                "_field_defaults": {one: space.pop(one) for one in fields if one in space},
            }
            getters = {one: property(itemgetter(place)) for place, one in enumerate(fields)}
            return super().__new__(cls, name, bases, space | facts | getters)

    class NamedTuple(tuple, metaclass=_Maker):
        """The base of each class, like ``typing.NamedTuple``."""

        def __new__(cls, *args: Any, **more: Any) -> Any:
            """An instance of a class with few of them so far."""
            in_order = len(args) == len(cls._fields) and not more
            _SPENT[cls] = spent = _SPENT.get(cls, 0) + (_IN_ORDER if in_order else _OTHERWISE)
            if spent < _ENOUGH:
                values = args if in_order else _values(cls, args, more)
                if values is not None:
                    return tuple.__new__(cls, values)
            _work_out(cls)
            return cls(*args, **more)

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Any:
            return tuple.__new__(cls, values)

        def _replace(self, **more: Any) -> Any:
            return type(self)(**(self._asdict() | more))

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            """Like that of ``typing.NamedTuple``."""
            told = (f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({', '.join(told)})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            """What a copy and a pickle are made of."""
            return tuple(self)

    def _values(cls: type, args: tuple[Any, ...], more: dict[str, Any]) -> Iterator[Any] | None:
        """The values for a call, in the order of the fields; nothing if the call is wrong."""
        fields = cls._fields
        given = dict(zip(fields, args, strict=False))
        values = cls._field_defaults | given | more
        if len(args) > len(fields) or len(values) != len(fields) or given.keys() & more:
            return None
        return map(values.__getitem__, fields)

    def _work_out(cls: type) -> None:
        """Give a class what ``namedtuple`` writes for one like it, where that is faster."""
        made = namedtuple(cls.__name__, cls._fields, defaults=cls._field_defaults.values())
        for name in ("_replace", *cls._fields, "__new__"):
            setattr(cls, name, vars(made)[name])


__all__ = ["NamedTuple"]
