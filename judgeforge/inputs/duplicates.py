"""Ids and prompts that occur earlier in the input, found with 8 bytes for each."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Literal

from judgeforge.inputs.checked_row import CheckedRow
from judgeforge.inputs.rows import RowProblemError
from judgeforge.records import Prompt, SkipReason
from judgeforge.text.prompt_keys import prompt_key
from judgeforge.text.visible import quotable

_FIRST_SLOTS = 1024


class KeySet:
    """A set of 8-byte keys in one flat array.

    A set of Python integers takes five times the memory. Keys are hashes, so their last bits
    choose the slot; taken slots lead to the next one (open addressing, linear probing). At most
    half the slots are taken: 16 to 32 bytes a key, 48 while it grows.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))
        self._taken = 0

    def __contains__(self, key: int) -> bool:
        return self._slots[_place(self._slots, key or 1)] != 0

    def add(self, key: int) -> None:
        """0 marks a free slot, so the key 0 is taken for 1."""
        place = _place(self._slots, key or 1)
        if self._slots[place]:
            return
        self._slots[place] = key or 1
        self._taken += 1
        if 2 * self._taken > len(self._slots):
            self._grow()

    def __len__(self) -> int:
        return self._taken

    def _grow(self) -> None:
        slots = array("Q", bytes(16 * len(self._slots)))
        for key in self._slots:
            if key:
                slots[_place(slots, key)] = key
        self._slots = slots


def _place(slots: array[int], key: int) -> int:
    """Where the key is, or the free slot where it belongs."""
    last = len(slots) - 1
    place = key & last
    while (held := slots[place]) and held != key:
        place = (place + 1) & last
    return place


class SeenRows:
    """The ids and prompts of the rows that became prompts.

    A row that is skipped leaves no trace, so a corrected copy of it further down is taken. Two
    different rows are taken for the same with a probability of 3e-8 among a million rows.
    """

    def __init__(self, duplicate_prompts: Literal["skip", "keep"]) -> None:
        self._keep = duplicate_prompts == "keep"
        self._ids, self._prompts = KeySet(), KeySet()
        self._copies: dict[str, int] = {}
        self.spared = False
        """Whether a prompt was admitted that is a duplicate, since it is done."""

    def admit(
        self, row: CheckedRow, is_done: Callable[[Prompt], bool] | None = None
    ) -> tuple[Prompt, bool]:
        """Remember the row; returns its prompt, and whether that ``is_done``.

        Raises RowProblemError for a duplicate. What is done is none, unless it is the very prompt
        of an earlier row: an earlier version kept prompts apart that differ in white space or
        typographic signs only.
        """
        given = row.given_id
        prompt_id = row.content_id() if given is None else given
        key = prompt_key(prompt_id)
        is_known = key in self._ids
        if given is not None and is_known:
            raise RowProblemError(
                SkipReason.DUPLICATE_ID,
                f"an earlier row has the id `{quotable(given)}`; give each row its own",
                unread="id",
            )
        is_twin = not self._keep and row.asked in self._prompts
        if is_known and not is_twin:
            prompt_id = self._numbered(prompt_id)
            key = prompt_key(prompt_id)
        prompt = row.prompt(prompt_id)
        done = is_done is not None and is_done(prompt)
        if is_twin and (is_known or not done):
            raise RowProblemError(
                SkipReason.DUPLICATE_PROMPT,
                "an earlier row has the same prompt, up to white space and typographic signs; "
                "remove one of them "
                "(`duplicate_prompts: keep` asks both)",
            )
        self.spared = self.spared or is_twin
        self._ids.add(key)
        self._prompts.add(row.asked)
        return prompt, done

    def _numbered(self, content_id: str) -> str:
        """Kept copies of a row without an id are told apart by their number."""
        number = self._copies.get(content_id, 1) + 1
        while prompt_key(f"{content_id}-{number}") in self._ids:
            number += 1
        self._copies[content_id] = number
        return f"{content_id}-{number}"
