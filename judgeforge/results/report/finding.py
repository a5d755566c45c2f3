"""What a rule says of something that stands out; two files of rules share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from judgeforge.results.figures.marks import Mark

ENOUGH = 30
"""Cases below which a share says little."""


@dataclass(frozen=True, slots=True)
class Finding:
    level: Literal["look", "note"]
    """``look``: may spoil training or cost; ``note``: good to know."""
    text: str
    advice: str
    about: tuple[Mark, ...] = ()
    """What is so of the pairs that it speaks of."""
    section: str = ""
    """Where the page has its numbers, if they are not about pairs."""
