"""LLaMA-Factory's rows with tools: calls are JSON under `function_call`, results `observation`."""

from __future__ import annotations

import json
from pathlib import Path

from judgeforge.results.export.export import export_pairs
from tests.support.hand_made import pair, run_folder
from tests.support.rich_pairs import TOOLS, tool_pair
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
