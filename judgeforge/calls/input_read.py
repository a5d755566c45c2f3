"""Whether a server can have read the whole input, by how many tokens it counted. Pure.

Some servers answer with status 200 and drop what does not fit into the model's context: what they
count is all that tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from judgeforge.text.wording import byte_count

_MOST_BYTES = 12
"""Bytes of a token, on average over a text: English has 4, no known tokenizer and language 9."""
_MOST_CHARACTERS = 5.5
"""The same in characters, of which English has 4.5 and every other script fewer; believed only
where the count is one that a server cuts to."""
_CUT_TO = range(-2, 4)
"""Beside a power of two: Ollama keeps half of its context, and 2 or 3 tokens on top (ollama/ollama
issue 17427); earlier versions kept all of it, a little less for what is always kept."""
_LEAST_POWER, _GREATEST_POWER = 9, 20
_LEAST_CONTEXT = 256
"""Tokens: llama.cpp keeps half of its context when it is full, which was 512 by default for long;
Ollama's shortest is 2,048."""
_RUN = re.compile(r"(\s)\s+|(\S{1,3}?)\2{3,}")
_CUTS = frozenset(
    2**power + more for power in range(_LEAST_POWER, _GREATEST_POWER) for more in _CUT_TO
)


def is_too_few(counted: int, texts: Sequence[str]) -> bool:
    """Whether so few tokens cannot be all of these texts; no count, 0, is not too few."""
    if counted <= 0:
        return False
    if counted in _CUTS and _exceeds(texts, len, counted * _MOST_CHARACTERS):
        return True
    return _exceeds(texts, byte_count, counted * _MOST_BYTES)


def is_a_context(tokens: int) -> bool:
    """Whether so few tokens can be a context that the input was cut to. Fewer are none: such a
    server counts only what its own cache did not have, or makes its counts up, and has read the
    rest all the same."""
    return tokens >= _LEAST_CONTEXT


def _exceeds(texts: Sequence[str], size: Callable[[str], int], most: float) -> bool:
    if sum(map(size, texts)) <= most:
        return False
    return sum(size(_without_runs(text)) for text in texts) > most


def _without_runs(text: str) -> str:
    """Rulers, indents and other repetitions, of which one token has many characters, once."""
    return _RUN.sub(r"\1\2", text)
