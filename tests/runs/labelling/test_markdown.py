"""Markdown of models: drawn from a closed list of parts, and nothing of it opens or asks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgeforge.runs.labelling.markdown import LONGEST, Part, parts_of
from judgeforge.runs.labelling.pages import TEMPLATES

KINDS = {
    "text", "space", "break", "paragraph", "heading", "quote", "list", "numbered", "item", "rule",
    "strong", "em", "struck", "code", "block", "link", "picture", "table", "row", "head", "cell",
    "plain",
}  # fmt: skip


def every(parts: tuple[Part, ...] | None) -> Iterator[Part]:
    for one in parts or ():
        yield one
        yield from every(one.parts)


def kinds(text: str) -> list[str]:
    return [one.kind for one in every(parts_of(text))]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("# A", "heading"),
        ("**a**", "strong"),
        ("*a*", "em"),
        ("~~a~~", "struck"),
        ("`a`", "code"),
        ("```py\na\n```", "block"),
        ("    a", "block"),
        ("> a", "quote"),
        ("- a", "list"),
        ("3. a", "numbered"),
        ("a\n\n---", "rule"),
        ("a  \nb", "break"),
        ("[a](https://b.example)", "link"),
        ("![a](https://b.example)", "picture"),
        ("|a|b|\n|-|-|\n|1|2|", "table"),
    ],
)
def test_what_is_markdown_is_drawn(text: str, kind: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize("text", ["", "plain words", "one\n\ntwo", "<b>a</b>"])
def test_plain_words_stay_as_they_were_written(text: str) -> None:
    assert parts_of(text) is None


def test_html_is_text() -> None:
    found = list(every(parts_of("**x** <script>alert(1)</script>\n\n<div onclick=a>\nb\n</div>")))
    assert {one.kind for one in found} <= {"paragraph", "strong", "text", "space"}
    assert "<script>alert(1)</script>" in "".join(one.text for one in found)


def test_a_link_that_would_run_something_is_not_even_a_link() -> None:
    assert "link" not in kinds("**a** [a](javascript:alert(1)) [b](data:text/html,x)")


@settings(max_examples=200)
@given(st.text(alphabet="ab *_`#>-+[](){}!|~\n\t<&\\1.:/", max_size=200))
def test_any_text_gives_known_parts_only(text: str) -> None:
    assert set(kinds(text)) <= KINDS


def test_the_template_knows_each_kind() -> None:
    template = (TEMPLATES / "turn.html.j2").read_text()
    assert {kind for kind in KINDS if f'"{kind}"' in template} == KINDS - {"plain"}


SLOW = {
    "brackets": "[",
    "pictures": "![a](",
    "stars": "*a ",
    "emphasis": "_a_*",
    "cells": "|a",
    "ticks": "`a",
    "quotes": ">",
    "lists": "- ",
    "entities": "&a;",
}


@pytest.mark.parametrize("piece", SLOW.values(), ids=SLOW.keys())
def test_no_text_takes_long(piece: str) -> None:
    start = time.process_time()
    parts_of((piece * LONGEST)[:LONGEST])
    assert time.process_time() - start < 5.0


def test_a_table_of_too_many_cells_is_shown_as_it_was_written() -> None:
    wide = "|a" * 300 + "|\n" + "|-" * 300 + "|\n" + "|b\n" * 300
    start = time.process_time()
    assert "table" not in kinds(wide)
    assert time.process_time() - start < 1.0


def test_a_text_that_is_too_long_is_shown_as_it_was_written() -> None:
    assert parts_of("**a** " * LONGEST) is None
