"""What docs/notebooks.md shows runs as it is written, cell after cell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

import judgeforge
from tests.local_server import LocalServer
from tests.support.run_setup import rows, write_config

PAGE = (Path(__file__).parents[2] / "docs" / "notebooks.md").read_text(encoding="utf-8")
CELLS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PROMPTS = 3


def run_cell(cell: str, names: dict[str, Any]) -> None:
    exec(compile(cell, "docs/notebooks.md", "exec"), names)  # noqa: S102 (our own documentation)


def test_the_cells_of_the_page_run_in_their_order_and_calls_are_paid_once(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, server, prompts=PROMPTS)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    first_run, from_memory, overridden, several_settings, table_of_judgments = CELLS
    run_cell(first_run, names)
    result, asked = names["result"], len(server.requests)
    assert isinstance(result, judgeforge.RunResult)
    assert (result.exit_code, asked) == (0, PROMPTS * 8)

    run_cell(several_settings, names)
    assert len(server.requests) == asked, "the settings that differ cost no call"
    kept = [len(rows(Path(f"runs/least-{least}/pairs.jsonl"))) for least in (0.6, 0.7, 0.8)]
    assert kept == sorted(kept, reverse=True)

    run_cell(table_of_judgments, names)
    best = {
        one.prompt_id: one.completion_ids[one.p_best.index(max(one.p_best))]
        for one in names["rankings"]
    }
    pairs = rows(Path("runs/first/pairs.jsonl"))
    assert {pair["prompt_id"]: pair["provenance"]["chosen_id"] for pair in pairs} == best

    pd = pytest.importorskip("pandas")
    names["table"] = pd.DataFrame({"prompt": ["one", "two"]})
    names["dataset"] = Dataset.from_pandas(names["table"])
    run_cell(from_memory, names)
    texts = ["Name a river.", "Name a hill."]
    for folder, given in (("texts", texts), ("table", ["one", "two"]), ("dataset", ["one", "two"])):
        written = rows(Path(f"runs/{folder}/given-prompts.jsonl"))
        assert [row["prompt"] for row in written] == given
        assert {
            row["prompt"][0]["content"] for row in rows(Path(f"runs/{folder}/pairs.jsonl"))
        } <= (set(given))

    run_cell(overridden, names)
    assert names["config"].budget.usd == 5.0
