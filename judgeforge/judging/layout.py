"""How a judge's request is laid out: what stands between which tags, and what requests share.

Tags end in a code that occurs nowhere in what they enclose. Which texts the code is drawn from
decides how much of a request others begin with as well:

1   from what this very request shows. Two requests about one row share the rubric only.
2   from everything that is known of the row: prompt, reference and all its answers. All questions
    of a row begin with the same conversation, which caches of providers and servers can hold.

A folder keeps the layout that it was begun with, so that its calls keep their keys.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final, Literal

Layout = Literal[1, 2]
CODE_OF_A_REQUEST: Final = 1
CODE_OF_A_ROW: Final = 2
NEWEST_LAYOUT: Final = CODE_OF_A_ROW

_CODE_DIGITS = 12
_ANSWER = re.compile(rf"<answer-(?:[^<>\s]+-)?([0-9a-f]{{{_CODE_DIGITS}}})>")
_ROWS_KEPT = 64
"""Codes that are remembered: a row asks its questions at about the same time."""


@lru_cache(maxsize=_ROWS_KEPT)
def code_absent_from(texts: tuple[str, ...]) -> str:
    """A hash of the texts, taken again until it occurs in none of them.

    Whoever writes one of the texts cannot know it: the others are part of it, and a text that holds
    what it would have been gets another.
    """
    whole = "\0".join(texts)
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    while digest[:_CODE_DIGITS] in whole:
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return digest[:_CODE_DIGITS]


def shared_characters(text: str, code: str, end: str = "\n\n") -> int:
    """How much of a user's message stands before its answers, up to the end of a paragraph (or of a
    line, where ``end`` says so): what all questions of the row begin with. 0 where it shows no
    answer between tags of this code."""
    # One pattern for all codes: compiling one for each prompt takes longer than the search.
    first = next((one for one in _ANSWER.finditer(text) if one[1] == code), None)
    return 0 if first is None else max(0, text.rfind(end, 0, first.start()))
