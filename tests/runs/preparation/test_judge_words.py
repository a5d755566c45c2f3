"""Judges in the user's words: what they say is part of a run, where they stand is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.plan import plan_run
from judgeforge.runs.preparation.preparation import prepare
from tests.local_server import LocalServer
from tests.support.run_setup import rows, run, write_config

USER = "{{ conversation }}\n{{ reference }}\n{{ answers }}"


def project(folder: Path, server: LocalServer, **judge: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "user.txt").write_text(USER)
    labelled = [
        {"prompt": f"Q{n}?", "a": f"yes {n}", "b": f"no {n}", "label": "ab"[n % 2]}
        for n in range(6)
    ]
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labelled))
    judging = {"judges": [{"model": "small", **judge}], "fit_repeats": 0}
    return write_config(folder, server, prompts=2, judging=judging)


def test_a_moved_project_goes_on_and_another_text_is_another_run(tmp_path: Path) -> None:
    with LocalServer() as server:
        words = {
            "prompt": {"user": "user.txt"},
            "examples": {"labels": "labels.jsonl", "number": 2},
        }
        first = project(tmp_path / "one", server, **words)
        assert run(first, tmp_path / "out").exit_code == 0
        shutil.move(tmp_path / "one", tmp_path / "two")
        moved = tmp_path / "two" / "config.yaml"
        assert run(moved, tmp_path / "out").did_nothing
        (tmp_path / "two" / "user.txt").write_text(f"Now: {USER}")
        with pytest.raises(ConfigError, match="made with another configuration"):
            run(moved, tmp_path / "out")


def test_a_judge_of_the_house_alone_has_the_identity_that_it_always_had(tmp_path: Path) -> None:
    with LocalServer() as server:
        prepared = prepare(judgeforge.load_config(project(tmp_path, server)))
    (judge,) = prepared.identity["judging"]["judges"]
    assert not {"prompt", "examples", "commit_first"} & judge.keys()
    assert prepared.own_prompts == {}
    assert "per_prompt" not in prepared.identity["rubric"]


def test_an_answer_of_the_judges_own_is_priced_and_paid_once_a_prompt(tmp_path: Path) -> None:
    with LocalServer() as server:
        config = project(tmp_path, server, commit_first=True)
        plan = plan_run(judgeforge.load_config(config), out=tmp_path / "out")
        result = run(config, tmp_path / "out")
        assert result.manifest["totals"]["calls"]["paid"] == plan.calls == 2 * (4 + 4 + 1)
    pair = rows(tmp_path / "out" / "pairs.jsonl")[0]
    judged = [
        row
        for row in rows(tmp_path / "out" / "judgments.jsonl")
        if row["id"] in pair["provenance"]["judgment_ids"]
    ]
    (own,) = {tuple(row["own_answer"]) for row in judged}
    assert own[0] in pair["provenance"]["calls"]
    answers = {row["id"]: row for row in rows(tmp_path / "out" / "completions.jsonl")}
    sides = sum(
        answers[pair["provenance"][f"{side}_id"]]["cost_usd"] for side in ("chosen", "rejected")
    )
    expected = sides + sum(row["cost_usd"] for row in judged) + own[1]
    assert pair["provenance"]["cost_usd"] == pytest.approx(expected)


def test_examples_are_the_same_in_all_calls_and_put_each_seat_first_in_turn(
    tmp_path: Path,
) -> None:
    with LocalServer() as server:
        words = {"examples": {"labels": "labels.jsonl", "number": 4}}
        prepared = prepare(judgeforge.load_config(project(tmp_path, server, **words)))
    text = prepared.own_prompts["small"].examples
    assert text.count("People prefer answer A.") == text.count("People prefer answer B.") == 2
    assert len(prepared.own_prompts["small"].shown) == 4
