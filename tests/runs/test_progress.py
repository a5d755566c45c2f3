"""How far a run is, from its first second on, and how Python is told of its end."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge import Progress
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config

BEGUN = Progress(
    prompts=100,
    done=0,
    pairs=0,
    paid_calls=90,
    cached_calls=20,
    cost_usd=0.5,
    budget_usd=2.0,
    elapsed_s=10.0,
    done_before=0,
    calls_done=100,
    calls_expected=400,
    reserved_usd=0.25,
)


def test_calls_move_the_bar_before_a_prompt_is_done() -> None:
    assert BEGUN.share == 0.25
    assert BEGUN.eta_s == 30.0
    assert "100 of about 400 done" in BEGUN.figures
    assert "$0.5000 of $2 ($0.2500 more reserved)" in BEGUN.figures


def test_nothing_is_expected_of_a_run_whose_prompts_are_all_done() -> None:
    """Fewer calls than expected were enough (equal answers, a cascade that was sure)."""
    figures = replace(BEGUN, done=100, calls_done=350).figures
    assert "calls 90 sent, 20 cached  " in figures
    assert "about" not in figures


@pytest.mark.parametrize(
    ("changed", "share"),
    [
        ({"calls_expected": None}, 0.0),
        ({"calls_done": 900}, 1.0),
        ({"done": 60, "calls_done": 200}, 0.6),
        ({"done": 50, "done_before": 50, "calls_done": 200}, 0.75),
        ({"prompts": 0, "calls_expected": 0, "calls_done": 0}, 0.0),
        ({"done": 100, "calls_expected": 0}, 1.0),
    ],
)
def test_the_share_is_between_nothing_and_all(changed: dict[str, Any], share: float) -> None:
    assert replace(BEGUN, **changed).share == share


@pytest.mark.slow
def test_a_run_reports_calls_at_once_and_what_is_reserved_apart(
    tmp_path: Path, server: LocalServer
) -> None:
    seen: list[Progress] = []
    server.behaviour.latency_s = 0.7  # so that the first prompt is still under way when it is told
    result = run(
        write_config(tmp_path, server, prompts=6), tmp_path / "out", on_progress=seen.append
    )
    assert result.exit_code == 0
    early = [one for one in seen if one.done == 0 and one.calls_expected]
    assert max(one.calls_done for one in early) > 0
    assert {one.calls_expected for one in early[1:]} == {6 * 8}
    assert max(one.reserved_usd for one in seen) > 0
    costs = [one.cost_usd or 0.0 for one in seen]
    assert costs == sorted(costs)
    assert seen[-1].reserved_usd == 0
    assert seen[-1].calls_done == 6 * 8


@pytest.mark.parametrize("gives_up", ["a timeout", "a cancelled task"])
def test_a_task_that_gives_up_waits_for_the_files_and_does_not_go_on(
    tmp_path: Path, server: LocalServer, gives_up: str
) -> None:
    config = judgeforge.load_config(
        write_config(tmp_path, server, prompts=6, limits={"grace_s": 1})
    )
    server.behaviour.latency_s = 0.2

    async def with_a_timeout() -> None:
        async with asyncio.timeout(0.3):
            await judgeforge.arun(config, tmp_path / "out")
            pytest.fail("went on with half a result")

    async def cancelled() -> None:
        task = asyncio.create_task(judgeforge.arun(config, tmp_path / "out"))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(with_a_timeout() if gives_up == "a timeout" else cancelled())
    server.behaviour.latency_s = 0.0
    assert json.loads((tmp_path / "out/manifest.json").read_text())["status"] == "interrupted"
    assert asyncio.run(judgeforge.arun(config, tmp_path / "out")).exit_code == 0


def in_a_loop(config: Path, out: Path, **options: Any) -> judgeforge.RunResult:
    return asyncio.run(judgeforge.arun(judgeforge.load_config(config), out, **options))


@pytest.mark.parametrize("start", [run, in_a_loop])
@pytest.mark.parametrize(
    ("parts", "code", "said"),
    [
        ({"budget": {"usd": 0.0}}, 3, "stopped_by): BudgetExhaustedError: "),
        ({"pairing": {"min_margin": 1.0}}, 0, None),
        ({"sampling": {"models": ["small"], "completions": 1, "max_tokens": 64}}, 2, None),
    ],
)
def test_python_is_warned_of_a_run_that_stopped(
    tmp_path: Path,
    server: LocalServer,
    start: Callable[..., judgeforge.RunResult],
    parts: dict[str, Any],
    code: int,
    said: str | None,
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = start(write_config(tmp_path, server, **parts), tmp_path / "out").exit_code
        except judgeforge.JudgeforgeError as error:
            found = error.exit_code
    assert found == code
    told = [str(one.message) for one in caught if one.category is UserWarning]
    assert len(told) == (said is not None)
    assert all(str(said) in one for one in told)


def test_the_repr_of_a_result_is_short(tmp_path: Path, server: LocalServer) -> None:
    done = repr(run(write_config(tmp_path, server, prompts=2), tmp_path / "out"))
    assert done == (
        f"RunResult(folder={str(tmp_path / 'out')!r}, status='complete', prompts=2, pairs=2, "
        "exit_code=0)"
    )
    (other := tmp_path / "other").mkdir()
    config = write_config(other, server, budget={"usd": 0.0}, prompts=9)
    with pytest.warns(UserWarning, match="stopped_by"):
        stopped = repr(run(config, other / "out"))
    assert "exit_code=3, stopped_by=BudgetExhaustedError('" in stopped
    assert len(stopped) < 400
