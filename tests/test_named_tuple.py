"""A named tuple is one of ``typing``, whenever it is worked out."""

from __future__ import annotations

import copy
import pickle
import re
import typing
from pathlib import Path

import pytest

from maas_stream_lint.named_tuple import NamedTuple

#: None, fewer than a class has that is not worked out, and more.
COUNTS = (0, 10, 100)


class Place(NamedTuple):
    """Two fields, one with a default."""

    file: str
    path: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        return len(self.path)


class Other(typing.NamedTuple):
    """The same of ``typing``."""

    file: str
    path: tuple[str, ...] = ()


def fresh(instances: int) -> typing.Any:
    """A class that has so many instances."""

    class Fresh(NamedTuple):
        a: int
        b: str = "b"
        c: int | None = None

    for number in range(instances):
        assert Fresh(number, c=2) == (number, "b", 2)
    return Fresh


@pytest.mark.parametrize("count", COUNTS)
def test_instances_are_those_of_typing(count: int) -> None:
    made = fresh(count)
    for number in range(3 * count):  # an instance costs less with all values in their order
        assert made(number, "b", 2) == (number, "b", 2)
    one = made(1, "x")
    assert (one, one.a, one.b, one.c) == ((1, "x", None), 1, "x", None)
    assert {one: 1}[1, "x", None] == 1
    assert repr(one) == "Fresh(a=1, b='x', c=None)"
    assert one._asdict() == {"a": 1, "b": "x", "c": None}
    assert one._replace(c=5) == made(c=5, b="x", a=1) == (1, "x", 5)
    assert type(one._replace(c=5)) is type(made._make([1, 2, 3])) is made
    assert not hasattr(one, "__dict__")
    match one:
        case made(a, b, c):
            assert (a, b, c) == one
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    ("args", "more"),
    [((), {}), ((1, "x", 2, 3), {}), ((1,), {"a": 1}), ((1,), {"d": 1}), ((), {"b": "x"})],
)
def test_a_wrong_call_is_refused(
    count: int, args: tuple[object, ...], more: dict[str, object]
) -> None:
    with pytest.raises(TypeError, match="__new__"):
        fresh(count)(*args, **more)


@pytest.mark.parametrize("count", COUNTS)
def test_a_wrong_change_is_refused(count: int) -> None:
    one = fresh(count)(1)
    with pytest.raises((TypeError, ValueError), match="'d'"):
        one._replace(d=1)
    with pytest.raises(AttributeError):
        one.a = 2


def test_a_class_is_like_one_of_typing() -> None:
    for fact in ("_fields", "_field_defaults", "__match_args__"):
        assert getattr(Place, fact) == getattr(Other, fact)
    assert typing.get_type_hints(Place) == typing.get_type_hints(Other)
    assert isinstance(Place("a"), tuple)
    assert Place("a", ("b", "c")).depth == 2


@pytest.mark.parametrize("count", COUNTS)
def test_a_class_of_a_class_has_its_fields(count: int) -> None:
    made = fresh(count)

    class Derived(made):  # type: ignore[misc]
        pass

    for number in range(count + 1):
        one = Derived(number, c=3)
        assert (type(one), one.a, one._replace(b="x")) == (Derived, number, (number, "x", 3))


def test_copies_are_equal_and_of_its_class() -> None:
    place = Place("a", ("b",))
    for one in (copy.copy(place), copy.deepcopy(place), pickle.loads(pickle.dumps(place))):
        assert one == place
        assert type(one) is Place


def test_all_named_tuples_are_such() -> None:
    package = Path(__file__).parents[1] / "maas_stream_lint"
    for path in package.rglob("*.py"):
        text = path.read_text("utf-8")
        taken = re.search(r"from typing import.*\bNamedTuple\b|\bnamedtuple\(", text)
        assert path.name == "named_tuple.py" or not taken, path
