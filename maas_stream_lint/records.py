"""Dataclasses that are worked out when it pays.

``dataclass`` writes and compiles the methods of a class when its module is imported. That takes
0.43 ms for each, or 0.78 ms if it is frozen, and a run makes few instances of most classes. Here
all classes share their methods, and ``dataclass`` writes an ``__init__`` for those with many
instances. For a type checker, `record`, `field` and `replace` are those of ``dataclasses``, which
takes 1 ms to import.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` takes long
if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field, replace
    from typing import Any, TypeVar

    T = TypeVar("T")
else:
    from _thread import allocate_lock
    from operator import attrgetter
    from reprlib import recursive_repr

    #: After so many instances, a class gets an ``__init__`` of its own.
    _MANY = 50
    _ONE_AT_A_TIME = allocate_lock()
    #: The classes that have none so far.
    _WAITING: set[type] = set()
    #: Class → its fields; each with its default, its factory, and whether it is compared.
    _PLANS: dict[type, dict[str, tuple[Any, Any, bool]]] = {}
    #: Class → the number of instances so far.
    _MADE: dict[type, int] = {}
    _NONE = object()

    class field:  # noqa: N801 - named like the function of ``dataclasses``
        """What a class says of one of its fields."""

        def __init__(
            self,
            *,
            default: Any = _NONE,
            default_factory: Any = _NONE,
            compare: bool = True,
            repr: bool = True,  # noqa: A002 - as ``dataclasses`` names it
        ) -> None:
            """All as for ``dataclasses.field``."""
            self.default, self.default_factory = default, default_factory
            self.compare, self.repr = compare, repr

        def of_dataclass(self) -> Any:
            """The same as ``dataclasses`` takes it."""
            from dataclasses import field

            said = {name: value for name, value in vars(self).items() if value is not _NONE}
            return field(**said)

    def replace(one: T, /, **changes: Any) -> T:
        """A copy with other values for some fields."""
        values = {name: getattr(one, name) for name in _plan(type(one))}
        return type(one)(**(values | changes))

    def record(cls: type[T] | None = None, /, *, frozen: bool = False, eq: bool = True) -> Any:
        """A class decorator like ``dataclasses.dataclass``.

        ``frozen``: instances have a hash, and refuse assignments.
        """

        def decorate(cls: type[T]) -> type[T]:
            cls.__init__ = _init
            for fact in ("__dataclass_fields__", "__match_args__"):
                setattr(cls, fact, _Late(fact))
            cls.__repr__ = _shown
            if eq:
                cls.__eq__ = _same
                cls.__hash__ = _hash if frozen else None
            if frozen:
                cls.__setattr__ = cls.__delattr__ = _refuse
            _WAITING.add(cls)
            return cls

        return decorate if cls is None else decorate(cls)

    def _refuse(self: Any, name: str, value: Any = None) -> None:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot change {name!r} of a frozen {type(self).__name__}")

    def _init(self: Any, *args: Any, **more: Any) -> None:
        """``__init__`` of a class with few instances so far."""
        cls = type(self)
        _MADE[cls] = made = _MADE.get(cls, 0) + 1
        values = _values(_plan(cls), args, more) if made < _MANY else None
        if values is None:
            _work_out(cls)
            self.__init__(*args, **more)
            return
        self.__dict__.update(values)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    def _values(
        plan: dict[str, tuple[Any, Any, bool]], args: tuple[Any, ...], more: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Field → value for a call; nothing if the call is wrong."""
        if len(args) == len(plan) and not more:
            return dict(zip(plan, args, strict=True))
        values = dict(zip(plan, args, strict=False))
        if len(args) > len(plan) or not plan.keys() >= more.keys() or values.keys() & more:
            return None
        values |= more
        for name, (default, factory, _) in plan.items():
            if name not in values:
                if default is factory:  # there is neither
                    return None
                values[name] = default if factory is _NONE else factory()
        return values

    def _plan(cls: type) -> dict[str, tuple[Any, Any, bool]]:
        """The fields of a class and its bases, as ``dataclass`` takes them from the annotations."""
        if (known := _PLANS.get(cls)) is not None:
            return known
        plan: dict[str, tuple[Any, Any, bool]] = {}
        for base in reversed(cls.__mro__[1:-1]):
            plan |= _plan(base)
        if cls in _WAITING:
            plan |= {name: _field(vars(cls).get(name, _NONE)) for name in cls.__annotations__}
        if compared := [name for name, (*_, counts) in plan.items() if counts]:
            cls._compared = attrgetter(*compared)
        return _PLANS.setdefault(cls, plan)

    def _field(said: Any) -> tuple[Any, Any, bool]:
        if not isinstance(said, field):
            return said, _NONE, True
        return said.default, said.default_factory, said.compare

    class _Late:
        """A fact of such a class, for a pattern and for whoever asks as ``dataclasses`` does."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __get__(self, instance: object, owner: type) -> Any:
            _work_out(owner)
            return getattr(owner, self._name)

    def _work_out(cls: type) -> None:
        """Make dataclasses of a class and its bases."""
        _plan(cls)  # as long as its defaults are as they were written
        with _ONE_AT_A_TIME:
            for one in reversed(cls.__mro__):
                if one in _WAITING:
                    _complete(one)
                    _WAITING.remove(one)

    def _complete(cls: type) -> None:
        """Give a class the methods that ``dataclass`` makes for a copy of it.

        ``__init__`` comes last: another thread may call it at any time.
        """
        from dataclasses import MISSING, dataclass, fields

        own = cls.__annotations__
        said = {name: vars(cls)[name] for name in (*own, "__post_init__") if name in vars(cls)}
        space = {
            name: value.of_dataclass() if isinstance(value, field) else value
            for name, value in said.items()
        }
        space |= {"__annotations__": own, "__module__": cls.__module__}
        frozen = cls.__setattr__ is _refuse
        copied = type(cls.__name__, cls.__bases__, space)
        made = dataclass(copied, eq=False, repr=False, frozen=frozen)
        for one in fields(made):
            if one.name in vars(cls) and one.default is MISSING:
                delattr(cls, one.name)
            elif one.name in vars(cls):
                setattr(cls, one.name, one.default)
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


__all__ = ["field", "record", "replace"]
