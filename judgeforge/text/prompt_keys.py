"""A short key of a prompt's id or text, of which many fit into memory. Pure."""

from __future__ import annotations

import hashlib


def prompt_key(prompt_id: str) -> int:
    """The first 8 bytes of a hash: two of a million ids are the same with a probability of 3e-8."""
    return int.from_bytes(hashlib.blake2b(prompt_id.encode(), digest_size=8).digest(), "big")
