"""Plain text: one prompt a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.errors import InputError
from tests.support.input_files import prompts, read, skips, texts, write


def test_a_line_is_a_prompt_of_the_user(tmp_path: Path) -> None:
    rows = prompts(read(write(tmp_path / "p.txt", "Why is the sky blue?\r\n\r\n  \nWhy not?")))
    assert [(row.line, row.messages[0].role) for row in rows] == [(1, "user"), (4, "user")]
    assert texts(rows) == ["Why is the sky blue?", "Why not?"]


def test_bad_lines_are_skips(tmp_path: Path) -> None:
    content = b"fine\ncaf\xe9\nbell \x07\nnul \x00\nfine\nlast"
    rows = read(write(tmp_path / "p.txt", content))
    assert skips(rows) == [
        (2, "invalid_encoding"),
        (3, "control_characters"),
        (4, "control_characters"),
        (5, "duplicate_prompt"),
    ]
    assert texts(rows) == ["fine", "last"]


def test_text_that_looks_like_json_is_text(tmp_path: Path) -> None:
    assert texts(read(write(tmp_path / "p.txt", '{"prompt": "a"}\n'))) == ['{"prompt": "a"}']


def test_other_fields_cannot_come_from_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds prompts only"):
        read(write(tmp_path / "p.txt", "a\n"), fields={"id": "key"})
