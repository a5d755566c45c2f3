"""Ids and digests: those of words alone are what they always were, and everything else counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.inputs.checked_row import CheckedRow
from judgeforge.records import Prompt, ReadyCompletion
from judgeforge.text.messages import Message
from tests.support.input_files import prompts, read, write_jsonl
from tests.support.pictures import data_url, png

TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Yes?"},
    {"role": "user", "content": "Why?"},
]
OF_BEFORE: list[tuple[dict[str, Any], str, str]] = [
    (
        {"prompt": "Why is the sky  blue?"},
        "7fbd710b2f87004a",
        "ca2dfcab304d2573b672c7c2a83430f14d41ca63e6c573bf510809c9097360fb",
    ),
    (
        {"id": "b", "prompt": TURNS, "reference": "r", "metadata": {"k": [1, 2.5]}},
        "b",
        "f24ee89c8082b32c37e24183cf647421a2b3d4ac010bc280f196585d0b0909cc",
    ),
    (
        {"prompt": "x", "completions": ["one", {"text": "two", "model": "m"}]},
        "8ec43963a0b37d8b",
        "3a6871c676e4e2846a6cbebcbb224f6197a294b53e2a306d0d2c0ad6c4191202",
    ),
]


def only(folder: Path, row: dict[str, Any]) -> Prompt:
    (prompt,) = prompts(read(write_jsonl(folder / "p.jsonl", [row])))
    return prompt


@pytest.mark.parametrize(("row", "prompt_id", "digest"), OF_BEFORE)
def test_rows_of_words_alone_have_the_hashes_that_earlier_versions_gave_them(
    tmp_path: Path, row: dict[str, Any], prompt_id: str, digest: str
) -> None:
    prompt = only(tmp_path, row)
    assert (prompt.id, prompt.digest) == (prompt_id, digest)


def called(**fields: Any) -> list[dict[str, Any]]:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [call], **fields},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]


def with_arguments(text: str) -> list[dict[str, Any]]:
    call = {"id": "a", "function": {"name": "f", "arguments": text}}
    return called(tool_calls=[call])


def seen(url: str, **more: str) -> list[dict[str, Any]]:
    part = {"type": "image_url", "image_url": {"url": url, **more}}
    return [{"role": "user", "content": [{"type": "text", "text": "See"}, part]}]


TOOLS = [{"type": "function", "function": {"name": "f"}}]
DIFFERENT: list[dict[str, Any]] = [
    {"prompt": called()},
    {"prompt": called(), "tools": TOOLS},
    {"prompt": called(content="Wait.")},
    {"prompt": called(reasoning_content="Hm.")},
    {"prompt": called(name="ann")},
    {"prompt": with_arguments('{"x": 1}')},
    {"prompt": seen(data_url(png(1)))},
    {"prompt": seen(data_url(png(2)))},
    {"prompt": seen(data_url(png(2)), detail="low")},
    {"prompt": seen("https://a.example/1.png")},
    {"prompt": "x", "completions": ["one", "two"]},
    {"prompt": "x", "completions": ["one", {"text": "two", "reasoning_content": "Hm."}]},
    {"prompt": "x", "completions": ["one", {"text": "two", "tool_calls": TOOLS}]},
    {"prompt": [{"role": "developer", "content": "A"}, {"role": "user", "content": "B"}]},
    {"prompt": [{"role": "system", "content": "A"}, {"role": "user", "content": "B"}]},
]


def test_tools_calls_thoughts_and_pictures_each_change_the_id(tmp_path: Path) -> None:
    ids = {only(tmp_path, row).id for row in DIFFERENT}
    assert len(ids) == len(DIFFERENT)


def test_a_picture_counts_by_its_bytes_wherever_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    (tmp_path / "b.png").write_bytes(png(1))
    same = [seen("a.png"), seen("b.png"), seen(data_url(png(1)))]
    assert len({only(tmp_path, {"prompt": prompt}).id for prompt in same}) == 1
    before = only(tmp_path, {"id": "x", "prompt": seen("a.png")}).digest
    (tmp_path / "a.png").write_bytes(png(2))
    assert only(tmp_path, {"id": "x", "prompt": seen("a.png")}).digest != before


def test_rows_that_differ_in_their_tools_only_are_no_duplicates(tmp_path: Path) -> None:
    rows = [{"prompt": "Hi"}, {"prompt": "Hi", "tools": TOOLS}]
    assert len(prompts(read(write_jsonl(tmp_path / "p.jsonl", rows)))) == 2


WORDS = st.text(alphabet='ab "\\\t\n\r\x0b\x1c\x85\u00a0\u2003é,[]', max_size=12)


def asked(question: str, answer: str) -> int:
    parts: dict[str, Any] = {
        "messages": (Message(role="user", content=question),),
        "completions": (ReadyCompletion(text=answer),),
        **dict.fromkeys(("tools", "reference", "criteria")),
        "metadata": {},
    }
    return CheckedRow(None, parts).asked


@given(question=WORDS, answer=WORDS)
def test_whatever_white_space_stands_between_words_the_same_is_asked(
    question: str, answer: str
) -> None:
    evenly = " ".join(question.split()), " ".join(answer.split())
    assert asked(question, answer) == asked(*evenly)
    assert asked(*evenly) != asked(f"{evenly[0]} x", evenly[1])
