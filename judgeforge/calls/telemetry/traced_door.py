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
    sends_temperature,
)
from judgeforge.calls.telemetry import content
from judgeforge.calls.telemetry import conventions as names
from judgeforge.calls.telemetry.recording import Attributes, Telemetry, Told
from judgeforge.store.log import RunLog

_PORTS = {"https": 443, "http": 80}


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
        self._telemetry = telemetry
        log.on_call = telemetry.attempt

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


def _identity(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    """What calls are counted by."""
    model, operation = endpoint.model, names.REWARD
    if isinstance(request, ChatRequest):
        operation = names.CHAT
    elif isinstance(request, DecisionRequest):
        operation = names.DECISION
    found: dict[str, Any] = {
        names.OPERATION: operation,
        names.PROVIDER: model.facts.listed_as or model.provider,
        names.REQUEST_MODEL: model.model,
    }
    server = urlsplit(endpoint.provider.base_url)
    if server.scheme in _PORTS and server.hostname:
        found[names.SERVER_ADDRESS] = server.hostname
        found[names.SERVER_PORT] = server.port or _PORTS[server.scheme]
    return found


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
    bought = next((one for one in told.attempts[::-1] if one.output_tokens is not None), None)
    if bought is None:
        return {**found, names.SHARED: True}
    return {
        **found,
        names.INPUT_TOKENS: bought.input_tokens,
        names.OUTPUT_TOKENS: bought.output_tokens,
        names.CACHE_READ_TOKENS: bought.cached_tokens,
        names.CACHE_WRITE_TOKENS: bought.written_tokens,
        names.REASONING_TOKENS: reply.usage.reasoning_tokens or None if reply.usage else None,
        names.COST: bought.cost_usd,
        names.ATTEMPTS: len(told.attempts),
        names.BATCH: bought.batch,
    }
