"""The words of messages: numbers with their nouns, lists, cut texts, what was meant. Pure.

Also the one estimate of how many tokens a text has. It is right for English, and serves plans,
limits a minute and the room in a context; the provider has the last word, and no promise about
money rests on it. Text is made safe for a terminal in text/visible.py, not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


LONGEST_SHOWN = 60
"""Characters of a value or a name in a message."""


def counted(number: int, one: str, many: str = "") -> str:
    """``1 row``, ``2 rows``; ``many`` where the plural of ``one`` is not just an s more."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def tally(counts: Iterable[tuple[str, int]]) -> str:
    """``cut 1,200, unread 3``."""
    return ", ".join(f"{what} {number:,}" for what, number in counts)


def listed(names: Iterable[str], most: int | None = None, *, mark: str = "") -> str:
    """``a, b, c``, and ``, …`` after ``most`` of them; ``mark`` stands on both sides of each."""
    first = list(names if most is None else islice(names, most + 1))
    shown = [f"{mark}{name}{mark}" for name in first[:most]]
    return ", ".join([*shown, "…"] if len(shown) < len(first) else shown)


def shortened(text: str, most: int = LONGEST_SHOWN) -> str:
    """At most ``most`` characters; the last is ``…`` where something was cut off."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def as_clause(sentence: str) -> str:
    """``Input should be less than 1`` as it goes on after a colon: with a small first letter."""
    return sentence[:1].lower() + sentence[1:]


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


def found(value: object) -> str:
    """The value in few words: itself where it is short, otherwise its type."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return f"the text {shortened(value)!r}"
    return f"a value of type {type(value).__name__}"


def expect(
    value: object, kind: type | tuple[type, ...], name: str, expected: str, advice: str = ""
) -> None:
    """Check an argument of the Python API. A truth value is not a number here.

    Raises TypeError: which argument, what it takes, what was given, what to do.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds):
        return
    raise TypeError(f"{name} must be {expected}, not {found(value)}{advice and f'; {advice}'}")


def first_problem(error: ValidationError) -> str:
    """``usage.total: Field required``; without a place where the whole is not such a value."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


BYTES_PER_TOKEN = 4


def about_tokens(*texts: str) -> int:
    """Of all texts together."""
    return tokens_of_bytes(sum(map(byte_count, texts)))


def byte_count(text: str) -> int:
    """In UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def tokens_of_bytes(size: int) -> int:
    """Rounded up."""
    return -(-size // BYTES_PER_TOKEN)
