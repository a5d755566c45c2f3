"""A text that is a list of messages is read as one, or named, in every format alike."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.support.input_files import only_skip, prompts, read, skips, texts, write, write_jsonl

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What's 2+2?"}]
READ = [("system", "Be brief."), ("user", "What's 2+2?")]


def as_csv(text: str) -> str:
    table = io.StringIO()
    csv.writer(table).writerows([["prompt"], [text]])
    return table.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(MESSAGES),
        json.dumps(MESSAGES, indent=2),
        "\n  " + json.dumps([dict(reversed(m.items())) for m in MESSAGES]),
        str(MESSAGES),
        repr(str(MESSAGES)),
        json.dumps(json.dumps(MESSAGES)),
    ],
    ids=["json", "indented", "content first", "python", "python twice", "json twice"],
)
def test_a_text_of_messages_is_read_as_messages_in_every_format(tmp_path: Path, text: str) -> None:
    for file in (
        write_jsonl(tmp_path / "p.jsonl", [{"prompt": text}]),
        write(tmp_path / "p.csv", as_csv(text)),
    ):
        (prompt,) = prompts(read(file))
        assert [(turn.role, turn.content) for turn in prompt.messages] == READ
    (same,) = prompts(read(write_jsonl(tmp_path / "p.jsonl", [{"prompt": MESSAGES}])))
    assert same.id == prompt.id


def test_a_single_message_is_a_list_of_one(tmp_path: Path) -> None:
    for text in ('{"role": "user", "content": "Hi"}', "{'content': 'Hi', 'role': 'user'}"):
        assert texts(read(write_jsonl(tmp_path / "p.jsonl", [{"prompt": text}]))) == ["Hi"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (json.dumps(MESSAGES)[:-12], "cannot be read as JSON"),
        (str(MESSAGES)[:-1], "cannot be read as JSON"),
        ("[{'role': 'user', 'content': 'a'}\n {'role': 'user', 'content': 'b'}]", "cannot be read"),
        ("[HumanMessage(content='Hi'), AIMessage(content='Yes?')]", "cannot be read as JSON"),
        ('[{"from": "owner", "value": "Hi"}]', "`from` of message 1"),
        ('[{"role": "owner", "content": "Hi"}]', "the role of message 1"),
        ("[" + '{"role": "user", "content": ' + "[" * 100_000, "cannot be read as JSON"),
    ],
    ids=["cut", "cut literal", "numpy", "objects", "ShareGPT", "other role", "deep"],
)
def test_a_text_of_messages_that_cannot_be_read_is_a_named_skip(
    tmp_path: Path, text: str, says: str
) -> None:
    for file in (
        write_jsonl(tmp_path / "p.jsonl", [{"prompt": text}]),
        write(tmp_path / "p.csv", as_csv(text)),
    ):
        rows = read(file)
        assert len(skips(rows)) == 1
        assert says in only_skip(rows).detail


@pytest.mark.parametrize(
    "text",
    [
        '[{"role": "user", "content": "Hi"}] is a prompt in JSON. Explain it.',
        'Explain [{"role": "user", "content": "Hi"}]',
        '{"role": "admin", "name": "Ann"}',
        '[{"value": 3}, {"value": 4}]',
        "[{'value': 3}, broken",
        "[1, 2, 3]",
        '"quoted"',
        '{"from": "Vienna", "to": "Graz"}',
    ],
)
def test_a_text_about_data_stays_a_prompt(tmp_path: Path, text: str) -> None:
    for file in (
        write_jsonl(tmp_path / "p.jsonl", [{"prompt": text}]),
        write(tmp_path / "p.csv", as_csv(text)),
    ):
        assert texts(read(file)) == [text]
