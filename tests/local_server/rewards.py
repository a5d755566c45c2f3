"""Reward models: vLLM's and SGLang's `/classify` and TEI's `/predict`, from the hidden qualities.

As the real servers do, they put a reward through a sigmoid unless they are told not to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tests.local_server.quality import Noise, quality_of
from tests.local_server.record import TokenCount

REWARD_WIRES = ("classify", "tei")
MIDDLE, SPREAD = 12.0, 40.0
"""The reward of quality 0.5, and of quality 1 over that of 0: as large as those of real models."""


def judged_text(wire: str, body: Mapping[str, Any]) -> str:
    """The answer, with whatever is sent around it. Raises KeyError, TypeError or ValueError for
    what no server would take."""
    if wire == "tei":
        (shown,) = body["inputs"]
        return "\n".join(shown)
    if "text" in body:
        (text,) = body["text"]
        return str(text)
    turns = body["messages"]
    if not turns or turns[-1]["role"] != "assistant":
        raise ValueError("the last turn is no answer")
    return str(turns[-1]["content"])


def reward_of(
    text: str, noise: Noise, seen: Callable[[float], float] = lambda quality: quality
) -> float:
    """A text without a mark is the better the longer it is. ``seen``: what the model takes a
    quality for."""
    marked = quality_of(text)
    quality = seen(min(1.0, len(text) / 100) if marked is None else marked)
    return MIDDLE + SPREAD * (quality + noise.at(("reward",)) - 0.5)


def is_squashed(wire: str, body: Mapping[str, Any]) -> bool:
    if wire == "tei":
        return not body.get("raw_scores", False)
    return "messages" in body and body.get("use_activation") is not False


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700 else 0.0


def reward_reply(
    wire: str, body: Mapping[str, Any], rewards: Any, tokens: TokenCount, *, usage: bool
) -> Any:
    """``rewards``: one number a label."""
    if wire == "tei":
        return [[{"score": reward, "label": f"LABEL_{k}"} for k, reward in enumerate(rewards)]]
    if "text" in body:
        meta = {"id": "classify-local", "finish_reason": None}
        counted = {"prompt_tokens": tokens.input} if usage else {}
        return [{"embedding": list(rewards), "meta_info": meta | counted}]
    used = {"usage": {"prompt_tokens": tokens.input, "total_tokens": tokens.input}} if usage else {}
    item = {"index": 0, "label": "LABEL_0", "probs": list(rewards), "num_classes": len(rewards)}
    return {
        "id": "classify-local",
        "object": "list",
        "created": 1_700_000_000,
        "model": str(body["model"]),
        "data": [item],
        **used,
    }
