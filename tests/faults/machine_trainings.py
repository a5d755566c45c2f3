"""Faults of a training in which judges are the reward function."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import judgeforge
from judgeforge.errors import BudgetExhaustedError
from tests.faults.scene import CHECKOUT, Scene
from tests.faults.table import fault
from tests.support.run_setup import PRICE, rows
from tests.support.training import COMPLETIONS, GROUPS, batch

STEPS, KILLS = 12, 8
_OF_A_STEP = GROUPS * COMPLETIONS


def _train(scene: Scene, config: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.training", str(config), str(out), str(STEPS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        cwd=scene.folder,
    )


@fault(
    "training-sigkill",
    done="A training whose rewards come from judges is killed eight times at random moments.",
    promise="The same training again gives the rewards of an undisturbed one; repeated are at most "
    "the calls in flight.",
    longest_s=300,
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.05
    config, chance = scene.configure(prompts=1), random.Random(3)
    most_in_flight = 0
    for _ in range(KILLS):
        process, before = _train(scene, config, scene.out), len(scene.server.requests)
        wanted = before + chance.randrange(1, 2 * _OF_A_STEP)
        deadline = time.monotonic() + 30
        while len(scene.server.requests) < wanted and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
        process.communicate()
        unanswered = sum(one.done_at is None for one in scene.server.requests)
        most_in_flight += max(unanswered, _OF_A_STEP)
    code, said = scene.end(_train(scene, config, scene.out))
    assert code == 0, said
    rewards = [json.loads(line) for line in said.splitlines()]
    sent = len(scene.server.requests)
    assert STEPS * _OF_A_STEP <= sent <= STEPS * _OF_A_STEP + most_in_flight
    assert len(rows(scene.out / "completions.jsonl")) == STEPS * _OF_A_STEP
    with judgeforge.reward(config, out=scene.folder / "straight") as reward:
        straight = []
        for step in range(STEPS):
            prompts, completions = batch(step)
            straight.append(reward(prompts=prompts, completions=completions))
    assert rewards == straight
    assert len(scene.server.requests) == sent
    return f"{KILLS} kills, {sent - STEPS * _OF_A_STEP} of {sent} calls repeated; the same rewards"


@fault(
    "training-budget",
    done="A training asks its judges for ten times as much as the budget covers.",
    promise="No cent more is spent; what is not covered has no reward, and an error that names the "
    "budget where it is asked for.",
    quick=True,
)
def _(scene: Scene) -> str:
    usd = 0.01
    config = scene.configure(prompts=1, budget={"usd": usd})
    found: list[float | None] = []
    with judgeforge.reward(config, out=scene.out, on_budget="none") as reward:
        for step in range(STEPS):
            prompts, completions = batch(step)
            found += reward(prompts=prompts, completions=completions)
    given = sum(one is not None for one in found)
    assert 0 < given < len(found) / 2
    assert scene.server.billed_usd({"small": PRICE}) <= usd
    with judgeforge.reward(config, out=scene.out) as reward:
        prompts, completions = batch(STEPS)
        try:
            reward(prompts=prompts, completions=completions)
        except BudgetExhaustedError as error:
            scene.said.append(str(error))
        else:
            raise AssertionError("what is not covered was judged")
    assert "budget.usd" in scene.said[-1]
    return f"{given} of {len(found)} completions had a reward; {scene.said[-1]}"
