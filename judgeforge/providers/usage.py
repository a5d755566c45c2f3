"""Reading what a reply says of its tokens: an answer is never lost to its bookkeeping."""

from __future__ import annotations

from judgeforge.providers.base import Usage

Count = float | None
"""A number of tokens as a server may write it: also null, negative, fractional or endless. What
reads as no number at all is a reply of another API."""

_MOST = 2.0**53
"""Beyond it a JSON number is no exact count."""


def read_usage(
    *,
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count = None,
    cached: Count = None,
    written: Count = None,
    reasoning: Count = None,
) -> Usage | None:
    """None where a number that decides the price is missing or cannot be true: then the call
    counts at its most.

    ``input_tokens`` is the whole input, ``cached`` and ``written`` (to a cache) are parts of it,
    none where they are not said. Some servers (xAI) count reasoning in ``total_tokens`` only, and
    bill it as output.
    """
    if input_tokens is None or output_tokens is None:
        return None
    output = max(output_tokens, (total_tokens or 0.0) - input_tokens)
    cached, written = cached or 0.0, written or 0.0
    if not all(map(_is_count, (input_tokens, output_tokens, output, cached, written))):
        return None
    if input_tokens == 0 or cached + written > input_tokens:
        return None
    return Usage(
        input_tokens=int(input_tokens),
        output_tokens=int(output),
        cached_input_tokens=int(cached),
        cache_write_tokens=int(written),
        reasoning_tokens=int(reasoning) if reasoning and _is_count(reasoning) else 0,
    )


def _is_count(number: float) -> bool:
    return 0 <= number <= _MOST and number % 1 == 0
