"""Preference sets of others: both sides become answers to judge, whatever form they have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.records import Prompt
from tests.support.foreign_rows import (
    JUDGED,
    answers,
    only_prompt,
    only_skip,
    read_rows,
    said,
    write_rows,
)

USER = {"role": "user", "content": "Who wrote Faust?"}
GOOD, BAD = ({"role": "assistant", "content": text} for text in ("Goethe.", "Schiller."))
ASKED = [("user", "Who wrote Faust?")]
SIDES = [("chosen", "Goethe."), ("rejected", "Schiller.")]
HH = "\n\nHuman: Who wrote Faust?\n\nAssistant:"

LAYOUTS: dict[str, dict[str, Any]] = {
    "TRL, explicit prompt, texts": {
        "prompt": "Who wrote Faust?",
        "chosen": "Goethe.",
        "rejected": "Schiller.",
    },
    "TRL, explicit prompt, messages": {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
    "axolotl, one message a side": {"messages": [USER], "chosen": GOOD, "rejected": BAD},
    "TRL, implicit prompt": {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
    "UltraFeedback-binarized": {
        "prompt": "Who wrote Faust?",
        "prompt_id": "7b",
        "chosen": [USER, GOOD],
        "rejected": [USER, BAD],
        "messages": [USER, GOOD],
        "score_chosen": 8.5,
        "score_rejected": 6.0,
    },
    "HH": {"chosen": f"{HH} Goethe.", "rejected": f"{HH} Schiller."},
    "HH with a prompt": {"prompt": HH, "chosen": "Goethe.", "rejected": "Schiller."},
    "Orca": {"question": "Who wrote Faust?", "chosen": "Goethe.", "rejected": "Schiller."},
    "Alpaca with sides": {
        "instruction": "Who wrote Faust?",
        "input": "",
        "chosen": "Goethe.",
        "rejected": "Schiller.",
    },
    "ShareGPT with sides": {
        "conversations": [{"from": "human", "value": "Who wrote Faust?"}],
        "chosen": {"from": "gpt", "value": "Goethe."},
        "rejected": {"from": "gpt", "value": "Schiller."},
    },
    "hosted preference tuning": {
        "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [GOOD],
        "non_preferred_output": [BAD],
    },
    "argilla": {
        "instruction": "Who wrote Faust?",
        "chosen_response": "Goethe.",
        "rejected_response": "Schiller.",
    },
    "texts of lists": {
        "chosen": json.dumps([USER, GOOD]),
        "rejected": str([USER, BAD]),
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_as_the_same_prompt_and_sides(tmp_path: Path, layout: str) -> None:
    prompt = only_prompt(tmp_path, LAYOUTS[layout], JUDGED)
    assert (said(prompt), answers(prompt)) == (ASKED, SIDES)
    plain = only_prompt(tmp_path, LAYOUTS["TRL, implicit prompt"], JUDGED)
    assert prompt.id == plain.id


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "p.parquet", [LAYOUTS["UltraFeedback-binarized"]])
    rows, source = read_rows(file, JUDGED)
    assert isinstance(rows[0], Prompt)
    assert answers(rows[0]) == SIDES
    assert list(source.unused) == ["prompt_id", "messages", "score_chosen", "score_rejected"]
    table = tmp_path / "p.csv"
    table.write_text(f'prompt,chosen,rejected\nWho?,Goethe.,"{HH} x"\n', encoding="utf-8")
    rows, _ = read_rows(table, JUDGED)
    assert "one is a whole conversation and the other an answer alone" in str(rows[0])


def test_where_answers_are_sampled_a_prompt_is_read_as_ever(tmp_path: Path) -> None:
    row = LAYOUTS["TRL, explicit prompt, texts"]
    prompt = only_prompt(tmp_path, row)
    assert (said(prompt), answers(prompt)) == (ASKED, [])
    assert prompt.digest == only_prompt(tmp_path, {"prompt": row["prompt"]}).digest
    assert answers(only_prompt(tmp_path, row, shape="preference")) == SIDES


def test_completions_of_the_row_were_always_what_is_judged(tmp_path: Path) -> None:
    row = {**LAYOUTS["TRL, explicit prompt, texts"], "completions": ["a", "b"]}
    assert answers(only_prompt(tmp_path, row, JUDGED)) == [(None, "a"), (None, "b")]


def test_sides_may_have_other_names(tmp_path: Path) -> None:
    row = {"prompt": "Who wrote Faust?", "better": "Goethe.", "worse": "Schiller."}
    fields = {"chosen": "better", "rejected": "worse"}
    assert answers(only_prompt(tmp_path, row, JUDGED, fields=fields)) == SIDES
    assert answers(only_prompt(tmp_path, row, fields=fields)) == SIDES


def test_sides_can_be_switched_off(tmp_path: Path) -> None:
    skip = only_skip(
        tmp_path, LAYOUTS["TRL, explicit prompt, texts"], JUDGED, fields={"chosen": None}
    )
    assert skip.reason == "too_few_completions"


@pytest.mark.parametrize("column", ["{}_model", "{}-model", "model_{}"])
def test_who_wrote_a_side_is_kept(tmp_path: Path, column: str) -> None:
    row = LAYOUTS["HH"] | {column.format("chosen"): "gpt-4", column.format("rejected"): "llama"}
    prompt = only_prompt(tmp_path, row, JUDGED)
    assert [one.model for one in prompt.completions] == ["gpt-4", "llama"]


def test_thoughts_and_tool_calls_of_a_side_are_kept(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    row = {
        "prompt": [USER],
        "chosen": [{"role": "assistant", "content": None, "tool_calls": [call]}],
        "rejected": [BAD | {"reasoning_content": "I think so."}],
    }
    chosen, rejected = only_prompt(tmp_path, row, JUDGED).completions
    assert [each.name for each in chosen.tool_calls] == ["look"]
    assert rejected.reasoning == "I think so."


def test_tools_beside_the_messages_of_an_input_are_kept(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    row = LAYOUTS["hosted preference tuning"]
    prompt = only_prompt(tmp_path, {**row, "input": {**row["input"], "tools": [tool]}}, JUDGED)
    assert json.loads(prompt.tools or "")[0]["function"]["name"] == "look"


def test_swapped_sides_are_another_row(tmp_path: Path) -> None:
    row = LAYOUTS["TRL, explicit prompt, texts"]
    swapped = {**row, "chosen": row["rejected"], "rejected": row["chosen"]}
    one, other = (only_prompt(tmp_path, each, JUDGED) for each in (row, swapped))
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"chosen": "Goethe.", "rejected": "Schiller."}, "the row has no prompt"),
        ({"prompt": "Who?", "chosen": "x", "rejected": "x"}, "are the same, so"),
        ({"prompt": "Who?", "chosen": "x", "rejected": " "}, "must both have a text"),
        ({"prompt": "Who?", "chosen": 3, "rejected": "x"}, "must be a text or messages"),
        ({"prompt": "Who?", "chosen": ["a"], "rejected": ["b", "c"]}, "as `chosen.0` the first"),
        ({"prompt": "What?", "chosen": [USER, GOOD], "rejected": [USER, BAD]}, "is not what"),
        ({"chosen": [USER, GOOD], "rejected": [USER, GOOD, USER, BAD]}, "3 turns after"),
        ({"chosen": [USER, GOOD], "rejected": [USER]}, "2 turns after"),
        ({"question": "a", "context": "b", "chosen": "x", "rejected": "y"}, "could be `question`"),
        (
            {"chosen": "[{'role': 'user'} {'content': 'x'}]", "rejected": "y"},
            "cannot be read as JSON",
        ),
        ({"prompt": "Who?", "chosen": "x", "rejected": None, "completions": None}, "at least two"),
    ],
)
def test_what_cannot_be_judged_is_a_named_skip(
    tmp_path: Path, row: dict[str, Any], says: str
) -> None:
    assert says in only_skip(tmp_path, row, JUDGED).detail
