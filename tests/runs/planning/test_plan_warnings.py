"""What `check` and `plan` say of settings that cannot do what they are there for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import model, write_config


@pytest.fixture
def said(tmp_path: Path, server: LocalServer, command: Command) -> Callable[..., list[str]]:
    """Their lines that warn of something; neither is stopped by it, and nothing is sent."""

    def call(**parts: dict[str, Any]) -> list[str]:
        config = write_config(tmp_path, server, **parts)
        told = []
        for name in ("check", "plan"):
            code, shown, _ = command(name, config)
            assert code == 0
            told.append([line for line in shown.splitlines() if line.startswith("warning: ")])
        assert not server.requests
        by_check, by_plan = told
        assert by_check == by_plan
        return by_check

    return call


@pytest.fixture
def low(tmp_path: Path, server: LocalServer) -> float:
    """What ten prompts cost at least, in USD."""
    return plan_run(judgeforge.load_config(write_config(tmp_path, server, prompts=10))).low


@pytest.fixture
def judges(server: LocalServer) -> Callable[..., dict[str, Any]]:
    def two(first: dict[str, int], second: dict[str, int]) -> dict[str, Any]:
        models = {name: model(server, model=name) for name in ("small", "strong")}
        judges = [{"model": "small", **first}, {"model": "strong", **second}]
        return {"models": models, "judging": {"judges": judges, "cascade": {"of": "best"}}}

    return two


@pytest.mark.parametrize("tier", [1, 2])
def test_a_cascade_of_one_tier_does_nothing(
    said: Callable[..., list[str]], judges: Callable[..., dict[str, Any]], tier: int
) -> None:
    (warning,) = said(**judges({"tier": tier}, {"tier": tier}))
    assert "judging.cascade does nothing" in warning
    assert "`tier: 2`" in warning


@pytest.mark.parametrize("second", [{"tier": 2}, {"repeats": 2}])
def test_one_that_has_more_to_ask_is_fine(
    said: Callable[..., list[str]], judges: Callable[..., dict[str, Any]], second: dict[str, int]
) -> None:
    assert said(**judges({}, second)) == []


def test_a_budget_below_the_least_cost_says_for_how_many_prompts_it_pays(
    said: Callable[..., list[str]], low: float, server: LocalServer
) -> None:
    (warning,) = said(budget={"usd": 0.0001}, prompts=10)
    assert "budget.usd is $0.0001: it pays for about 0 of 10 prompts" in warning
    (warning,) = said(budget={"usd": low * 0.9}, prompts=10)
    assert 1 <= int(re.search(r"about (\d+) of 10 prompts", warning)[1]) < 9
    assert said(budget={"usd": low * 1.1}, prompts=10) == []
    free = {"small": model(server, price={"input_per_mtok": 0, "output_per_mtok": 0})}
    assert said(budget={"usd": 0.0}, models=free) == []


def test_a_day_that_pays_for_no_prompt_is_warned_of(
    said: Callable[..., list[str]], low: float
) -> None:
    ledger = {"ledger": "ledger.db"}
    (warning,) = said(budget={"daily_usd": low / 10 * 0.9, **ledger}, prompts=10)
    assert "budget.daily_usd" in warning
    assert "does not pay for one prompt" in warning
    assert said(budget={"daily_usd": low / 10 * 1.1, **ledger}, prompts=10) == []


def test_so_few_calls_that_no_prompt_is_begun_are_warned_of(said: Callable[..., list[str]]) -> None:
    (warning,) = said(budget={"max_calls": 7})
    assert "budget.max_calls is 7: a prompt may need 8 calls" in warning
    assert said(budget={"max_calls": 8}) == []
