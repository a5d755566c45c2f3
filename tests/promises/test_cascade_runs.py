"""Runs whose judges are learnt from the run, and asked only where the pair is in doubt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import StoreError
from judgeforge.results.explain import explain
from judgeforge.runs.record import RunRecord
from tests.local_server import LocalServer, faults
from tests.support.run_setup import model, rows, run, write_config, write_prompts


def tiers(server: LocalServer, folder: Path, *, cascade: Any = None, prompts: int = 12) -> Path:
    """A cheap judge on everything, a dear one where it is needed."""
    dear = model(server, model="big", price={"input_per_mtok": 10.0, "output_per_mtok": 40.0})
    judging: dict[str, Any] = {
        "judges": [{"model": "small"}, {"model": "big", "tier": 2}],
        "fit_prompts": 6,
    }
    if cascade is not None:
        judging["cascade"] = cascade
    models = {"small": model(server), "big": dear}
    return write_config(folder, server, prompts=prompts, models=models, judging=judging)


def manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text()))


def results(folder: Path) -> list[bytes]:
    names = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl")
    return [(folder / name).read_bytes() for name in names]


def test_the_second_tier_is_asked_less_than_everything(server: LocalServer, tmp_path: Path) -> None:
    config = tiers(server, tmp_path, cascade={"target_confidence": 0.8})
    result = run(config, tmp_path / "run")
    assert result.manifest["status"] == "complete"
    judging = result.manifest["judging"]
    assert judging["by_tier"]["1"] == 12 * 4
    assert judging["by_tier"]["2"] < 12 * 4
    assert judging["judgments"] < judging["asking_everybody"] == 12 * 4 * 2


@pytest.fixture(scope="module")
def without_a_cascade(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LocalServer, Path]]:
    """A server, and a project whose run has asked both judges everything."""
    project = tmp_path_factory.mktemp("without")
    with LocalServer() as server:
        assert run(tiers(server, project), project / "run").exit_code == 0
        yield server, project


def test_without_a_cascade_everybody_is_asked_everything(
    without_a_cascade: tuple[LocalServer, Path],
) -> None:
    judging = manifest(without_a_cascade[1] / "run")["judging"]
    assert judging["by_tier"] == {"1": 48, "2": 48}
    assert judging["saved_usd"] == 0.0


@pytest.mark.slow
def test_a_higher_target_asks_more(server: LocalServer, tmp_path: Path) -> None:
    asked = []
    for target in (0.6, 0.99):
        rules = {"target_confidence": target, "min_gain": 0.0}
        config = tiers(server, tmp_path, cascade=rules)
        made = run(config, tmp_path / f"run-{target}").manifest
        asked.append(made["judging"]["by_tier"]["2"])
    assert asked[0] < asked[1]


def test_limits_of_calls_and_money_hold_for_each_prompt(
    server: LocalServer, tmp_path: Path
) -> None:
    rules = {"target_confidence": 1.0, "min_gain": 0.0, "max_calls_per_completion": 1.5}
    run(tiers(server, tmp_path, cascade=rules), tmp_path / "calls")
    by_prompt: dict[str, int] = {}
    for row in rows(tmp_path / "calls" / "judgments.jsonl"):
        by_prompt[row["prompt_id"]] = by_prompt.get(row["prompt_id"], 0) + 1
    assert max(by_prompt.values()) <= 6

    rules = {"target_confidence": 1.0, "min_gain": 0.0, "max_usd_per_prompt": 0.0}
    none = run(tiers(server, tmp_path, cascade=rules), tmp_path / "money").manifest
    assert none["judging"]["by_tier"] == {"1": 48, "2": 0}


def test_the_fit_is_frozen_and_written_down(
    without_a_cascade: tuple[LocalServer, Path], tmp_path: Path
) -> None:
    here = shutil.copytree(without_a_cascade[1], tmp_path / "project")
    first = manifest(here / "run")
    assert first["reliability"]["source"] == "run"
    assert first["reliability"]["prompts"] == 6
    assert [judge["name"] for judge in first["reliability"]["judges"]] == ["big", "small"]
    pairs = (here / "run" / "pairs.jsonl").read_bytes()

    write_prompts(here, 15)
    grown = run(here / "config.yaml", here / "run").manifest
    assert grown["totals"]["prompts"] == 15
    assert grown["reliability"] == first["reliability"]
    assert (here / "run" / "pairs.jsonl").read_bytes().startswith(pairs)


@pytest.mark.slow
def test_results_do_not_depend_on_how_many_prompts_are_in_flight(
    server: LocalServer, tmp_path: Path
) -> None:
    made = []
    for number in (1, 16):
        config = tiers(server, tmp_path, cascade={"target_confidence": 0.9})
        text = config.read_text().replace("concurrency: 16", f"concurrency: {number}")
        config.write_text(text)
        run(config, tmp_path / f"run-{number}")
        made.append(results(tmp_path / f"run-{number}"))
    assert made[0] == made[1]


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["the journal is lost", "the disk fills behind the fit"])
def test_the_prompts_learnt_from_are_asked_the_same_when_they_are_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    with LocalServer(noise_sd=0.25) as server:
        config = tiers(server, tmp_path, cascade={"target_confidence": 0.9, "min_gain": 0.001})
        text = config.read_text().replace("fit_prompts: 6", "fit_prompts: 32")
        config.write_text(text)
        write_prompts(tmp_path, 36)
        run(config, tmp_path / "whole")
        sent, before, again = len(server.requests), results(tmp_path / "whole"), tmp_path / "whole"
        if stop == "the journal is lost":
            (again / "state" / "journal.bin").unlink()
        else:
            again = tmp_path / "again"
            with monkeypatch.context() as disk:
                disk.setattr(RunRecord, "finish", full_disk)
                assert run(config, again).exit_code == 74
            assert (again / "state" / "reliability.json").exists()
        assert run(config, again).exit_code == 0
        assert results(again) == before
        assert len(server.requests) == sent


def full_disk(record: RunRecord, position: int, outcome: object) -> None:
    raise StoreError("the disk is full")


def test_one_judge_asked_once_needs_no_fit(server: LocalServer, tmp_path: Path) -> None:
    made = run(write_config(tmp_path, server), tmp_path / "run").manifest
    assert made["reliability"]["source"] == "prior"


@pytest.mark.slow
def test_a_budget_that_ends_during_the_first_prompts_still_gives_their_pairs(
    server: LocalServer, tmp_path: Path
) -> None:
    config = tiers(server, tmp_path)
    text = config.read_text().replace("fit_prompts: 6", "fit_prompts: 64")
    config.write_text(text + f"cache: {{dir: {tmp_path / 'cache'}}}\n")
    whole = run(config, tmp_path / "whole").manifest
    cost = whole["totals"]["cost_usd"]
    shutil.rmtree(tmp_path / "cache")
    result = run(config, tmp_path / "run", budget_usd=0.6 * cost)
    assert result.manifest["status"] == "budget"
    assert 0 < result.manifest["totals"]["prompts"] < 12
    assert result.manifest["reliability"]["prompts"] == result.manifest["totals"]["prompts"]
    again = run(config, tmp_path / "run", budget_usd=100.0)
    assert again.manifest["totals"]["prompts"] == 12
    assert again.manifest["reliability"] == whole["reliability"]


def test_explain_says_what_each_judge_did_to_the_confidence(
    without_a_cascade: tuple[LocalServer, Path],
) -> None:
    folder = without_a_cascade[1] / "run"
    pair = rows(folder / "pairs.jsonl")[0]
    explained = explain(folder, pair["id"])
    assert [effect.judge for effect in explained.effects] == ["small", "big"]
    for effect in explained.effects:
        assert effect.judgments == 4
        assert effect.confidence_without is not None
        assert effect.confidence_without < pair["confidence"]


@pytest.mark.parametrize("prompts", [12, 6])
def test_first_prompts_that_all_fail_teach_nothing_and_take_no_other_with_them(
    server: LocalServer, tmp_path: Path, prompts: int
) -> None:
    firsts = [f"fact number {number}.".encode() for number in range(6)]
    server.faults.add(
        faults.status(413), when=lambda request: any(one in request.raw for one in firsts)
    )
    config = tiers(server, tmp_path, cascade={"target_confidence": 0.8}, prompts=prompts)
    made = run(config, tmp_path / "run").manifest
    assert made["totals"]["prompts"] == prompts
    skips = made["totals"]["skips"]
    assert skips["call_failed"] == 6
    assert made["totals"]["pairs"] + skips.get("tie", 0) == prompts - 6
    assert not (tmp_path / "run" / "state" / "reliability.json").exists()
