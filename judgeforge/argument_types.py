"""What a function of the Python API says of an argument of the wrong type."""

from __future__ import annotations

_LONGEST_SHOWN = 60


def expect(
    value: object, kind: type | tuple[type, ...], name: str, expected: str, advice: str = ""
) -> None:
    """Raises TypeError: which argument, what it takes, what was given, what to do.

    A truth value is no number here.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds):
        return
    raise TypeError(f"{name} must be {expected}, not {found(value)}{advice and f'; {advice}'}")


def found(value: object) -> str:
    """The value in few words: itself where it is short, otherwise its type."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        short = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
        return f"the text {short!r}"
    return f"a value of type {type(value).__name__}"
