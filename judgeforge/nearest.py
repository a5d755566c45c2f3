"""The known name that a mistyped one probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


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
