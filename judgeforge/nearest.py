"""The known name that a mistyped one probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, or None where none comes close."""
    by_plain_form = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), by_plain_form, n=1, cutoff=0.6)
    return by_plain_form[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean `x`?`` to append to a message, or nothing."""
    other = nearest(name, known)
    return f"; did you mean `{other}`?" if other else ""
