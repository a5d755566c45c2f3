"""What a reward model's server does with three tiny conversations, as `doctor --ask` tells it.

Above all whether it squashes: a server that puts rewards through a sigmoid gives 1.0 for all good
answers, and a judge that finds all of them equal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from judgeforge.calls.call import Asks
from judgeforge.calls.providers.base import RewardRequest
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.rewards import read_reward
from judgeforge.runs.doctor.doctor import Finding, Status
from judgeforge.text.messages import Message

_QUESTION = "What is the capital of France?"
_ANSWERS = ("The capital of France is Paris.", "Bananas are yellow.", "I don't know, maybe Rome?")
_SQUASHED = (
    "A sigmoid makes 1.0 of a reward of 23 and of one of 40. vLLM: a version that knows "
    "`use_activation`, or `--pooler-config '{\"use_activation\": false}'`; TEI: one that knows "
    "`raw_scores`. A model that was trained to give 0 to 1 is right as it is."
)
Say = Callable[[str, Status, str, str], Finding]
"""What was tried, how it went, what was seen and what to do, as a finding about the model."""


async def try_rewards(model: str, gateway: Asks, say: Say) -> list[Finding]:
    """Raises CallError where nothing comes back."""
    begun = time.monotonic()
    rewards: list[float] = []
    for answer in _ANSWERS:
        turns = Message(role="user", content=_QUESTION), Message(role="assistant", content=answer)
        given = await gateway.ask(model, RewardRequest(turns))
        try:
            rewards.append(read_reward(given.reply.rewards))
        except UnreadableReplyError as error:
            advice = "Name a reward model with one output, on a server that was started for it."
            return [say("rewards", "fail", str(error), advice)]
    seconds = (time.monotonic() - begun) / len(_ANSWERS)
    shown = ", ".join(f"{reward:g}" for reward in rewards)
    found = [say("rewards", "ok", f"{shown} for a right, a silly and a wrong answer", "")]
    return [*found, _scale(rewards, say), say("speed", "ok", f"{seconds:.2f} s a reward", "")]


def _scale(rewards: Sequence[float], say: Say) -> Finding:
    if len(set(rewards)) == 1:
        seen = f"three different answers got the same reward, {rewards[0]:g}"
        return say("scale", "warn", seen, _SQUASHED)
    if all(0.0 <= reward <= 1.0 for reward in rewards):
        return say("scale", "warn", "all rewards are between 0 and 1", _SQUASHED)
    if rewards[0] < max(rewards[1:]):
        return say(
            "scale",
            "warn",
            "a wrong answer got the highest reward",
            "Is this a reward model, and does its chat template write the conversation?",
        )
    return say("scale", "ok", "raw, and the right answer has the highest", "")
