"""Reading a file that another process appends to: each line once, whatever becomes of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store import followed_lines
from judgeforge.store.followed_lines import FollowedLines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lines"


def append(file: Path, text: str) -> None:
    with file.open("a") as lines:
        lines.write(text)


def test_each_line_comes_once_and_only_when_it_is_whole(file: Path) -> None:
    followed = FollowedLines(file)
    assert list(followed.new_lines()) == []
    append(file, "one\ntwo\nthr")
    assert list(followed.new_lines()) == [b"one", b"two"]
    assert list(followed.new_lines()) == []
    append(file, "ee\nfour\n")
    assert list(followed.new_lines()) == [b"three", b"four"]
    assert not followed.begins_anew


def test_lines_are_whole_across_the_blocks_that_are_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_lines, "_BLOCK", 7)
    lines = [f"line {number}" for number in range(50)]
    append(file, "\n".join(lines) + "\n")
    assert list(FollowedLines(file).new_lines()) == [line.encode() for line in lines]


@pytest.mark.parametrize("last_bytes", [1, 5, 6, 9, 1000])
def test_of_a_long_file_only_the_end_is_read_at_first(file: Path, last_bytes: int) -> None:
    append(file, "first\nsecond\nthird\n")
    followed = FollowedLines(file, last_bytes=last_bytes)
    seen = list(followed.new_lines())
    assert seen == [b"first", b"second", b"third"][-len(seen) :] if seen else last_bytes <= 6
    append(file, "fourth\n")
    assert list(followed.new_lines()) == [b"fourth"]


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_file_that_was_cut_or_replaced_is_read_anew(
    file: Path, is_replaced: bool, tmp_path: Path
) -> None:
    append(file, "one\ntwo\n")
    followed = FollowedLines(file)
    assert len(list(followed.new_lines())) == 2
    if is_replaced:
        (tmp_path / "other").write_text("one\ntwo\nthree\n")
        (tmp_path / "other").rename(file)
    else:
        file.write_text("one\n")
    seen = list(followed.new_lines())
    assert followed.begins_anew
    assert seen == [b"one", b"two", b"three"][: 3 if is_replaced else 1]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        list(FollowedLines(tmp_path).new_lines())
