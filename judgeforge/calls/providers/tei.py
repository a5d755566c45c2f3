"""Rewards by ``POST /predict`` of Text Embeddings Inference, which runs sequence classifiers.

``raw_scores: true`` leaves the sigmoid out, and ``truncate: false`` is said although it is the
default of the API, since a server may have been started with another one. It takes texts only: with
``chat_template`` of the model the conversation as one text, else prompt and answer as a pair, which
is what cross-encoders were trained on and holds one turn of each.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, RootModel

from judgeforge.calls.providers.base import Body, ModelReply, ModelRequest, rewards_only
from judgeforge.calls.providers.parsing import parsed
from judgeforge.calls.providers.reward_server import (
    WHAT,
    RewardServer,
    as_reply,
    turns_of,
    written_out,
)
from judgeforge.config.model import ModelConfig
from judgeforge.errors import UnsuitedRequestError


class _Prediction(BaseModel):
    score: Any = None


class _Reply(RootModel[list[list[_Prediction] | _Prediction]]):
    """Of each input the predictions, one a label; of one input that may be a single list."""


class TextEmbeddingsInference(RewardServer):
    endpoint = "/predict"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        turns = turns_of(model, rewards_only(request))
        if model.chat_template is None:
            shown = _as_pair(model, turns)
        else:
            shown = [written_out(model, model.chat_template, turns)]
        return {"inputs": [shown], "raw_scores": True, "truncate": False, **model.passed_on}

    def read(self, raw: bytes) -> ModelReply:
        found = parsed(_Reply, raw, what=WHAT).root
        flat = [one for each in found for one in (each if isinstance(each, list) else [each])]
        return as_reply(one.score for one in flat)


def _as_pair(model: ModelConfig, turns: list[dict[str, Any]]) -> list[str]:
    if [turn["role"] for turn in turns] != ["user", "assistant"]:
        raise UnsuitedRequestError(
            "the conversation has more than a prompt and an answer, and this model is sent pairs "
            "of these; with `chat_template` of the model it is sent whole",
            model=model.model,
        )
    return [str(turn["content"]) for turn in turns]
