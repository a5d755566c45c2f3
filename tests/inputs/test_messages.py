"""A text that is a list of messages is read as one, or named, in every format alike."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.noticed import Noticed
from judgeforge.inputs.reading import read_prompts
from judgeforge.records import Skip
from tests.support.input_files import (
    NO_LIMITS,
    only_skip,
    prompts,
    read,
    skips,
    texts,
    write,
    write_jsonl,
)

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
        json.dumps(json.dumps(json.dumps(MESSAGES))),
        f"\ufeff{json.dumps(MESSAGES)}\u200b",
        f"array({MESSAGES}, dtype=object)",
        str(tuple(MESSAGES)),
        json.dumps({"messages": MESSAGES}),
        str({"conversations": MESSAGES}),
        json.dumps([json.dumps(message) for message in MESSAGES]),
        "\n".join(json.dumps(message) for message in MESSAGES),
        json.dumps([{**message, "name": float("nan")} for message in MESSAGES]),
        str([{**message, "name": None} for message in MESSAGES]),
        str([(message["role"], message["content"]) for message in MESSAGES]),
        json.dumps([[message["role"], message["content"]] for message in MESSAGES]),
    ],
    ids=[
        "json",
        "indented",
        "content first",
        "python",
        "python twice",
        "json twice",
        "three times",
        "marks",
        "numpy",
        "tuple",
        "object",
        "python object",
        "texts",
        "lines",
        "NaN",
        "None",
        "pairs",
        "pairs as json",
    ],
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
        ("[{role: 'user', content: 'Hi'}]", "cannot be read as JSON"),
        (
            "[{\u201crole\u201d: \u201cuser\u201d, \u201ccontent\u201d: \u201cHi\u201d}]",
            "cannot be read",
        ),
        ("[OrderedDict([('role', 'user'), ('content', 'Hi')])]", "cannot be read as JSON"),
        ("[{'role': 'user', 'content': 'a', 'name': nan}]", "cannot be read as JSON"),
        ('[{"Role": "user", "Content": "Hi"}]', "keys are not `role` and `content`"),
        ('[{"role": "user", "parts": [{"text": "Hi"}]}]', "the content of message 1"),
        ('[{""role"": ""user"", ""content"": ""Hi""}]', "cannot be read as JSON"),
        ("[HumanMessage(content='Hi'), AIMessage(content='Yes?')]", "cannot be read as JSON"),
        ('[{"from": "owner", "value": "Hi"}]', "`from` of message 1"),
        ('[{"role": "owner", "content": "Hi"}]', "the role of message 1"),
        ("[" + '{"role": "user", "content": ' + "[" * 100_000, "cannot be read as JSON"),
    ],
    ids=[
        "cut",
        "cut literal",
        "numpy",
        "JavaScript",
        "curly",
        "OrderedDict",
        "nan",
        "upper case",
        "Gemini",
        "doubled",
        "objects",
        "ShareGPT",
        "other role",
        "deep",
    ],
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


def test_a_text_of_parts_is_read_as_parts(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Name two"}, {"type": "text", "text": " rivers."}]
    for prompt in (
        json.dumps(parts),
        str(parts),
        [{"role": "user", "content": json.dumps(parts)}],
        json.dumps([{"role": "user", "content": str(parts)}]),
    ):
        (read_as,) = prompts(read(write_jsonl(tmp_path / "p.jsonl", [{"prompt": prompt}])))
        assert [part["text"] for part in read_as.model_dump()["messages"][0]["content"]] == [
            "Name two",
            " rivers.",
        ]


@pytest.mark.parametrize(
    "text",
    [
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]",
        "<bos><start_of_turn>user\nHi<end_of_turn>\n",
        "<\uff5cbegin\u2581of\u2581sentence\uff5c><\uff5cUser\uff5c>Hi<\uff5cAssistant\uff5c>",
        "<|user|>\nHi<|end|>\n<|assistant|>\n",
        "<|prompter|>Hi<|endoftext|><|assistant|>",
    ],
)
def test_what_a_chat_template_made_of_messages_is_a_named_skip(tmp_path: Path, text: str) -> None:
    about = {"prompt": f"What does {text} mean?"}
    as_it_stands = {"prompt": [{"role": "user", "content": text}]}
    sides = {"prompt": text, "chosen": "Yes.", "rejected": "No."}
    rows = read(write_jsonl(tmp_path / "p.jsonl", [{"prompt": text}, about, as_it_stands, sides]))
    refused = [row.detail for row in rows if isinstance(row, Skip)]
    assert ["the marks of a chat template" in detail for detail in refused] == [True, True]
    assert texts(rows) == [about["prompt"], text]


@pytest.mark.parametrize("gap", ["", "\n"])
def test_turns_between_the_marks_of_helpsteer_are_a_conversation(tmp_path: Path, gap: str) -> None:
    text = f"Hi{gap}<extra_id_1>Assistant\nYes?{gap}<extra_id_1>User\nWho wrote\nFaust?"
    about = "What is <extra_id_1> for T5?"
    sides = {"chosen": "Goethe.", "rejected": "Schiller."}
    rows = [{"prompt": text}, {"prompt": about}, {"prompt": f"{text} Why?", **sides}]
    marked, plain, judged = prompts(read(write_jsonl(tmp_path / "p.jsonl", rows)))
    turns = [("user", "Hi"), ("assistant", "Yes?"), ("user", "Who wrote\nFaust?")]
    assert [(turn.role, turn.content) for turn in marked.messages] == turns
    assert [(turn.role, turn.content) for turn in plain.messages] == [("user", about)]
    assert [turn.role for turn in judged.messages] == [role for role, _ in turns]
    whole = f"<extra_id_0>System\nBe brief.\n<extra_id_1>User\n{text}\n<extra_id_1>Assistant\n"
    (made_by_a_template,) = read(write_jsonl(tmp_path / "q.jsonl", [{"prompt": whole}]))
    assert "the marks of a chat template" in made_by_a_template.detail


@pytest.mark.parametrize("content", ["", " \n", None, []])
@pytest.mark.parametrize("role", ["system", "developer"])
def test_an_empty_system_message_is_left_out_and_told(
    tmp_path: Path, role: str, content: object
) -> None:
    row = {"prompt": [{"role": role, "content": content, "name": None}, MESSAGES[1]]}
    config = PromptsConfig(path=write_jsonl(tmp_path / "p.jsonl", [row]))
    noticed = Noticed()
    (prompt,) = prompts(read_prompts(config, NO_LIMITS, noticed=noticed))
    assert [(turn.role, turn.content) for turn in prompt.messages] == READ[1:]
    assert noticed.losses() == ["1 empty system message left out"]
    (plain,) = prompts(read(write_jsonl(tmp_path / "q.jsonl", [{"prompt": [MESSAGES[1]]}])))
    assert prompt.digest == plain.digest


def test_a_system_message_alone_and_one_further_down_stay_mistakes(tmp_path: Path) -> None:
    empty = {"role": "system", "content": ""}
    rows = [{"prompt": [empty]}, {"prompt": [MESSAGES[1], empty]}]
    assert skips(read(write_jsonl(tmp_path / "p.jsonl", rows))) == [
        (1, "empty_prompt"),
        (2, "empty_prompt"),
    ]


def test_parts_of_the_responses_api_are_texts(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Yes?"}]},
        {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
    ]
    (prompt,) = prompts(read(write_jsonl(tmp_path / "p.jsonl", [{"prompt": turns}])))
    assert [turn.text for turn in prompt.messages] == ["Hi", "Yes?", "Why?"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps({"model": "m", "messages": MESSAGES, "tools": []}), "give the messages alone"),
        (json.dumps([{"speaker": "user", "text": "Hi."}]), "are not `role` and `content`"),
        (json.dumps([{"role": "user", "text": "Hi."}]), "are not `role` and `content`"),
        (json.dumps([{"type": "human", "data": {"content": "Hi."}}]), "are not `role` and `cont"),
        ("content='Hi.' additional_kwargs={} response_metadata={}", "cannot be read as JSON"),
        ("messages=[HumanMessage(content='Hi.')]", "cannot be read as JSON"),
        *((written, f"is `{written}`, which a table") for written in ("nan", "None", "null")),
        ("[object Object],[object Object]", "which a table or a program writes"),
    ],
)
def test_what_a_program_printed_of_messages_is_never_sent_as_words(
    tmp_path: Path, text: str, said: str
) -> None:
    for file in (
        write_jsonl(tmp_path / "rows.jsonl", [{"prompt": text}]),
        write(tmp_path / "rows.csv", as_csv(text)),
    ):
        assert said in only_skip(read(file)).detail


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"messages": "none", "model": "m"}),
        json.dumps([{"user": 1, "role_of": "user", "a": 1, "b": 2}]),
        json.dumps([{"name": "user"}, {"name": "Ann"}]),
        "content=5 is what the log says",
        "What does nan mean?",
        "nan nan",
    ],
)
def test_what_only_looks_like_it_is_a_prompt(tmp_path: Path, text: str) -> None:
    assert texts(read(write_jsonl(tmp_path / "rows.jsonl", [{"prompt": text}]))) == [text]
