"""The judging benchmark reads any folder of recorded judges and measures what it says."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import judging_scores, judging_verdicts
from benchmarks.judging_data import PAIRS, SCORES, VERDICTS, ScoredItem, load_scores, load_verdicts
from benchmarks.judging_replay import Plan, Replay, judge_with_cascade, run, share_right
from benchmarks.judging_report import Measure, Target, as_markdown, mean_interval
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.ranking.rules import CascadeRules

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "judging.py"


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    with gzip.open(folder / name, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def score_rows(items: int) -> list[dict[str, Any]]:
    draw = np.random.default_rng(1)
    rows = []
    for n in range(items):
        quality = np.array([7.0, 4.0, 4.0, 3.0]) + draw.normal(0, 1, 4)
        for judge in judging_scores.JUDGES:
            opinion = quality + draw.normal(0, 0.7, 4)
            scores = np.clip(np.rint(opinion[:, None] + draw.normal(0, 0.7, (4, 8))), 1, 10)
            rows.append(
                {
                    "item_id": f"i{n}",
                    "subset": "Math",
                    "judge": judge,
                    "prompt_variant": "criteria",
                    "temperature": 1.0,
                    "gold_index": 0,
                    "scores": [[int(one) for one in samples] for samples in scores],
                }
            )
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, SCORES, score_rows(80))
    pairs = [
        {"item_id": f"p{n}", "dataset": "llmbar", "subset": "manual", "gold": "ab"[n % 2]}
        | {"prompt": f"Question {n}?", "a": "One answer.", "b": "Another answer."}
        for n in range(40)
    ]
    write(tmp_path, PAIRS, pairs)
    verdicts = [
        {
            "item_id": pair["item_id"],
            "judge": judge,
            "strategy": strategy,
            "presented": shown,
            "verdict": pair["gold"] if judge == "reads" else shown[0],
        }
        for pair in pairs
        for judge in ("reads", "sits-1", "sits-2")
        for strategy in judging_verdicts.TARGETS
        for shown in ("ab", "ba")
    ]
    write(tmp_path, VERDICTS, verdicts)
    return tmp_path


def test_a_folder_without_data_ends_with_what_to_do(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "--data FOLDER" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_the_script_writes_the_table_where_it_is_asked_to(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "found.json"
    arguments = ["--data", str(folder), "--draws", "1", "--json", str(out)]
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "| measure | found | 95 % interval |" in ended.stdout
    found = json.loads(out.read_text())
    assert {"command", "machine", "measures"} <= found.keys()
    assert str(folder) not in out.read_text()


def test_verdicts_are_turned_to_the_sides_as_shown(folder: Path) -> None:
    pair = load_verdicts(folder, "llmbar", "cot")[1]
    read = {
        one.completion_ids[0][-1]: one.verdict for one in pair.judgments if one.judge == "reads"
    }
    assert pair.better == "p1.b"
    assert read == {"a": "b", "b": "a"}
    assert {one.verdict for one in pair.judgments if one.judge == "sits-1"} == {"a"}


def test_judges_that_sit_do_not_outvote_the_one_that_reads(folder: Path) -> None:
    assert [row.found for row in judging_verdicts.measure(folder)] == [100.0, 100.0]


def item(scores: list[list[float]], judge: str = "j") -> ScoredItem:
    return ScoredItem("i", 0, {judge: np.array(scores)})


def test_places_are_shuffled_so_that_no_place_is_right_more_often() -> None:
    draw = np.random.default_rng(0)
    replays = [Replay(item([[1.0], [0.0], [0.0], [0.0]]), draw) for _ in range(400)]
    places = [replay.names.index(replay.right) for replay in replays]
    assert np.bincount(places, minlength=4).min() > 60
    assert all(replay.ask("j", p).score == 1.0 for replay, p in zip(replays, places, strict=True))


def test_a_tie_for_the_best_is_shared() -> None:
    tie = Ranking(
        prompt_id="i",
        completion_ids=("a", "b"),
        scores=(0.5, 0.5),
        covariance=(),
        p_best=(0.5, 0.5),
    )
    assert share_right(tie, "a") == share_right(tie, "b") == 0.5


def test_a_recorded_answer_without_a_score_is_a_paid_call_without_a_judgment() -> None:
    unread = item([[np.nan, np.nan], [0.5, 0.5]])
    plan = Plan(("j",), 2, CascadeRules(target_confidence=0.99, min_gain=0.0))
    judgments = judge_with_cascade(Replay(unread, np.random.default_rng(0)), plan, PRIOR)
    assert len(judgments) == 4
    assert sum(one.missing is not None for one in judgments) == 2


@pytest.mark.slow
def test_a_cascade_is_as_good_as_the_panel_for_fewer_calls(folder: Path) -> None:
    items = load_scores(folder, "criteria", judging_scores.JUDGES)
    panel = run(items, 0, judging_scores.everybody(judging_scores.JUDGES))
    cheap = run(items, 0, judging_scores.cascade(judging_scores.ONCE))
    assert panel.calls.mean() == 4.0
    assert cheap.calls.mean() < 2.5
    assert cheap.correct.mean() > panel.correct.mean() - 0.05


def test_a_run_is_the_same_for_the_same_seed(folder: Path) -> None:
    items = load_scores(folder, "criteria", judging_scores.JUDGES)[:10]
    one, other = (run(items, 3, judging_scores.cascade(judging_scores.ONCE)) for _ in range(2))
    assert (one.confidence == other.confidence).all()


def test_calibration_error_is_the_gap_between_belief_and_truth() -> None:
    sure = np.full(100, 0.9)
    assert judging_scores.expected_calibration_error(sure, np.ones(100)) == pytest.approx(0.1)
    right = np.tile([1.0] * 9 + [0.0], 10)
    assert judging_scores.expected_calibration_error(sure, right) == pytest.approx(0.0)


def test_the_table_says_what_is_missed() -> None:
    rows = [
        Measure("good", 90.0, (89.0, 91.0), Target(least=80.0)),
        Measure("bad", 3.0, None, Target(most=2.0), note="because"),
    ]
    about = {
        "command": "c",
        "machine": {"date": "d", "cpu": "x", "cores": 1, "load": 0, "python": "3", "packages": {}},
        "seconds": 1.0,
        "cpu_seconds": 1.0,
        "method": (),
    }
    text = as_markdown(rows, about)
    assert "| good | 90 | 89 to 91 | >= 80 | yes |  |" in text
    assert "| bad | 3 |  | <= 2 | **no** |  |" in text
    assert "- bad: because" in text


def test_an_interval_narrows_with_the_root_of_the_number() -> None:
    few, many = (mean_interval(np.tile([0.0, 1.0], n)) for n in (50, 200))
    assert few[0] == many[0] == 0.5
    assert (few[2] - few[1]) / (many[2] - many[1]) == pytest.approx(2.0, rel=0.02)
