"""A number with its noun, for messages."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """``1 row``, ``2 rows``; ``many`` where the plural of ``one`` is not just an s more."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
