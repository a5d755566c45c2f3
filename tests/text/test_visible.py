"""Text of models, servers and rows is made safe to show; what it looks like can be compared."""

from __future__ import annotations

import os

import pytest

from judgeforge.text.visible import excerpt, one_line, printable, quotable, visible_text

REPLACED = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("two\nlines\tand   gaps ", "two lines and gaps"),
        ("zero\u200bwidth", "zerowidth"),
        ("turned \u202eround", "turned round"),
        ("\x00nul", f"{REPLACED}nul"),
        ("\x1b[31mred", f"{REPLACED}[31mred"),
        ("half \ud800", f"half {REPLACED}"),
        ("grün 水 🥚", "grün 水 🥚"),
    ],
)
def test_a_text_becomes_one_line_that_a_terminal_does_not_obey(raw: str, line: str) -> None:
    assert one_line(raw) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abcdef", "abcdef"),
        ("abcdefg", "abcde…"),
        ("abcd efgh", "abcd…"),
        ("a\n\n\nb", "a b"),
        ("a" + " " * 200 + "b", "a …"),
        (" " * 200 + "b", "…"),
    ],
)
def test_an_excerpt_is_at_most_as_long_as_asked_and_tells_that_there_is_more(
    text: str, shown: str
) -> None:
    assert excerpt(text, 6) == shown


def test_a_quoted_name_keeps_its_blanks_so_that_a_stray_one_can_be_seen() -> None:
    assert quotable(" prompt ") == " prompt "
    assert quotable("a\nb\x1b") == f"a{REPLACED}b{REPLACED}"
    assert quotable("x" * 100) == "x" * 59 + "…"


def test_printable_text_keeps_its_lines_and_loses_what_is_not_drawn() -> None:
    assert printable("a\n\tb\u200b\x1b[0m") == "a\n\tb[0m"


def test_bytes_of_a_path_that_are_no_text_are_spelled() -> None:
    path = os.fsdecode("Größe".encode("latin-1"))
    assert printable(f"{path}: \ud800") == rf"Gr\xf6\xdfe: {REPLACED}"


def test_look_alikes_and_hidden_spellings_are_seen_as_what_they_look_like() -> None:
    assert visible_text("[[\u0410]]") == "[[A]]"
    assert visible_text("[[\U000e0041]]") == "[[A]]"
