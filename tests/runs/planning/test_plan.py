"""What a run would cost, held against what it does cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import judgeforge
from judgeforge.cli import app
from judgeforge.records import Prompt
from judgeforge.runs.cost_estimates.estimate import ASSUMED_ESCALATION, Estimator
from judgeforge.runs.planning.plan import PlanReport, plan_run
from judgeforge.runs.preparation.extra_judgments import is_measured
from judgeforge.runs.preparation.preparation import prepare
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.run_setup import PRICE, model, rows, run, write_config

ROLES = ("user", "assistant")
CACHED_PRICE = {**PRICE, "cached_input_per_mtok": 0.1}


def plan(config: Path, **options: Any) -> PlanReport:
    return plan_run(judgeforge.load_config(config), **options)


@pytest.mark.parametrize(
    "judge",
    [
        {"repeats": 2},
        {"protocol": "pairwise"},
        {"protocol": "pairwise", "orders": "one", "criteria": "separate"},
        {"protocol": "listwise"},
    ],
    ids=lambda judge: "-".join(map(str, judge.values())),
)
@pytest.mark.parametrize("cached_share", [0.0, 0.5])
def test_the_plan_holds(
    tmp_path: Path, server: LocalServer, judge: dict[str, Any], cached_share: float
) -> None:
    server.behaviour.cached_share = cached_share
    config = write_config(
        tmp_path,
        server,
        models={"small": model(server, price=CACHED_PRICE)},
        judging={"judges": [{"model": "small", "max_tokens": 300, **judge}]},
    )
    planned = plan(config)
    assert not server.requests
    real = run(config, tmp_path / "out").manifest["totals"]
    assert planned.calls == real["calls"]["paid"]
    low, expected, high = planned.low, planned.expected, planned.high
    assert low is not None
    assert expected is not None
    assert high is not None
    assert low <= real["cost_usd"] <= high
    assert real["cost_usd"] / 3 <= expected <= real["cost_usd"] * 3


@pytest.mark.parametrize("criteria", ["together", "separate"])
@pytest.mark.parametrize("reference", [None, "", "Light is scattered.\n"])
@pytest.mark.parametrize(
    "words", [("", ""), ("Why?", "Since…"), ("{{ x }}\n\n", "\ud83d half"), ("日" * 999, "\n")]
)
def test_a_prompt_costs_what_its_own_request_is_long(
    tmp_path: Path,
    server: LocalServer,
    words: tuple[str, str],
    reference: str | None,
    criteria: str,
) -> None:
    """Of each shape one prompt is rendered; others are priced by their words."""
    judge = {"model": "small", "max_tokens": 300, "criteria": criteria}
    models = {"small": model(server, price=CACHED_PRICE)}
    config = write_config(tmp_path, server, models=models, judging={"judges": [judge]})
    prepared = prepare(judgeforge.load_config(config))

    def prompt(*turns: str) -> Prompt:
        messages = [
            Message.model_construct(role=r, content=c) for r, c in zip(ROLES, turns, strict=False)
        ]
        said = tuple(messages)
        return Prompt.model_construct(id="p", messages=said, line=1, digest="", reference=reference)

    known = Estimator(prepared)
    known.of_prompt(prompt("Another one altogether.", "Yes."))
    assert known.of_prompt(prompt(*words)) == Estimator(prepared).of_prompt(prompt(*words))


@pytest.mark.parametrize("priced", [True, False])
def test_what_the_folder_has_spent_is_said_where_it_is_known(
    tmp_path: Path, server: LocalServer, priced: bool
) -> None:
    small = model(server)
    if not priced:
        del small["price"]
    config, out = write_config(tmp_path, server, models={"small": small}), tmp_path / "out"
    assert not any("spent" in note for note in plan(config, out=out).notes)
    cost = run(config, out, limit=2).manifest["totals"]["cost_usd"]
    said = [note for note in plan(config, out=out).notes if "spent" in note]
    assert said == ([f"${cost:.6f} of it is spent already, by {out}."] if priced else [])


@pytest.mark.parametrize("pairs", [False, True])
def test_the_plan_of_decisions_holds(tmp_path: Path, server: LocalServer, pairs: bool) -> None:
    jev = model(server, "systemone", model="jev", price={**PRICE, "output_per_mtok": 0.0})
    judge = {"model": "jev", "protocol": "decisions", "pairs": pairs}
    # The server counts a word as a token when it writes, and four bytes when it reads.
    config = write_config(
        tmp_path,
        server,
        models={"small": model(server), "jev": jev},
        sampling={"models": ["small"], "completions": 4, "max_tokens": 150},
        judging={"judges": [judge]},
    )
    planned = next(each for each in plan(config).models if each.name == "jev")
    run(config, tmp_path / "out")
    asked = server.calls(model="jev")
    cost = sum(record.cost_usd(jev["price"]) for record in asked)
    assert planned.calls == len(asked)
    assert planned.low is not None
    assert planned.expected is not None
    assert planned.low <= cost <= planned.high
    assert cost / 3 <= planned.expected <= cost * 3


def test_low_counts_what_calls_share_at_the_price_of_cached_input(
    tmp_path: Path, server: LocalServer
) -> None:
    def planned(price: dict[str, float]) -> PlanReport:
        return plan(write_config(tmp_path, server, models={"small": model(server, price=price)}))

    plain, cached = planned(PRICE), planned(CACHED_PRICE)
    assert cached.low is not None
    assert plain.low is not None
    assert cached.low < 0.9 * plain.low
    assert (cached.expected, cached.high) == (plain.expected, plain.high)


def test_a_long_run_of_short_requests_is_priced_as_short_requests(
    tmp_path: Path, server: LocalServer
) -> None:
    """Some models cost more above a number of input tokens: of one request, not of all."""
    listed = model(server, "anthropic", model="claude-sonnet-4-5")
    for field in ("price", "base_url"):
        del listed[field]
    judging = {"judges": [{"model": "small"}], "fit_repeats": 0}
    config = write_config(tmp_path, server, models={"small": listed}, judging=judging)
    long = [{"id": f"p{n}", "prompt": f"{n} " + "long " * 20_000} for n in range(40)]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in long))
    single, whole = plan(config, limit=1).expected, plan(config).expected
    assert single is not None
    assert whole == pytest.approx(40 * single, rel=0.001)


def test_rows_that_bring_completions_are_not_sampled(tmp_path: Path, server: LocalServer) -> None:
    row = {"id": "a", "prompt": "why?", "completions": ["because", "no reason", "who knows"]}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(row) + "\n" + '{"prompt": ""}\n')
    planned = plan(write_config(tmp_path, server))
    assert (planned.prompts, planned.skips, planned.calls) == (1, 1, 3)


SECOND = [{"model": "small"}, {"model": "big", "tier": 2}]


@pytest.mark.parametrize(
    ("judges", "beyond"),
    [(SECOND, True), ([{"model": "small", "repeats": 2}], True), (SECOND[:1], False)],
    ids=["a second tier", "repeats", "one tier asked once"],
)
def test_calls_are_counted_for_each_case_where_a_cascade_may_ask_for_more(
    server: LocalServer, tmp_path: Path, judges: list[dict[str, Any]], beyond: bool
) -> None:
    models = {"small": model(server), "big": model(server, model="big")}
    judging = {"judges": judges, "cascade": {"target_confidence": 0.8}}
    config = write_config(tmp_path, server, prompts=10, models=models, judging=judging)
    planned = plan(config)
    assert (planned.calls < planned.calls_high) is beyond
    assert planned.calls_high == sum(each.calls_high for each in planned.models)
    shown = CliRunner().invoke(app, ["plan", str(config)]).stdout
    counts = {str(planned.calls), str(planned.calls_high)}
    assert counts <= set(next(row for row in shown.splitlines() if "│ all" in row).split())
    assert ("A cascade asks" in shown) is beyond


def test_a_cascade_is_planned_by_what_its_run_has_shown(
    server: LocalServer, tmp_path: Path
) -> None:
    models = {"small": model(server), "big": model(server, model="big")}
    judging = {
        "judges": [{"model": "small"}, {"model": "big", "tier": 2}],
        "cascade": {"target_confidence": 0.8},
    }
    config = write_config(tmp_path, server, prompts=12, models=models, judging=judging)
    before = plan(config, out=tmp_path / "run")
    made = run(config, tmp_path / "run").manifest
    after = plan(config, out=tmp_path / "run")
    assert after.calls == made["totals"]["calls"]["paid"]
    assert before.calls == round(12 * (4 + 4 + ASSUMED_ESCALATION * 4))
    assert after.low is not None
    assert after.high is not None
    assert after.low <= made["totals"]["cost_usd"] <= after.high
    options = ["--out", str(tmp_path / "run"), "--json"]
    said = CliRunner().invoke(app, ["plan", str(config), *options])
    assert json.loads(said.stdout)["calls"] == after.calls != before.calls


@pytest.mark.parametrize(("fit_prompts", "of_ten"), [(64, 10), (4, 4)])
def test_the_prompts_that_show_the_scale_of_rewards_are_planned_with_the_judge_behind(
    server: LocalServer, tmp_path: Path, fit_prompts: int, of_ten: int
) -> None:
    reward = {"provider": "classify", "model": "rm", "base_url": server.base_url}
    models = {"small": model(server), "rm": reward, "big": model(server, model="big")}
    judging = {
        "judges": [{"model": "rm", "protocol": "reward"}, {"model": "big", "tier": 2}],
        "cascade": {"target_confidence": 0.9},
        "fit_prompts": fit_prompts,
    }
    config = write_config(tmp_path, server, prompts=10, models=models, judging=judging)
    planned = plan(config)
    calls = {one.name: one.calls for one in planned.models}
    assert calls["rm"] == 4 * 10
    assert calls["big"] == round(4 * (of_ten + ASSUMED_ESCALATION * (10 - of_ten)))
    assert any("scale of rewards" in note for note in planned.notes)


def test_a_budget_between_low_and_high_may_end_the_run(tmp_path: Path, server: LocalServer) -> None:
    expected = plan(write_config(tmp_path, server)).expected
    notes = plan(write_config(tmp_path, server, budget={"usd": expected})).notes
    assert any("the run may stop there" in note for note in notes)


@pytest.mark.slow
def test_what_measures_a_judge_alone_is_planned_and_bought_and_not_in_an_older_folder(
    tmp_path: Path, server: LocalServer
) -> None:
    judging = {"judges": [{"model": "small"}]}
    config = write_config(tmp_path, server, prompts=30, judging=judging)
    prompts = range(30)
    measured = {f"p{place}" for place in prompts if is_measured(place, f"p{place}")}
    assert measured
    planned = plan(config)
    assert planned.calls == 30 * 8 + 4 * len(measured)
    assert any(f"{len(measured)} of the first 64 prompts" in note for note in planned.notes)
    done = run(config, tmp_path / "out")
    assert done.manifest["totals"]["calls"]["paid"] == planned.calls
    judgments = rows(tmp_path / "out" / "judgments.jsonl")
    assert {row["prompt_id"] for row in judgments if row["repeat"] == 1} == measured
    assert {"p_tie" in row for row in rows(tmp_path / "out" / "pairs.jsonl")} == {True}

    older = tmp_path / "older"
    run(config, older, limit=4)
    manifest = json.loads((older / "manifest.json").read_text())
    del manifest["identity"]["judging"]["fit_repeats"]  # as earlier versions left it
    (older / "manifest.json").write_text(json.dumps(manifest))
    assert plan(config, out=older).calls == 30 * 8
    run(config, older)
    assert {row["repeat"] for row in rows(older / "judgments.jsonl")} == {0}
