"""Markdown from values. Names that models and users chose are data, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from judgeforge.text.wording import shortened

_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]()#!|~$"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
)
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_LONGEST = 200


def escape(text: object) -> str:
    """``text`` as it reads, on one line: no markup, no HTML, no links, no table cells.

    For use inside a line of other text, not at its start. Only names are shown in a card, so
    text of more than 200 characters is cut.
    """
    line = shortened(_BREAKS.sub(" ", str(text)).strip(), _LONGEST)
    return line.translate(_SPECIAL).replace("://", "&#58;//").replace("www.", "www&#46;")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Cells are Markdown already: escape what is data."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
