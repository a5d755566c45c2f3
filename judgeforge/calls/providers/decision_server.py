"""What both kinds of decision servers share: usage, the way there, and what refusals mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import AliasChoices, BaseModel, Field

from judgeforge.calls.providers.base import Body, DecisionAnswer, ModelReply, RawReply
from judgeforge.calls.providers.http import HttpProvider
from judgeforge.calls.providers.replies import Beside, Count, TokenUsage
from judgeforge.config.model import ModelConfig
from judgeforge.errors import FlaggedInputError, OverlongRequestError, StatusError

WHAT = "reply of a decision model"

_TOO_LONG = re.compile(
    r"too (?:large|long|big)|64 ?kib|at most|exceeds?|context (?:length|window|size)|max\w* length",
    re.IGNORECASE,
)
_CANNOT = re.compile(
    r"decision model|(?:not|n't|un)\s?support|raw_logprobs|not implemented|no such (?:path|route)",
    re.IGNORECASE,
)


class _Usage(TokenUsage):
    output_tokens: Count = Field(
        0.0, validation_alias=AliasChoices("completion_tokens", "output_tokens")
    )
    """Decision models write nothing, so some servers do not count it."""


def label_of(value: object) -> str | None:
    """Of a choice or a level, however it is written: a level of 1.0 is that of 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) else None


class DecisionReply(BaseModel):
    """What a reply says beside its answers."""

    model: Beside[str] = None
    usage: Beside[_Usage] = None

    def with_answers(self, answers: Iterable[DecisionAnswer]) -> ModelReply:
        usage = None if self.usage is None else self.usage.read()
        return ModelReply("", "stop", usage, model=self.model, decisions=tuple(answers))


class DecisionServer(HttpProvider):
    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        try:
            return await super().send(body, model=model)
        except StatusError as error:
            raise decision_error(error, model) from error


def decision_error(error: StatusError, model: ModelConfig) -> StatusError:
    """The same error, told apart: a state that is too long, or a model that cannot decide at all.

    The first concerns one prompt; the second is a mistake of the configuration and ends the run.
    """
    if isinstance(error, FlaggedInputError):
        return error
    said = str(error)
    if error.status in {400, 413, 422} and _TOO_LONG.search(said):
        return OverlongRequestError(
            f"{said}. The prompt and what is judged are too long for this server: decision "
            "servers cut nothing (Ollama takes 64 KiB).",
            status=error.status,
            model=error.model,
            headers=error.headers,
        )
    if error.status in {405, 501} or (error.status in {400, 422} and _CANNOT.search(said)):
        return StatusError(
            f"{said}. `{model.model}` cannot answer decisions there. Check `provider` (the two "
            "wire formats are `openai_decisions` and `systemone`), `model` and `base_url`. A chat "
            "model judges with another `protocol`.",
            status=error.status,
            model=error.model,
            headers=error.headers,
            stops_run=True,
        )
    return error
