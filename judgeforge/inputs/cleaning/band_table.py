"""Which earlier rows have a band of a sketch: 8 bytes for a band of a row, in flat arrays. Pure.

Rows whose bands are equal are only candidates: what is looked up here is verified elsewhere, so
32 bits of a band's hash are enough.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

_FIRST_SLOTS = 1024
_MOST_ROWS = 8
"""Of one band: beyond them rows are many that share a common text, and other bands tell them
apart."""


class BandTable:
    """An open addressing hash table with linear probing, at most four fifths full: 10 to 20 bytes
    a band, 30 while it grows."""

    def __init__(self) -> None:
        self._tags = array("I", bytes(4 * _FIRST_SLOTS))
        self._rows = array("I", bytes(4 * _FIRST_SLOTS))
        self._taken = 0

    def __len__(self) -> int:
        return self._taken

    @property
    def slots(self) -> int:
        """Of eight bytes, taken and free."""
        return len(self._tags)

    def rows(self, tag: int) -> Iterator[int]:
        """The rows that were added with this tag, the first eight, in the order of adding.

        ``tag``: 0 to 2**32 - 1.
        """
        last = len(self._tags) - 1
        place, rows, tags = tag & last, self._rows, self._tags
        while row := rows[place]:
            if tags[place] == tag:
                yield row - 1
            place = (place + 1) & last

    def add(self, tag: int, row: int) -> None:
        """``row``: 0 to 2**32 - 2."""
        if self._place(tag, row + 1) and 5 * self._taken > 4 * len(self._tags):
            self._grow()

    def _place(self, tag: int, stored: int) -> bool:
        last, same = len(self._tags) - 1, 0
        place, rows, tags = tag & last, self._rows, self._tags
        while rows[place]:
            if tags[place] == tag:
                same += 1
                if same == _MOST_ROWS:
                    return False
            place = (place + 1) & last
        tags[place], rows[place] = tag, stored
        self._taken += 1
        return True

    def _grow(self) -> None:
        """From a free slot on, so that rows of one tag keep their order."""
        tags, rows = self._tags, self._rows
        size = len(tags)
        first = next(place for place in range(size) if not rows[place])
        self._tags, self._rows = array("I", bytes(8 * size)), array("I", bytes(8 * size))
        self._taken = 0
        for step in range(size):
            place = (first + step) & (size - 1)
            if rows[place]:
                self._place(tags[place], rows[place])
