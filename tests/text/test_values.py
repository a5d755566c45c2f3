"""Values behave as dataclasses of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import pytest

from judgeforge.text.values import dataclass

T = TypeVar("T")
Write = Callable[[Any], type]
"""Writes the same classes with either decorator."""


def plain(decorator: Any) -> type:
    @decorator(frozen=True, slots=True)
    class Plain:
        """Everything that a field can be."""

        kind: ClassVar[str] = "plain"
        name: str
        sizes: tuple[int, ...] = ()
        notes: list[str] = field(default_factory=list)
        secret: str = field(default="", repr=False, compare=False)

        def shout(self) -> str:
            return self.name.upper()

    return Plain


def changing(decorator: Any) -> type:
    @decorator(slots=True)
    class Changing:
        name: str
        made: int = field(init=False)
        kept: list[str] = field(default_factory=list, init=False)
        often: int = field(default=3, init=False)

        def __post_init__(self) -> None:
            self.made = len(self.name)

    return Changing


def alone(decorator: Any) -> type:
    @decorator(frozen=True, slots=True)
    class Alone:
        name: float

    return Alone


def empty(decorator: Any) -> type:
    @decorator(frozen=True)
    class Empty:
        pass

    return Empty


def derived(decorator: Any) -> type:
    @decorator(frozen=True, slots=True)
    class Base:
        name: str
        size: int = 0

    @decorator(frozen=True, slots=True)
    class Derived(Base, Generic[T]):
        size: int = 1
        more: str = "more"

    return Derived


def of_its_own(decorator: Any) -> type:
    class Named(Protocol):
        name: str

    @decorator(frozen=True)
    class OfItsOwn(Named):  # noqa: PLW1641 (its hash is in the making)
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self))

        def __repr__(self) -> str:
            return "own"

    return OfItsOwn


def without_comparison(decorator: Any) -> type:
    @decorator(slots=True, eq=False, repr=False)
    class WithoutComparison:
        name: str

    return WithoutComparison


SHAPES: list[Write] = [plain, changing, alone, empty, derived, of_its_own, without_comparison]
SHOWN = [
    lambda made: made("a"),
    lambda made: made(name="a"),
    lambda made: made("a") == made("a"),
    lambda made: made("a") == made("b"),
    lambda made: made("a") == 1,
    lambda made: made("a", (1,)) == made("a", (2,)),
    lambda made: made(math.nan) == made(math.nan),
    lambda made: made("a", secret="b") == made("a"),
    lambda made: hash(made("a")) == hash(made("a")),
    lambda made: hash(made()) == hash(()),
    lambda made: made("a", (1,), notes=["b"]),
    lambda made: made(),
    lambda made: made("a", 1, 2, 3, 4, 5),
    lambda made: made("a", other=1),
    lambda made: dataclasses.asdict(made("a")),
    lambda made: dataclasses.replace(made("a"), name="b"),
    lambda made: [(f.name, f.type, f.init, f.repr, f.compare) for f in dataclasses.fields(made)],
    inspect.signature,
    lambda made: (made.__match_args__, made.__name__, made.__qualname__, made.__module__),
    lambda made: made.__init__.__qualname__,
    lambda made: setattr(made("a"), "name", "b"),
    lambda made: delattr(made("a"), "name"),
    lambda made: copy.deepcopy(made("a")) == made("a"),
    lambda made: hasattr(made("a"), "__dict__"),
    lambda made: made("a").shout(),
    lambda made: made("a").made,
    lambda made: made("a").kept is made("a").kept,
    lambda made: made("a").notes is made("a").notes,
    lambda made: made("a").kind,
]


def seen(look: Callable[[type], object], made: type) -> str:
    try:
        found = str(look(made))
    except (TypeError, AttributeError, FrozenInstanceError) as error:
        found = f"{type(error).__name__}: {error}"
    # An object that spells itself with its address.
    return found.partition(" at 0x")[0]


@pytest.mark.parametrize("write", SHAPES, ids=lambda write: write.__name__)
def test_a_value_does_what_a_dataclass_of_the_standard_library_does(write: Write) -> None:
    ours, theirs = write(dataclass), write(dataclasses.dataclass)
    differing = [
        (seen(look, ours), seen(look, theirs))
        for look in SHOWN
        if seen(look, ours) != seen(look, theirs)
    ]
    assert differing == []


@dataclass(frozen=True, slots=True)
class Sent:
    name: str
    sizes: tuple[int, ...] = ()


def test_a_frozen_value_travels_between_processes() -> None:
    assert pickle.loads(pickle.dumps(Sent("a", (1, 2)))) == Sent("a", (1, 2))  # noqa: S301


def test_a_value_that_holds_itself_can_be_shown() -> None:
    made = plain(dataclass)("a")
    made.notes.append(made)
    assert repr(made).endswith("Plain(name='a', sizes=(), notes=[...])")


def test_nothing_can_be_assigned_to_a_frozen_value_even_of_a_class_derived_from_one() -> None:
    class Derived(Sent):
        pass

    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'other'"):
        Derived("a").other = 1  # type: ignore[attr-defined]


def test_a_class_without_a_docstring_has_its_name_for_one() -> None:
    assert Sent.__doc__ == "Sent"
    assert plain(dataclass).__doc__ == "Everything that a field can be."
