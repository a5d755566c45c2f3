"""A prompt's id in 8 bytes, where a million ids must be found again in little memory."""

from __future__ import annotations

import hashlib


def prompt_key(prompt_id: str) -> int:
    """The first 8 bytes of a hash: two of a million different ids are taken for the same with a
    probability of 3e-8."""
    return int.from_bytes(hashlib.blake2b(prompt_id.encode(), digest_size=8).digest(), "big")
