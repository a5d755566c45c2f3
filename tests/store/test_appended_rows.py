"""Rows of JSON that only grow: read in blocks, and refused line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.store import appended_rows
from judgeforge.store.appended_rows import UnreadableRowError, read_appended_rows

ROWS = [[number, "a text, [in] brackets"] for number in range(20)]
LINES = [json.dumps(row).encode() + b"\n" for row in ROWS]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appended_rows, "_BLOCK", 100)


def test_all_rows_come_in_order_and_a_torn_end_does_not(file: Path) -> None:
    found: list[Any] = []
    file.write_bytes(b"".join(LINES) + b"[20,")
    assert read_appended_rows(file, found.append) == sum(map(len, LINES))
    assert found == ROWS


@pytest.mark.parametrize("damage", [b"x\n", b"[1],[2]\n", b"[1\n", b'{"a": 1}x\n', b"\n"])
@pytest.mark.parametrize("place", [0, 1, 7, 19])
def test_the_line_of_damage_is_named_and_those_before_it_count(
    file: Path, damage: bytes, place: int
) -> None:
    found: list[Any] = []
    file.write_bytes(b"".join([*LINES[:place], damage, *LINES[place + 1 :]]))
    with pytest.raises(UnreadableRowError, match=rf"file\.jsonl:{place + 1}: "):
        read_appended_rows(file, found.append)
    assert found == ROWS[:place]


def test_a_row_that_is_refused_is_named_by_its_line(file: Path) -> None:
    file.write_bytes(b"".join(LINES))

    def refuse(row: Any) -> None:
        if row[0] == 13:
            raise ValueError("no 13")

    with pytest.raises(UnreadableRowError, match=r"file\.jsonl:14: .*no 13"):
        read_appended_rows(file, refuse)
