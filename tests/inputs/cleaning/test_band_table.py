"""Rows by the bands of their sketches: all of them are found, up to eight of one band."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from judgeforge.inputs.cleaning.band_table import BandTable

TAGS = st.integers(0, 2**32 - 1) | st.integers(0, 30) | st.integers(0, 30).map(lambda n: n << 20)


@given(st.lists(st.tuples(TAGS, st.integers(0, 2**32 - 2)), max_size=300))
def test_the_first_eight_rows_of_a_tag_are_found_in_their_order(
    entries: list[tuple[int, int]],
) -> None:
    table, plain = BandTable(), defaultdict[int, list[int]](list)
    for tag, row in entries:
        table.add(tag, row)
        plain[tag] = [*plain[tag], row][:8]
    assert {tag: list(table.rows(tag)) for tag in plain} == plain
    assert len(table) == sum(map(len, plain.values()))


def test_a_table_grows_and_keeps_all_in_their_order() -> None:
    table = BandTable()
    tags = [number * 2654435761 % 2**32 for number in range(5000)]
    for row, tag in enumerate(tags):
        table.add(tag, row)
        table.add(7, row)
    assert list(table.rows(7)) == list(range(8))
    assert all(row in table.rows(tag) for row, tag in enumerate(tags) if tag != 7)
    assert list(table.rows(8)) == []


def test_a_band_takes_twenty_bytes_at_most() -> None:
    table, row = BandTable(), 0
    for row in range(20_000):
        table.add(row * 2654435761 % 2**32, row)
        if row > 1024:
            assert 8 * table.slots <= 20 * len(table) + 8
    assert len(table) == row + 1
