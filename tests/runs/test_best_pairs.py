"""The best pairs of a whole run are kept, also of one that is stopped and goes on, or grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.runs.planning.check import check_run
from tests.local_server import LocalServer
from tests.support.run_setup import rows, run, write_config

KEPT = 4


def best_config(folder: Path, server: LocalServer, **best: Any) -> Path:
    folder.mkdir(exist_ok=True)
    pairing = {"strategy": "max_margin_k", "pairs_per_prompt": 2}
    if best:
        pairing["best"] = best
    return write_config(folder, server, prompts=10, pairing=pairing)


def ids(folder: Path) -> set[str]:
    return {row["id"] for row in rows(folder / "pairs.jsonl")}


@pytest.mark.parametrize(
    ("by", "column"), [("confidence", "confidence"), ("margin", "score_margin")]
)
def test_the_best_of_all_pairs_are_kept_and_the_rest_is_named(
    tmp_path: Path, server: LocalServer, by: str, column: str
) -> None:
    run(best_config(tmp_path, server), tmp_path / "all")
    every = rows(tmp_path / "all" / "pairs.jsonl")
    assert len(every) > KEPT
    result = run(best_config(tmp_path, server, pairs=KEPT, by=by), tmp_path / "best")
    kept = rows(tmp_path / "best" / "pairs.jsonl")
    assert len(kept) == KEPT == result.manifest["totals"]["pairs"]
    assert sorted(row[column] for row in kept) == sorted(row[column] for row in every)[-KEPT:]
    skips = rows(tmp_path / "best" / "skips.jsonl")
    left_out = [row for row in skips if row["reason"] == "not_among_best"]
    assert len({row["prompt_id"] for row in kept}) + len(skips) == 10
    assert result.manifest["totals"]["skips"]["not_among_best"] == len(left_out) > 0
    assert f"the highest {by} of its pairs is 0." in left_out[0]["detail"]
    assert left_out[0]["prompt"][0]["content"].startswith("Tell me fact")
    assert result.exit_code == 0, "what is left out did not fail"
    card = (tmp_path / "best" / "README.md").read_text()
    assert f"best pairs: {KEPT}; by: {by}" in card


def test_a_run_that_was_stopped_or_grows_chooses_again_among_all(
    tmp_path: Path, server: LocalServer
) -> None:
    config = best_config(tmp_path, server, pairs=KEPT, by="margin")
    run(config, tmp_path / "whole")
    paid = len(server.requests)
    run(config, tmp_path / "parts", limit=3)
    first = ids(tmp_path / "parts")
    assert len(first) == KEPT, "of the prompts that are finished"
    result = run(config, tmp_path / "parts")
    assert ids(tmp_path / "parts") == ids(tmp_path / "whole") != first
    assert len(server.requests) == paid, "all calls are in the cache"
    assert result.exit_code == 0
    before = (tmp_path / "parts" / "pairs.jsonl").read_bytes()
    assert run(config, tmp_path / "parts").did_nothing
    assert (tmp_path / "parts" / "pairs.jsonl").read_bytes() == before
    (tmp_path / "parts" / "pairs.jsonl").unlink()
    run(config, tmp_path / "parts")
    assert (tmp_path / "parts" / "pairs.jsonl").read_bytes() == before, "made from the journal"


def test_check_says_where_nothing_can_be_left_out(tmp_path: Path, server: LocalServer) -> None:
    def warnings(pairs: int) -> list[str]:
        report = check_run(judgeforge.load_config(best_config(tmp_path, server, pairs=pairs)))
        return [one for one in report.warnings if one.startswith("pairing.best")]

    assert warnings(19) == []
    assert warnings(20) == [
        "pairing.best keeps 20 pairs, and 10 prompts make at most 20, so none is left out"
    ]
