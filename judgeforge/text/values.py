"""Values: dataclasses of the standard library, made in a fifth of the time.

A start makes hundreds of them, and the standard library compiles each method of each class from
text of its own: a fifth of the time of a whole run of one prompt. Here only ``__init__`` is written
out and compiled, since it runs a million times; the other methods are closures over the names of
the fields. Fields, ``slots``, ``__match_args__``, ``replace`` and ``asdict`` stay the standard
library's. What differs: a class without a docstring has its name for one, without a signature, and
nothing at all can be assigned to a frozen value, whatever its class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, cast, dataclass_transform

Made = TypeVar("Made")
_Fields = tuple[Field[Any], ...]


@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(
    *,
    frozen: bool = False,
    slots: bool = False,
    eq: bool = True,
    repr: bool = True,  # noqa: A002 (named as in the standard library)
) -> Callable[[type[Made]], type[Made]]:
    """As ``dataclasses.dataclass``; what a class defines itself stays."""

    def make(written: type[Made]) -> type[Made]:
        own = set(vars(written))
        if "__eq__" in own and vars(written)["__hash__"] is None:
            own.remove("__hash__")  # Python sets it along with __eq__
        # Without one, the standard library would inspect the signature.
        written.__doc__ = written.__doc__ or written.__name__
        standard = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)
        made: Any = standard(written)
        fields = dataclasses.fields(made)
        methods: dict[str, object] = {"__init__": _init(made, fields, frozen=frozen)}
        if repr:
            methods["__repr__"] = _repr
        if eq:
            compared = _compared(fields)
            methods["__eq__"] = _eq(compared)
            methods["__hash__"] = _hash(compared) if frozen else None
        if frozen:
            methods |= {"__setattr__": _refuse_to_assign, "__delattr__": _refuse_to_delete}
        if frozen and slots:
            methods |= {"__getstate__": _state, "__setstate__": _set_state}
        for name, method in methods.items():
            if name not in own:
                setattr(made, name, method)
        return cast("type[Made]", made)

    return make


class _Factory:
    """Stands in a signature for what a factory makes anew for each value."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _init(made: type, fields: _Fields, *, frozen: bool) -> Callable[..., None]:
    names: dict[str, Any] = {"_assign": object.__setattr__, "_factory": _FACTORY}
    parameters, body = ["self"], []
    for field in fields:
        name, default, value = field.name, f"_default_{field.name}", field.name
        if field.default is not MISSING:
            names[default] = field.default
            parameter = f"{name}={default}"
        elif field.default_factory is not MISSING:
            names[default] = field.default_factory
            parameter = f"{name}=_factory"
            value = f"{default}() if {name} is _factory else {name}"
        else:
            parameter = name
        if field.init:
            parameters.append(parameter)
        elif default not in names:
            continue
        else:
            value = default if field.default_factory is MISSING else f"{default}()"
        body.append(f"_assign(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    lines = "\n ".join(body or ["pass"])
    exec(f"def __init__({', '.join(parameters)}):\n {lines}", names)  # noqa: S102 (our own names)
    init: Callable[..., None] = names["__init__"]
    init.__module__, init.__qualname__ = made.__module__, f"{made.__qualname__}.__init__"
    init.__annotations__ = {field.name: field.type for field in fields if field.init}
    init.__annotations__["return"] = None
    return init


def _compared(fields: _Fields) -> Callable[[object], tuple[object, ...]]:
    names = [field.name for field in fields if field.compare]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _eq(compared: Callable[[object], tuple[object, ...]]) -> Callable[[object, object], bool]:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807 (a method in the making)
        if other.__class__ is self.__class__:
            return compared(self) == compared(other)
        return NotImplemented

    return __eq__


def _hash(compared: Callable[[object], tuple[object, ...]]) -> Callable[[object], int]:
    def __hash__(self: object) -> int:  # noqa: N807 (a method in the making)
        return hash(compared(self))

    return __hash__


@recursive_repr()
def _repr(self: Any) -> str:  # noqa: ANN401 (a value of any such class)
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_assign(_: object, name: str, __: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:  # noqa: ANN401 (a value of any such class)
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[object]) -> None:  # noqa: ANN401 (a value of any such class)
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
