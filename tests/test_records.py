"""Records are dataclasses, whenever they are worked out."""

from __future__ import annotations

import copy
import dataclasses
import re
import sys
import threading
from functools import cached_property
from pathlib import Path

import pytest

from maas_stream_lint.records import field, record, replace


@record(frozen=True)
class Point:
    x: int
    y: int = 0
    seen: list[int] = field(default_factory=list, compare=False, repr=False)

    @cached_property
    def length(self) -> int:
        return self.x + self.y


@record
class Open:
    x: int


@record(eq=False)
class Apart:
    x: int


def test_a_record_is_a_dataclass() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [f.name for f in dataclasses.fields(Point)] == ["x", "y", "seen"]
    point = Point(1, y=2)
    assert (point.x, point.y, point.seen, point.length) == (1, 2, [], 3)
    assert repr(point) == "Point(x=1, y=2)"
    assert replace(point, x=5) == Point(5, 2)
    assert dataclasses.asdict(point) == {"x": 1, "y": 2, "seen": []}
    assert copy.copy(point) == point
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]


def test_a_pattern_takes_one_apart_before_it_is_worked_out() -> None:
    @record(frozen=True)
    class Fresh:
        x: int
        y: int = 0

    match Fresh(1):
        case Fresh(x, y):
            assert (x, y) == (1, 0)
        case _:
            pytest.fail("no match")


def test_what_is_compared() -> None:
    assert Point(1, seen=[1]) == Point(1, seen=[2])
    assert hash(Point(1)) == hash(Point(1, seen=[2]))
    assert len({Point(1), Point(1), Point(2)}) == 2
    assert Open(1) == Open(1)
    assert Open(1) != Open(2)
    assert Open(1) != Point(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open(1))
    assert Apart(1) != Apart(1)
    assert len({Apart(1), Apart(1)}) == 2


@pytest.mark.parametrize("decorate", [record, dataclasses.dataclass])
def test_bases_are_worked_out_first(decorate: object) -> None:
    @record
    class Base:
        x: int

    class Between(Base):
        pass

    class Derived(Between):
        y: int = 2

    made = decorate(Derived)  # type: ignore[operator]
    assert made(1) == made(1, 2)
    assert [f.name for f in dataclasses.fields(made)] == ["x", "y"]
    assert Between(3).x == 3


@pytest.mark.parametrize("instances", [0, 1, 200])
def test_the_first_instances_are_as_all_others(instances: int) -> None:
    @record
    class Base:
        x: int
        seen: list[int] = field(default_factory=list)

    for number in range(instances):
        assert Base(number) == Base(x=number, seen=[])
    assert Base(1).seen is not Base(1).seen
    for args, more in (((), {}), ((1, [], 3), {}), ((1,), {"x": 1}), ((1,), {"y": 1})):
        with pytest.raises(TypeError, match="__init__"):
            Base(*args, **more)  # type: ignore[arg-type]

    @record
    class Derived(Base):
        y: int = 2

        def __post_init__(self) -> None:
            self.sum = self.x + self.y

    assert Derived(1).sum == 3
    assert Derived(1, [4], y=5).__dict__ == {"x": 1, "seen": [4], "y": 5, "sum": 6}
    assert Derived(1) != Base(1)


@pytest.mark.parametrize("instances", [0, 200])
def test_a_frozen_record_refuses_changes(instances: int) -> None:
    @record(frozen=True)
    class Frozen:
        x: int
        y: int = 2

    for number in range(instances):
        assert Frozen(number).x == number
    made = Frozen(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="'x' of a frozen Frozen"):
        made.x = 3  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="'y' of a frozen Frozen"):
        del made.y
    assert made == Frozen(1)
    assert replace(made, x=3) == Frozen(3, 2)
    assert {made: 1}[Frozen(1)] == 1


def first_values(cls: type, threads: int = 8) -> list[int]:
    """What as many threads get, whose first instances are made at once."""
    made: list[int] = []
    several = [threading.Thread(target=lambda: made.append(cls(1).x)) for _ in range(threads)]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
    return made


def test_threads_may_make_the_first_instance_at_once() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):

            @record
            class Fresh:
                x: int
                y: int = 0

            assert first_values(Fresh) == [1] * 8
    finally:
        sys.setswitchinterval(before)


def test_a_record_that_holds_itself_is_shown() -> None:
    @record
    class Ring:
        next: object = None

    ring = Ring()
    ring.next = ring
    assert repr(ring).endswith("Ring(next=...)")


def test_all_records_are_such() -> None:
    package = Path(__file__).parents[1] / "maas_stream_lint"
    for path in package.rglob("*.py"):
        text = path.read_text("utf-8")
        assert path.name == "records.py" or not re.search(r"import.*\bdataclass\b|@dataclass", text)
