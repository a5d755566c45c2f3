"""A prompt whose pair is in doubt gets a further completion, where that serves the model most."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.planning.plan import plan_run
from judgeforge.runs.preparation.identity import identity
from judgeforge.runs.preparation.preparation import prepare
from tests.local_server import LocalServer
from tests.promises.test_cascade_runs import results
from tests.support.fake_asks import make_completion, make_prompt
from tests.support.run_setup import model, rows, run, write_config

PROMPTS, FIRST, MORE = 24, 6, 2
JUDGING = {
    "judges": [{"model": "judge"}],
    "aim": "training",
    "cascade": {},
    "fit_prompts": FIRST,
    "fit_repeats": 0,
    "training_value": {"point_wrong": 20.0},
}
SAMPLING = {
    "models": ["writer"],
    "completions": 2,
    "seed": 7,
    "max_tokens": 64,
    "more_in_doubt": MORE,
}


def config_of(server: LocalServer, folder: Path, prompts: int = PROMPTS, **parts: Any) -> Path:
    return write_config(
        folder,
        server,
        prompts=prompts,
        models={name: model(server, **parts.pop(name, {})) for name in ("writer", "judge")},
        judging=JUDGING | parts.pop("judging", {}),
        sampling=SAMPLING | parts.pop("sampling", {}),
        **parts,
    )


def sizes(out: Path) -> Counter[int]:
    """How many prompts have so many completions."""
    return Counter(Counter(row["prompt_id"] for row in rows(out / "completions.jsonl")).values())


def test_prompts_in_doubt_get_more_and_a_run_that_was_stopped_asks_and_finds_the_same(
    server: LocalServer, tmp_path: Path
) -> None:
    config = config_of(server, tmp_path)
    plan = plan_run(judgeforge.load_config(config))
    run(config, tmp_path / "whole")
    found = sizes(tmp_path / "whole")
    assert set(found) == {2, 3, 4}
    assert len(server.calls()) == sum(size * number for size, number in found.items()) * 2
    assert PROMPTS * 2 * 2 < plan.calls < plan.calls_high == PROMPTS * 4 * 2
    assert any("more_in_doubt" in note for note in plan.notes)
    judged = {row["completion_ids"][0] for row in rows(tmp_path / "whole" / "judgments.jsonl")}
    assert judged == {row["id"] for row in rows(tmp_path / "whole" / "completions.jsonl")}
    for limit in (4, 9, None):
        run(config, tmp_path / "parts", limit=limit)
    assert results(tmp_path / "parts") == results(tmp_path / "whole")


@pytest.mark.slow
def test_what_others_have_judged_of_further_ones_counts_in_a_fresh_folder(
    server: LocalServer, tmp_path: Path
) -> None:
    config = config_of(server, tmp_path)
    run(config, tmp_path / "first")
    completions = rows(tmp_path / "first" / "completions.jsonl")
    further = [row for row in completions if row["index"] >= SAMPLING["completions"]]
    said = [
        {"prompt_id": row["prompt_id"], "completions": [row["id"]], "judge": "human:ana"}
        | {"score": 0.5}
        for row in further
    ]
    text = "".join(json.dumps(row) + "\n" for row in said)
    (tmp_path / "said.jsonl").write_text(text, encoding="utf-8")
    config_of(server, tmp_path, judging={"judgments": "said.jsonl"})
    run(config, tmp_path / "second")
    judgments = rows(tmp_path / "second" / "judgments.jsonl")
    by_ana = {row["completion_ids"][0] for row in judgments if row["judge"] == "human:ana"}
    named = {row["id"] for row in further}
    sampled = {row["id"] for row in rows(tmp_path / "second" / "completions.jsonl")}
    assert by_ana == named & sampled != set()
    log = rows(tmp_path / "second" / "log.jsonl")
    unused = [row for row in log if row["event"] == "verdict_unused"]
    assert len(unused) == len(named - sampled)


def test_where_it_brings_nothing_none_is_sampled(server: LocalServer, tmp_path: Path) -> None:
    value = {"point_wrong": 0.01}
    config = config_of(server, tmp_path, prompts=12, judging={"training_value": value})
    run(config, tmp_path / "run")
    assert sizes(tmp_path / "run") == {2: 12}


def test_without_prices_each_call_counts_the_same(server: LocalServer, tmp_path: Path) -> None:
    unpriced = {"price": None}
    config = config_of(server, tmp_path, prompts=12, writer=unpriced, judge=unpriced)
    run(config, tmp_path / "run")
    assert max(sizes(tmp_path / "run")) > 2


def test_no_prompt_goes_beyond_the_budget_of_calls(server: LocalServer, tmp_path: Path) -> None:
    config = config_of(server, tmp_path, budget={"max_calls": 50})
    run(config, tmp_path / "run")
    assert len(server.calls()) <= 50


def test_writers_that_the_first_tier_does_not_judge_are_passed_over(
    server: LocalServer, tmp_path: Path
) -> None:
    models = {"kin": "gpt-5", "other": "claude-x", "first": "gpt-4.1", "second": "qwen3"}
    judges = [{"model": "first"}, {"model": "second", "tier": 2}]
    config = write_config(
        tmp_path,
        server,
        prompts=PROMPTS,
        models={name: model(server, model=named) for name, named in models.items()},
        judging=JUDGING | {"judges": judges, "exclude_own_family": True},
        sampling=SAMPLING | {"models": ["other", "kin"], "completions": 3},
    )
    plan = plan_run(judgeforge.load_config(config))
    assert run(config, tmp_path / "run").exit_code == 0
    further = [row for row in rows(tmp_path / "run" / "completions.jsonl") if row["index"] > 2]
    assert {row["model"] for row in further} == {"other"}
    one_of_kin, all_judged = (3 + 1) * PROMPTS, (2 + 1 + 4) * PROMPTS
    assert plan.calls_high == one_of_kin + all_judged


@pytest.mark.parametrize(("protocol", "most"), [("listwise", 2 * 3), ("pairwise", 2 * 12)])
def test_what_plan_has_in_high_is_the_most_that_judges_of_several_can_be_asked(
    server: LocalServer, tmp_path: Path, protocol: str, most: int
) -> None:
    second = {"model": "judge", "name": "second", "tier": 2, "protocol": protocol, "repeats": 2}
    judging: dict[str, Any] = {"judges": [{"model": "judge"}, second]}
    judging |= {"training_value": {"point_wrong": 1000.0, "doubling_prompts": 0.01}}
    config = config_of(server, tmp_path, prompts=10, judging=judging)
    plan = plan_run(judgeforge.load_config(config))
    assert plan.calls_high == 10 * (4 + 4 + most)
    run(config, tmp_path / "run")
    asked = Counter(row["prompt_id"] for row in rows(tmp_path / "run" / "judgments.jsonl"))
    assert 4 + 4 < max(asked.values()) <= 4 + most


def test_a_run_that_only_samples_is_planned_without(server: LocalServer, tmp_path: Path) -> None:
    file = config_of(server, tmp_path)
    parts = yaml.safe_load(file.read_text())
    del parts["judging"]
    file.write_text(yaml.safe_dump(parts))
    plan = plan_run(judgeforge.load_config(file))
    assert (plan.calls, plan.calls_high) == (PROMPTS * 2, PROMPTS * 2)
    assert not any("more_in_doubt" in note for note in plan.notes)


def test_each_is_priced_as_its_own_writer_is(server: LocalServer, tmp_path: Path) -> None:
    dear = {"price": {"input_per_mtok": 100.0, "output_per_mtok": 400.0}}
    models: dict[str, dict[str, Any]] = {"writer": {}, "dear": dear, "judge": {}}
    config = write_config(
        tmp_path,
        server,
        models={name: model(server, **fields) for name, fields in models.items()},
        judging=JUDGING,
        sampling=SAMPLING | {"models": ["writer", "dear"]},
    )
    estimator = Estimator(prepare(judgeforge.load_config(config), with_keys=False))
    written = [make_completion("Three.", 0), make_completion("Four.", 1)]
    cheap, much, none = (estimator.another_usd(make_prompt(), written, n) for n in range(3))
    assert cheap is not None
    assert much is not None
    assert much > 10 * cheap
    assert none is None


def test_folders_that_know_nothing_of_it_go_on(server: LocalServer, tmp_path: Path) -> None:
    config = judgeforge.load_config(config_of(server, tmp_path, sampling={"more_in_doubt": 0}))
    prepared = prepare(config, with_keys=False)
    assert "more_in_doubt" not in json.dumps(identity(config, prepared.rubric.identity))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"judging": {"aim": "rightness", "training_value": {}}}, "set `judging.aim: training`"),
        (
            {"judging": {"judges": [{"model": "judge", "protocol": "pairwise"}]}},
            "`judge` \\(pairwise\\) sees several",
        ),
        ({"sampling": {"more_in_doubt": 17}}, "more_in_doubt"),
    ],
)
def test_what_it_cannot_go_with_is_refused(
    server: LocalServer, tmp_path: Path, parts: Any, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        judgeforge.load_config(config_of(server, tmp_path, **parts))
