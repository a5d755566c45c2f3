"""The finished prompts of a folder by their id, in flat arrays (22 bytes for each)."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from judgeforge.records import SkipReason, prompt_key
from judgeforge.store.journal import Entry

_NO_SKIP = ""
_REASONS = (_NO_SKIP, *SkipReason)
_UNFINISHED = _REASONS.index(SkipReason.CHANGED_DURING_RUN)
"""Its detail tells the user to start again, so the next start does it."""


class FinishedPrompts:
    """A dictionary of entries would take some 400 bytes a prompt."""

    def __init__(self, entries: Iterable[tuple[str, Entry]] = ()) -> None:
        """Of several entries with one id the last counts; a row that changed is not finished."""
        keys, self._offsets, self._digests = array("Q"), array("q"), array("Q")
        self._pairs, self._skips, self._provisional = array("I"), bytearray(), bytearray()
        for prompt_id, entry in entries:
            keys.append(prompt_key(prompt_id))
            self._offsets.append(entry.offset)
            self._digests.append(entry.digest)
            self._pairs.append(entry.pairs)
            self._skips.append(_REASONS.index(entry.skip or _NO_SKIP))
            self._provisional.append(entry.provisional)
        self._keys, self._rows = _sorted(keys, self._skips)

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, prompt_id: str) -> Entry | None:
        key = prompt_key(prompt_id)
        place = bisect_left(self._keys, key)
        if place == len(self._keys) or self._keys[place] != key:
            return None
        row = self._rows[place]
        return Entry(
            offset=self._offsets[row],
            digest=self._digests[row],
            pairs=self._pairs[row],
            skip=_REASONS[self._skips[row]] or None,
            provisional=bool(self._provisional[row]),
        )


def _sorted(keys: array[int], skips: bytearray) -> tuple[array[int], array[int]]:
    """The keys in order, each once, and which row each one stands for: its last."""
    import numpy as np

    if not keys:
        return array("Q"), array("I")
    values = np.frombuffer(keys, dtype=np.uint64)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    kept = np.append(ordered[1:] != ordered[:-1], True)
    kept &= np.frombuffer(skips, dtype=np.uint8)[order] != _UNFINISHED
    return array("Q", ordered[kept].tobytes()), array("I", order[kept].astype(np.uint32).tobytes())
