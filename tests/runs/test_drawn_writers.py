"""A run that draws writers and principles and adds to what rows bring, all as it was planned."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.support.run_setup import model, rows, run, write_config

SAMPLING: dict[str, Any] = {
    "pool": ["one", "two", "three"],
    "always": ["weak"],
    "completions": 3,
    "add_to_ready": 1,
    "principles": ["Be brief.", "Be kind."],
    "max_tokens": 64,
}
BROUGHT = {"completions": [{"text": "Ready made.", "model": "human"}]}


def drawing_config(folder: Path, server: LocalServer, **parts: Any) -> Path:
    lines: list[dict[str, Any]] = [
        {"id": f"p{n}", "prompt": f"Tell me fact number {n}."} for n in range(6)
    ]
    lines[5] |= BROUGHT
    (folder / "prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    writers = {name: model(server, model=name) for name in ("one", "two", "three", "weak")}
    return write_config(
        folder,
        server,
        **{
            "prompts": {"path": "prompts.jsonl"},
            "models": {"small": model(server), **writers},
            "sampling": SAMPLING,
            **parts,
        },
    )


def test_a_run_draws_what_was_planned_and_the_same_again(
    tmp_path: Path, server: LocalServer
) -> None:
    file = drawing_config(tmp_path, server)
    planned = plan_run(judgeforge.load_config(file))
    result = run(file, tmp_path / "out")
    assert (result.exit_code, result.manifest["totals"]["calls"]["paid"]) == (0, planned.calls)
    written = rows(tmp_path / "out" / "completions.jsonl")
    sampled = [row for row in written if row["finish"] != "given"]
    counts = Counter(row["model"] for row in sampled)
    assert counts["weak"] == 6, "in every prompt, also beside what a row brings"
    assert (
        max(counts[name] for name in SAMPLING["pool"])
        - min(counts[name] for name in SAMPLING["pool"])
        <= 1
    )
    assert {row["principle"] for row in sampled} == set(SAMPLING["principles"])
    last = [row for row in written if row["prompt_id"] == "p5"]
    assert [row["model"] for row in last] == ["human", "weak"]
    assert "principle" not in last[0]
    before = len(server.requests)
    again = run(file, tmp_path / "again")
    assert len(server.requests) == before, "the same draws are the same calls"
    assert (tmp_path / "again" / "pairs.jsonl").read_bytes() == (
        tmp_path / "out" / "pairs.jsonl"
    ).read_bytes()
    assert again.exit_code == 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert "always and a pool of 3" in card
    assert "each with one of 2 principles" in card


def test_check_knows_that_one_completion_of_a_row_is_enough_where_others_are_added(
    tmp_path: Path, server: LocalServer
) -> None:
    report = check_run(judgeforge.load_config(drawing_config(tmp_path, server)))
    assert (report.prompts, report.skips.total()) == (6, 0)
    without = SAMPLING | {"add_to_ready": 0}
    report = check_run(judgeforge.load_config(drawing_config(tmp_path, server, sampling=without)))
    assert (report.prompts, report.skips.total()) == (5, 1)


@pytest.mark.parametrize("key", ["pool", "always"])
def test_a_writer_that_no_model_has_is_named_with_its_line(
    tmp_path: Path, server: LocalServer, key: str
) -> None:
    names = {"pool": ["one", "two"], "always": ["weak"]} | {key: ["wun"]}
    file = drawing_config(tmp_path, server, sampling={"completions": 3, **names})
    with pytest.raises(ConfigError, match=r"there is no model `wun`") as refused:
        judgeforge.load_config(file)
    assert f"sampling.{key}[0]" in str(refused.value)
