"""The number of a reward model: exactly one, and finite. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from judgeforge.judging.replies.json_object import UnreadableReplyError


def read_reward(rewards: Sequence[float]) -> float:
    """Raises UnreadableReplyError where there are none or several, or one is not finite.

    One of several is never picked: which label means what is known to the model's makers alone.
    """
    if not rewards:
        raise UnreadableReplyError("the reply has no number")
    if len(rewards) > 1:
        raise UnreadableReplyError(
            f"the reply has {len(rewards)} numbers instead of one: such a model is no reward model "
            "with one output"
        )
    reward = rewards[0]
    if not math.isfinite(reward):
        raise UnreadableReplyError(f"the reward is {reward}, not a finite number")
    return reward
