"""Faults of replies: reward models whose reply is not one finite number."""

from __future__ import annotations

from typing import Any

from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.local_server import faults
from tests.support.run_setup import model, rows

REWARD_MODEL = "skywork"


def with_reward_model(
    scene: Scene, *, provider: str = "classify", prompts: int = 2, **parts: Any
) -> None:
    """The one judge; ``parts`` replaces sections."""
    rewards = {"provider": provider, "model": REWARD_MODEL, "base_url": scene.server.base_url}
    judging = {"judges": [{"model": "rm", "protocol": "reward"}]}
    scene.configure(
        prompts=prompts,
        **{"models": {"small": model(scene.server), "rm": rewards}, "judging": judging, **parts},
    )
    scene.billing = False  # Two models, of which the check knows one.


def is_reward(record: Any) -> bool:
    return record.wire in {"classify", "tei"}


def _never_a_reward(
    name: str, done: str, reply: object, said: str, *, provider: str = "classify"
) -> None:
    @fault(
        f"reward-{name}",
        done=f"The reply of a reward model ({provider}) {done}",
        promise="Never a reward, and not asked again: the judgment is missing and says why.",
        quick=name in {"nan", "labels"},
    )
    def show(scene: Scene) -> str:
        scene.server.faults.add(faults.whole_reply(reply), when=is_reward)
        with_reward_model(scene, provider=provider, prompts=1)
        seen = scene.run()
        judgments = rows(scene.out / "judgments.jsonl")
        assert len(judgments) == 4
        assert all(row["missing_kind"] == "unread" for row in judgments)
        assert all(said in row["missing"] and "rewards" not in row for row in judgments)
        assert len([one for one in scene.server.requests if is_reward(one)]) == 4
        assert seen.skips == {"p0": "too_few_judged"}
        return f"missing: {judgments[0]['missing'][:70]}"


def _of_vllm(*probs: object) -> object:
    return {"data": [{"index": 0, "probs": list(probs), "num_classes": len(probs)}]}


for _name, _done, _odd, _said in (
    ("nan", "is NaN.", _of_vllm(float("nan")), "not a finite number"),
    ("infinite", "is -Infinity.", _of_vllm(float("-inf")), "not a finite number"),
    ("null", "is null.", _of_vllm(None), "not a finite number"),
    ("text", 'is "high".', _of_vllm("high"), "not a finite number"),
    ("labels", "has two labels.", _of_vllm(0.2, 0.8), "2 numbers instead of one"),
    ("nested", "has a vector in a list.", _of_vllm([[1.0, 2.0]]), "2 numbers instead of one"),
    ("none", "has empty data.", {"data": []}, "has no number"),
    ("two-items", "has two items for one conversation.", {
        "data": [{"index": 0, "probs": [1.0]}, {"index": 1, "probs": [2.0]}]
    }, "2 numbers instead of one"),
    ("embedding", "is an embedding of SGLang.", [{"embedding": [0.1] * 8}], "8 numbers"),
):  # fmt: skip
    _never_a_reward(_name, _done, _odd, _said)
_never_a_reward(
    "tei-labels",
    "has two labels.",
    [[{"score": 1.0, "label": "a"}, {"score": 2.0, "label": "b"}]],
    "2 numbers instead of one",
    provider="tei",
)
_never_a_reward("tei-empty", "is empty.", [], "has no number", provider="tei")


@fault(
    "reward-html",
    done="Every reply of a reward model is a page of a proxy.",
    promise="Never a reward: the run stops at once, with what came and the address that was asked.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.html(), when=is_reward)
    with_reward_model(scene, prompts=1)
    seen = scene.exits(4, "a web page", "base_url")
    return f"exit {seen.exit_code}; the message names page and address"


@fault(
    "reward-squashed",
    done="A server ignores `use_activation: false` and gives 1.0 for every good answer.",
    promise="Nothing is promised: equal rewards say nothing, and the prompts are skipped as ties.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.whole_reply(_of_vllm(1.0)), when=is_reward)
    with_reward_model(scene)
    seen = scene.run()
    assert (seen.pairs, set(seen.skips.values())) == (0, {"tie"})
    return "no pair; each prompt skipped as tie (`doctor --ask` names the sigmoid before a run)"
