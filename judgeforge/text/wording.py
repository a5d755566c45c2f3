"""What a function of the Python API says of an argument of the wrong type.

The known name that a mistyped one probably meant.

What is wrong with a value that is not as its model wants it, in few words.

A number with its noun, for messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import ValidationError

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


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, or None where none comes close.

    A name may also be cut short: ``bst`` is near ``best_vs_worst``, whose first word is ``best``.
    """
    by_plain_form = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), by_plain_form, n=1, cutoff=0.6)
    if close:
        return by_plain_form[close[0]]
    by_first_word = {plain.split("_")[0]: plain for plain in reversed(by_plain_form)}
    begun = get_close_matches(name.casefold(), by_first_word, n=1, cutoff=0.8)
    return by_plain_form[by_first_word[begun[0]]] if begun else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean `x`?`` to append to a message, or nothing."""
    other = nearest(name, known)
    return f"; did you mean `{other}`?" if other else ""


def first_problem(error: ValidationError) -> str:
    """``usage.total: Field required``; without a place where the whole is no such value."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def counted(number: int, one: str, many: str = "") -> str:
    """``1 row``, ``2 rows``; ``many`` where the plural of ``one`` is not just an s more."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
