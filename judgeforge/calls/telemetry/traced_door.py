"""The door to paid calls with a span around each call, for processes that have an SDK.

A call is told as the conventions have an inference: one span from the question to its answer, with
all attempts and all waiting between. What was bought stands on the span of the call that bought it:
an answer from the cache, and the second of two equal questions, have no usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from judgeforge.calls.call import Answer
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.limits.queues import GivesWay, never
from judgeforge.calls.providers.base import (
    ChatRequest,
    DecisionRequest,
    ModelRequest,
    RewardRequest,
    sends_temperature,
)
from judgeforge.calls.telemetry import content
from judgeforge.calls.telemetry import conventions as names
from judgeforge.calls.telemetry.far_calls import FarCalls, what_was_bought
from judgeforge.calls.telemetry.recording import Attributes, Telemetry, Told
from judgeforge.config.model import ModelConfig
from judgeforge.store.log import RunLog

_PORTS = {"https": 443, "http": 80}
_OPERATIONS: Mapping[type[ModelRequest], str] = {
    ChatRequest: names.CHAT,
    DecisionRequest: names.DECISION,
    RewardRequest: names.REWARD,
}


class TracedDoor(Gateway):
    """As ``Gateway``, and ``telemetry`` is told of each attempt as well."""

    def __init__(
        self,
        telemetry: Telemetry,
        endpoints: Mapping[str, Endpoint],
        *,
        log: RunLog,
        **parts: Any,  # noqa: ANN401 (of ``Gateway``)
    ) -> None:
        super().__init__(endpoints, log=log, **parts)
        self._telemetry, far = telemetry, FarCalls(telemetry)
        telemetry.far = far
        telemetry.models |= {name: _identity(one) for name, one in endpoints.items()}
        log.on_call, log.on_far_call = telemetry.attempt, far.attempt

    async def ask(
        self, model: str, request: ModelRequest, *, sample: int = 0, gives_way: GivesWay = never
    ) -> Answer:
        telemetry, endpoint = self._telemetry, self._endpoints[model]
        metric = _identity(endpoint, request)
        attributes = {**metric, names.NAME: model, **_asked(endpoint, request)}
        if telemetry.shows_content:
            attributes[names.INPUT_MESSAGES] = content.asked(request)
        name = f"{metric[names.OPERATION]} {endpoint.model.model}"
        with telemetry.call(name, attributes, metric) as told:
            answer = await super().ask(model, request, sample=sample, gives_way=gives_way)
            telemetry.keep_span(answer.key, told)
            told.say(_answered(telemetry, told, answer))
            if answer.cached:
                telemetry.hit(metric)
            return answer


def _identity(endpoint: Endpoint, request: ModelRequest | None = None) -> dict[str, Any]:
    """What calls are counted by."""
    model = endpoint.model
    found: dict[str, Any] = {
        names.OPERATION: _operation(model) if request is None else _OPERATIONS[type(request)],
        names.PROVIDER: model.facts.listed_as or model.provider,
        names.REQUEST_MODEL: model.model,
    }
    server = urlsplit(endpoint.provider.base_url)
    if server.scheme in _PORTS and server.hostname:
        found[names.SERVER_ADDRESS] = server.hostname
        found[names.SERVER_PORT] = server.port or _PORTS[server.scheme]
    return found


def _operation(model: ModelConfig) -> str:
    """What it is asked for, most likely."""
    if model.facts.writes:
        return names.CHAT
    return names.REWARD if "rewards" in model.facts.gives else names.DECISION


def _asked(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    if not isinstance(request, ChatRequest):
        return {}
    return {
        names.OUTPUT_TYPE: "text" if request.reply_schema is None else "json",
        names.REQUEST_MAX_TOKENS: request.max_tokens,
        names.REQUEST_TEMPERATURE: request.temperature
        if sends_temperature(endpoint.model)
        else None,
        names.REQUEST_SEED: request.seed,
    }


def _answered(telemetry: Telemetry, told: Told, answer: Answer) -> Attributes:
    reply = answer.reply
    found: dict[str, Any] = {
        names.KEY: answer.key,
        names.CACHED: answer.cached,
        names.RESPONSE_MODEL: answer.answered_model,
        names.FINISH_REASONS: (reply.finish,),
        names.ANSWERED_BY: answer.answered_by,
    }
    if telemetry.shows_content:
        found[names.OUTPUT_MESSAGES] = content.answered(reply)
    if answer.cached:
        return found
    of_batch = telemetry.take_batch_record(answer.key)
    if of_batch is not None:
        told.attempts.append(of_batch)
    bought = what_was_bought(told.attempts)
    if not bought:
        return {**found, names.SHARED: True}
    thought = None if reply.usage is None else reply.usage.reasoning_tokens or None
    return {**found, **bought, names.REASONING_TOKENS: thought}
