"""Cross-fitting: each prompt is predicted by a fit that has not seen it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

FOLDS = 5


def folds(prompt_ids: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """(positions to fit on, positions to predict), each position predicted once.

    Which fold a prompt is in depends on the ids alone, not on their order; equal ids stay together.
    """
    names = sorted(set(prompt_ids), key=_drawn)
    fold = {name: place % FOLDS for place, name in enumerate(names)}
    for one in range(min(FOLDS, len(names))):
        test = [i for i, name in enumerate(prompt_ids) if fold[name] == one]
        train = [i for i, name in enumerate(prompt_ids) if fold[name] != one]
        yield train, test


def _drawn(prompt_id: str) -> bytes:
    return hashlib.sha256(prompt_id.encode("utf-8", "surrogatepass")).digest()
