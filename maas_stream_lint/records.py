"""Dataclasses that are worked out when their first instance is made.

``dataclass`` writes and compiles the methods of a class when its module is imported: half a
millisecond for each, though a run uses few of them. Here it only writes ``__init__``, and all
classes share the other methods. For a type checker, `record` is ``dataclass``.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` takes long
if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from typing import Any, TypeVar

    T = TypeVar("T")
else:
    from _thread import allocate_lock
    from operator import attrgetter
    from reprlib import recursive_repr

    _ONE_AT_A_TIME = allocate_lock()
    #: The classes that have no instance so far.
    _WAITING: set[type] = set()

    def record(cls: type[T] | None = None, /, *, frozen: bool = False, eq: bool = True) -> Any:
        """A class decorator like ``dataclasses.dataclass``.

        ``frozen``: instances have a hash, and a type checker refuses assignments. Python does not
        refuse them: that would take time for each instance.
        """

        def decorate(cls: type[T]) -> type[T]:
            cls.__init__ = _first
            cls.__dataclass_fields__ = _Fields()
            cls.__repr__ = _shown
            if eq:
                cls.__eq__ = _same
                cls.__hash__ = _hash if frozen else None
            _WAITING.add(cls)
            return cls

        return decorate if cls is None else decorate(cls)

    def _first(self: Any, *args: Any, **more: Any) -> None:
        """``__init__`` of a class that has no instance so far."""
        _work_out(type(self))
        self.__init__(*args, **more)

    class _Fields:
        """The fields of such a class, which ``dataclass`` asks its subclasses' bases for."""

        def __get__(self, instance: object, owner: type) -> Any:
            _work_out(owner)
            return owner.__dataclass_fields__

    def _work_out(cls: type) -> None:
        """Make dataclasses of a class and its bases."""
        with _ONE_AT_A_TIME:
            for one in reversed(cls.__mro__):
                if one in _WAITING:
                    _complete(one)
                    _WAITING.remove(one)

    def _complete(cls: type) -> None:
        """Give a class what ``dataclass`` makes of a copy of it.

        ``__init__`` comes last: another thread may call it at any time.
        """
        from dataclasses import MISSING, dataclass, fields

        own = cls.__annotations__
        space = {name: vars(cls)[name] for name in (*own, "__post_init__") if name in vars(cls)}
        space |= {"__annotations__": own, "__module__": cls.__module__}
        made = dataclass(type(cls.__name__, cls.__bases__, space), eq=False, repr=False)
        for one in fields(made):
            if one.name in vars(cls) and one.default is MISSING:
                delattr(cls, one.name)
            elif one.name in vars(cls):
                setattr(cls, one.name, one.default)
        cls._compared = attrgetter(*(one.name for one in fields(made) if one.compare))
        cls.__match_args__ = made.__match_args__
        cls.__dataclass_params__ = made.__dataclass_params__
        cls.__dataclass_fields__ = made.__dataclass_fields__
        cls.__init__ = made.__init__

    def _same(self: Any, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._compared(self) == self._compared(other)

    def _hash(self: Any) -> int:
        return hash(self._compared(self))

    @recursive_repr()
    def _shown(self: Any) -> str:
        from dataclasses import fields

        told = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
        return f"{type(self).__qualname__}({', '.join(told)})"


__all__ = ["record"]
