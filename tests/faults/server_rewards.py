"""Faults of servers of reward models: down in the middle, not one at all, or asked too much."""

from __future__ import annotations

from tests.faults.reply_rewards import REWARD_MODEL, is_reward, with_reward_model
from tests.faults.scene import Scene, results
from tests.faults.table import fault
from tests.local_server import faults
from tests.support.run_setup import model, rows

QUICK_TO_GIVE_UP = {"breaker_failures": 4, "stall_s": 3, "max_attempts": 2}


@fault(
    "reward-server-down",
    done="The reward model's server answers 503 from the middle of the run on.",
    promise="Exit 4 within `limits.stall_s`; the same command goes on to the undisturbed result.",
)
def _(scene: Scene) -> str:
    def is_down(record: object) -> bool:
        return is_reward(record) and sum(map(is_reward, scene.server.requests)) > 20

    scene.server.faults.add(faults.status(503), when=is_down)
    with_reward_model(scene, prompts=10, limits=QUICK_TO_GIVE_UP)
    scene.exits(4, "503")
    scene.goes_on()
    disturbed = results(scene.out)
    scene.forget_replies()
    scene.exits(0, out=scene.folder / "again")
    assert disturbed == results(scene.folder / "again")
    return "exit 4 with the last refusal; the same command went on, with the undisturbed result"


@fault(
    "reward-server-skipped",
    done="The same, beside a chat judge and with `on_judge_failure: skip_judge`.",
    promise="The other judge goes on alone; its pairs name the judge that is missing.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(503), when=is_reward)
    judges = [{"model": "rm", "protocol": "reward"}, {"model": "small"}]
    judging = {"judges": judges, "on_judge_failure": "skip_judge"}
    with_reward_model(scene, prompts=4, judging=judging, limits=QUICK_TO_GIVE_UP)
    seen = scene.run()
    assert (seen.exit_code, seen.pairs) == (0, 4)
    pairs = rows(scene.out / "pairs.jsonl")
    assert all(one["provenance"]["missing_judges"] == ["rm"] for one in pairs)
    return "4 pairs of 4, each names `rm` as missing"


@fault(
    "reward-server-is-none",
    done="The server has no `/classify`: it was not started for a reward model.",
    promise="The run stops (exit 4) and says how such a server is started.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.status(404), when=is_reward)
    with_reward_model(scene, prompts=20)
    scene.exits(4, "--runner pooling")
    sampled = len(scene.server.calls(kind="completion"))
    assert sampled <= 16
    return f"exit 4 after {sampled} of 80 completions; the message names `--runner pooling`"


@fault(
    "reward-too-long",
    done="The server refuses each second conversation as longer than its context.",
    promise="A named missing judgment each; nothing is cut, and the run goes on.",
)
def _(scene: Scene) -> str:
    said = "This model's maximum context length is 64 tokens. However, you requested 99"
    refusal = faults.status(400, body={"error": {"message": said}})
    scene.server.faults.add(refusal, when=is_reward, every=2)
    with_reward_model(scene, prompts=4)
    assert scene.run().exit_code in {0, 5}
    kinds = {row["missing_kind"] for row in rows(scene.out / "judgments.jsonl")}
    assert kinds == {None, "too_long"}
    assert "truncate" not in str([one.body for one in scene.server.requests if is_reward(one)])
    return "half of the judgments missing as `too_long`, the other half with rewards"


@fault(
    "reward-free-beside-paid",
    done="The budget is used up by the writer, beside a free reward model.",
    promise="The stop is that of the budget (exit 3); rewards are free and are asked all the same.",
)
def _(scene: Scene) -> str:
    with_reward_model(scene, prompts=20, budget={"usd": 0.002})
    seen = scene.exits(3)
    assert seen.cost_usd <= 0.002
    priced = {"small": model(scene.server)["price"], REWARD_MODEL: {}}
    assert scene.server.billed_usd(priced) <= seen.cost_usd + 1e-9
    return f"exit 3 at ${seen.cost_usd:.6f}"
