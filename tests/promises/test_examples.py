"""The scripts under examples/ run as they are, without a network, and give what they promise."""

from __future__ import annotations

import asyncio
import inspect
import json
import runpy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from examples import calibrated_pairs, cascade_compare, own_criteria, verl_reward
from judgeforge.results.export.arrow import COLUMNS
from tests.local_server import LocalServer
from tests.support.run_setup import write_config

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EXAMPLE_SERVER_URL", raising=False)
    return tmp_path


@pytest.mark.slow
def test_the_pairs_of_a_calibrated_run_keep_the_promise(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrated_pairs, "LABELS", 40)
    monkeypatch.setattr(calibrated_pairs, "PROMPTS", 30)
    calibrated_pairs.main()
    shown = capsys.readouterr().out.splitlines()
    assert any("McNemar" in line for line in shown)
    every, expected, certified = (
        [float(part) for part in line.replace("%", "").split()[-2:]] for line in shown[-3:]
    )
    assert every[0] == 100.0
    assert 0.0 < expected[0] < 100.0
    assert certified[0] < 100.0
    assert expected[1] <= every[1]


def test_criteria_of_prompts_own_are_written_judged_and_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_criteria, "LABELS", 24)
    own_criteria.main()
    shown = capsys.readouterr().out
    assert "2 rows of 3 bring criteria of their own" in shown
    assert "The prompt's own criteria, written by strong" in shown
    assert "each criterion against the labels" in shown
    assert "24 labels with a preference" in shown


def test_the_research_script_ranks_judgments_of_its_own(
    capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    run_example("research_script.py")
    shown = capsys.readouterr().out
    one, three = (line for line in shown.splitlines() if "rater(s)" in line)
    assert one.startswith("1 rater(s): 0 pairs")
    assert three.startswith("3 rater(s): 3 pairs")
    assert "'11' over '15'" in shown
    assert "no pair: tie" in shown
    assert list(elsewhere.iterdir()) == []


def test_the_notebook_runs_on_checks_alone(elsewhere: Path) -> None:
    names = run_example("notebook_style.py")
    pairs = names["pairs"]
    assert isinstance(pairs, Dataset)
    assert pairs.column_names == list(COLUMNS)
    assert [row["chosen"][0]["content"] for row in pairs] == [
        "Good coffee, good morning.",
        "Good coffee, good morning.",
        '{"name": "apple"}',
    ]
    assert [skip.prompt_id for skip in names["result"].skips] == ["tie"]
    assert names["result"].manifest["totals"]["calls"] == {"paid": 0, "cached": 0}
    saved = elsewhere / "runs" / "notebook" / "checked" / "pairs.jsonl"
    assert pairs.to_list() == [json.loads(line) for line in saved.read_text().splitlines()]


def test_the_notebook_runs_inside_an_event_loop_and_again() -> None:
    async def in_a_loop() -> tuple[dict[str, Any], dict[str, Any]]:
        return run_example("notebook_style.py"), run_example("notebook_style.py")

    first, second = asyncio.run(in_a_loop())
    assert second["result"].did_nothing
    assert first["pairs"].to_list() == second["pairs"].to_list()


def test_the_notebook_asks_a_server_where_one_is_named(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMPLE_SERVER_URL", server.openai_url)
    monkeypatch.setenv("EXAMPLE_MODEL", "small")
    names = run_example("notebook_style.py")
    assert names["result"].exit_code == 0
    assert len(server.calls(kind="judge")) == 7
    assert {"small"} <= {call.model for call in server.calls()}
    assert len(names["pairs"]) >= 3
    assert all(row["provenance"]["calls"] for row in names["pairs"])


@pytest.mark.slow
def test_the_cascade_is_compared_with_asking_everybody(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cascade_compare.main(100, tmp_path / "cascade.md")
    shown = capsys.readouterr().out.splitlines()[1:]
    cheap, everybody, cascade = (int(line.split("%")[2].split()[0]) for line in shown)
    assert (cheap, everybody) == (400, 2000)
    assert cheap < cascade < 0.75 * everybody, "32 of the 100 prompts measure all judges"
    table = (tmp_path / "cascade.md").read_text(encoding="utf-8")
    for line in shown:
        name, right = line[:26].strip(), line[26:34].strip()
        assert f"| {name} | {right} ± " in table


def test_verl_is_given_a_score_for_each_answer_in_both_of_its_forms(
    server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("JUDGEFORGE_CONFIG", str(write_config(tmp_path, server, prompts=1)))
    run_example("verl_reward.py")
    together, alone = capsys.readouterr().out.splitlines()
    scores = json.loads(together.removeprefix("together: "))
    assert len(scores) == 2
    assert all(0 <= one <= 1 for one in (*scores, float(alone.removeprefix("alone: "))))


def test_verl_asks_for_many_answers_at_once_each_alone(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the reward managers of verl 0.9 do: by name, with what they add to `extra_info`."""
    monkeypatch.setenv("JUDGEFORGE_CONFIG", str(write_config(tmp_path, server, prompts=1)))
    monkeypatch.setenv("JUDGEFORGE_OUT", str(tmp_path / "verl"))
    verl_reward._one_by_one.cache_clear()
    extra: dict[str, Any] = {
        "question": "Why is the sky blue?",
        "num_turns": None,
        "rollout_reward_scores": {},
    }

    async def asked() -> list[float]:
        said = [f"[quality=0.{level}] It is." for level in (2, 9, 5)]
        every = [
            partial(verl_reward.compute_score, reward_router_address=None)(
                data_source="demo", solution_str=text, ground_truth=None, extra_info=dict(extra)
            )
            for text in said
        ]
        return await asyncio.gather(*every)

    try:
        worst, best, middle = asyncio.run(asked())
    finally:
        verl_reward._one_by_one().close()
        verl_reward._one_by_one.cache_clear()
    assert 0 <= worst < middle < best <= 1


def test_verl_can_call_what_the_example_defines() -> None:
    """By these names of arguments: `compute_score_batched` for versions before 0.9."""
    of_batch = inspect.signature(verl_reward.compute_score_batched).parameters
    assert list(of_batch)[:4] == ["data_sources", "solution_strs", "ground_truths", "extra_infos"]
    of_one = inspect.signature(verl_reward.compute_score).parameters
    assert list(of_one)[:4] == ["data_source", "solution_str", "ground_truth", "extra_info"]
    assert inspect.iscoroutinefunction(verl_reward.compute_score)
