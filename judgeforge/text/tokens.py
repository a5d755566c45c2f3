"""About how many tokens a text has: the one estimate of all rooms.

It holds for English text and serves plans, limits a minute and the room in a model's context. The
provider has the last word, and no promise about money rests on it.
"""

from __future__ import annotations

BYTES_PER_TOKEN = 4


def about_tokens(*texts: str) -> int:
    """Of all texts together."""
    return tokens_of_bytes(sum(len(text.encode("utf-8", "surrogatepass")) for text in texts))


def tokens_of_bytes(size: int) -> int:
    """Rounded up."""
    return -(-size // BYTES_PER_TOKEN)
