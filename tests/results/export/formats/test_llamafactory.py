"""LLaMA-Factory's rows with tools: calls are JSON under `function_call`, results `observation`."""

from __future__ import annotations

import json
from pathlib import Path

from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.targets import ExportOptions
from judgeforge.text.messages import Message
from tests.support.hand_made import pair, run_folder
from tests.support.rich_pairs import TOOLS, calling, tool_pair
from tests.support.run_setup import rows


def test_calls_and_results_have_speakers_of_their_own(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", [tool_pair(), pair("p1")])
    export_pairs(folder, target="llamafactory", to=tmp_path / "out")
    first, second = rows(tmp_path / "out" / "train.jsonl")
    assert [turn["from"] for turn in first["conversations"]] == [
        "human",
        "function_call",
        "observation",
    ]
    calls = [{"name": "weather", "arguments": {"place": "Linz"}}]
    assert first["chosen"] == {"from": "function_call", "value": json.dumps(calls)}
    assert (first["tools"], second["tools"]) == (TOOLS, "")
    entries = json.loads((tmp_path / "out" / "dataset_info.json").read_text(encoding="utf-8"))
    assert entries["judgeforge_train"]["columns"]["tools"] == "tools"


def test_without_tools_there_is_no_such_column(tmp_path: Path) -> None:
    export_pairs(
        run_folder(tmp_path / "run", [pair("p1")]), target="llamafactory", to=tmp_path / "out"
    )
    assert "tools" not in rows(tmp_path / "out" / "train.jsonl")[0]
    entries = json.loads((tmp_path / "out" / "dataset_info.json").read_text(encoding="utf-8"))
    assert "tools" not in entries["judgeforge_train"]["columns"]


def test_results_of_several_calls_are_one_turn_since_its_reader_skips_a_row_with_two(
    tmp_path: Path,
) -> None:
    made = tool_pair()
    both = (*made.prompt, Message(role="tool", content="19 degrees", tool_call_id="call_2"))
    folder = run_folder(tmp_path / "run", [made.model_copy(update={"prompt": both})])
    export_pairs(folder, target="llamafactory", to=tmp_path / "out")
    (row,) = rows(tmp_path / "out" / "train.jsonl")
    assert [turn["from"] for turn in row["conversations"]][-1] == "observation"
    assert row["conversations"][-1]["value"] == (
        "21 degrees\n</tool_response>\n<tool_response>\n19 degrees"
    )


def test_words_and_thoughts_stand_before_the_calls(tmp_path: Path) -> None:
    """In the tags in which its FunctionFormatter looks for calls."""
    answer = calling("Linz", reasoning_content="Linz is missing.")
    said = answer.model_copy(update={"content": "I look.", "reasoning_content": None})
    made = tool_pair().model_copy(update={"chosen": (answer,), "rejected": (said,)})
    folder, options = run_folder(tmp_path / "run", [made]), ExportOptions(thinking="inline")
    export_pairs(folder, target="llamafactory", to=tmp_path / "out", options=options)
    (row,) = rows(tmp_path / "out" / "train.jsonl")
    calls = json.dumps([{"name": "weather", "arguments": {"place": "Linz"}}])
    thought = "<think>\nLinz is missing.\n</think>"
    assert row["chosen"]["value"] == f"{thought}\n\n<tool_call>{calls}</tool_call>"
    assert row["rejected"]["value"] == f"I look.\n\n<tool_call>{calls}</tool_call>"
