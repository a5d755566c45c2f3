"""What the server does with a request: count, limit, answer, deliver."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import Any

from aiohttp import web

from tests.local_server.batches import BatchBehaviour, BatchOffice
from tests.local_server.decisions import decide
from tests.local_server.delivery import deliver
from tests.local_server.faults import Fault, FaultPlan
from tests.local_server.limits import Limits, RateLimiter, retry_headers
from tests.local_server.prefix_cache import CachedInput, Mode, PrefixCache, check_marks
from tests.local_server.quality import Noise, SchemaFiller, of_skill
from tests.local_server.record import Kind, RequestRecord, TokenCount, Wire
from tests.local_server.rewards import reward_of, sigmoid
from tests.local_server.turns import PICTURE_TOKENS, made_calls
from tests.local_server.wire import Answer, Question, error_body, read_question, write_reply

_KEY_HEADERS = frozenset({"authorization", "x-api-key"})


@dataclass
class Behaviour:
    """May be changed while the server runs."""

    latency_s: float = 0.0
    slots: int | None = None
    """So many requests are answered at a time, others wait for one of them; None: all."""
    noise_sd: float = 0.02
    """Of a judge, on the scale of the hidden quality (0 to 1)."""
    noise_by_model: dict[str, float] = field(default_factory=dict)
    """Of the judges that are better or worse than the others, by the name of the model."""
    skill_by_model: dict[str, float] = field(default_factory=dict)
    """Mean quality (0 to 1) of what a model writes, by its name; of others it is 0.5."""
    seen: Callable[[str, float], float] | None = None
    """What a judge of a model (by its name) takes the quality of a marker for, before its noise."""
    completion_words: tuple[int, int] = (20, 60)
    bytes_per_token: int = 4
    cached_share: float = 0.0
    cache_write_share: float = 0.0
    """Shares of the input tokens."""
    prefix_cache: Mode | None = None
    """Counts what requests begin with in common instead, as these servers do."""
    reasoning_tokens: int = 0
    calls_tools: bool = False
    """Whether a model that is offered tools calls some of them, now and then."""
    thinks: bool = False
    """Whether a model says what it thought before each completion."""
    position_bias: float = 0.0
    """How much better a judge finds what it is shown first of two."""
    most_bytes: int | None = None
    """Longer requests are refused, never cut."""
    key: str | None = None
    """What requests must bring as their key; None takes any, and none."""
    keep_bodies: bool = True
    limits: Limits = field(default_factory=Limits)
    batches: BatchBehaviour = field(default_factory=BatchBehaviour)


class Service:
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.faults = FaultPlan()
        self.requests: list[RequestRecord] = []
        self.batches = BatchOffice(self)
        self.connections: set[object] = set()
        self.in_flight = 0
        self.in_flight_max = 0
        self.started_at, self._epoch = time.perf_counter(), time.time()
        self._draws: Counter[str] = Counter()
        self._slots = None if behaviour.slots is None else asyncio.Semaphore(behaviour.slots)
        self._prefixes = PrefixCache()
        self._keeping: dict[int, CachedInput] = {}
        self._limiters: dict[str, tuple[Limits, RateLimiter]] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/_stats":
            return web.json_response(self._stats())
        if request.path == "/_limits":
            self.behaviour.limits = Limits(**json.loads(await request.read()))
            return web.json_response({"at": self._now()})
        if request.path == "/_calls":
            return web.json_response([_brief(record) for record in self.requests])
        if request.path == "/_bodies":
            return web.Response(body=b"\n".join(record.raw for record in self.requests))
        if request.transport is not None:
            self.connections.add(request.transport.get_extra_info("peername"))
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            record = self._record(request, await request.content.read())
            try:
                return await self._reply(request, record)
            finally:
                record.done_at = self._now()
        finally:
            self.in_flight -= 1

    def _now(self) -> float:
        return time.perf_counter() - self.started_at

    def _stats(self) -> dict[str, object]:
        """What a benchmark in another process asks for; ``first_request_at`` is Unix time."""
        return {
            "requests": len(self.requests),
            "kinds": Counter(record.kind for record in self.requests),
            "statuses": Counter(str(record.status) for record in self.requests),
            "in_flight_max": self.in_flight_max,
            "first_request_at": self._epoch + self.requests[0].at if self.requests else None,
            "cpu_s": time.process_time(),
        }

    def _record(self, request: web.BaseRequest, raw: bytes) -> RequestRecord:
        sent = request.headers
        record = RequestRecord(
            index=len(self.requests),
            method=request.method,
            path=request.path,
            wire=_wire_of(request),
            kind="other",
            model="",
            raw=raw,
            headers={
                name.lower(): f"…{value[-4:]}" if name.lower() in _KEY_HEADERS else value
                for name, value in sent.items()
            },
            query=request.query_string,
            authorization="authorization" in sent,
            x_api_key="x-api-key" in sent,
            at=self._now(),
        )
        self.requests.append(record)
        return record

    async def _reply(self, request: web.BaseRequest, record: RequestRecord) -> web.StreamResponse:
        if BatchOffice.serves(record.path):
            return await self._about_batches(request, record)
        if record.wire == "none":
            return self._error(record, 404, f"no such path: {record.path}")
        try:
            body = json.loads(record.raw)
            question = read_question(record.wire, body)
            check_marks(record.wire, body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self._error(record, 400, f"cannot read the request: {error!r}")
        kind: Kind = "completion" if question.schema is None else "judge"
        record.kind, record.model = kind, question.model
        if not self._key_fits(request):
            return self._error(record, 401, "Incorrect API key provided.", "invalid_api_key")
        most = self.behaviour.most_bytes
        if most is not None and len(record.raw) > most:
            return self._error(record, 400, f"request is {len(record.raw)} bytes, at most {most}")
        key = blake2b(record.raw, digest_size=16).hexdigest()
        return await self._answer_or_fail(request, record, question, key)

    async def _about_batches(
        self, request: web.BaseRequest, record: RequestRecord
    ) -> web.StreamResponse:
        if not self._key_fits(request):
            return self._error(record, 401, "Incorrect API key provided.", "invalid_api_key")
        fault = self.faults.choose(record, record.path)
        if fault is not None and fault.status != 200:
            record.fault = fault.name
            return self._error(record, fault.status, "the fault of a request about batches")
        response = await self.batches.handle(request, record)
        record.status = response.status
        return response

    async def _answer_or_fail(
        self, request: web.BaseRequest, record: RequestRecord, question: Question, key: str
    ) -> web.StreamResponse:
        behaviour = self.behaviour
        fault = self.faults.choose(record, key)
        limited = self._limited(record, question)
        if limited is not None and (fault is None or fault.status == 200):
            return limited
        if fault is not None:
            record.fault = fault.name
        answer = self._answer(record, question, key, fault)
        if not behaviour.keep_bodies:
            record.raw, record.text = b"", None
        reply = write_reply(record.wire, key, question, answer, record.tokens)
        delay = behaviour.latency_s + (fault.seconds if fault and fault.name == "slow" else 0.0)
        async with self._slots or nullcontext():
            if delay:
                await asyncio.sleep(delay)
        self._keep(record)
        headers = self._limit_headers(record)
        if fault is None or fault.name == "slow":
            record.status = 200
            return web.Response(body=reply, content_type="application/json", headers=headers)
        return await deliver(request, record, fault, reply, headers)

    def answer_line(self, wire: Wire, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """A line of a batch: status and body, as the same request alone would be answered."""
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        record = RequestRecord(
            index=len(self.requests),
            method="POST",
            path=path,
            wire=wire,
            kind="other",
            model="",
            raw=raw,
            headers={},
            authorization=True,
            x_api_key=False,
            at=self._now(),
            in_batch=True,
        )
        self.requests.append(record)
        record.done_at = self._now()
        try:
            question = read_question(wire, body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            record.status = 400
            return 400, error_body(wire, 400, f"cannot read the request: {error!r}")
        record.kind = "completion" if question.schema is None else "judge"
        record.model = question.model
        key = blake2b(raw, digest_size=16).hexdigest()
        fault = self.faults.choose(record, key)
        if fault is not None:
            record.fault = fault.name
        record.status = 200 if fault is None else fault.status
        if record.status != 200:
            return record.status, error_body(wire, record.status, "the fault of a line")
        answer = self._answer(record, question, key, fault)
        self._keep(record)
        if fault is not None and fault.body is not None:
            return 200, fault.body
        return 200, write_reply(wire, key, question, answer, record.tokens)

    def _answer(
        self, record: RequestRecord, question: Question, key: str, fault: Fault | None
    ) -> Answer:
        """Also counts the tokens. Draws move on only when a client can get the whole answer."""
        draw = 0 if question.fixed_draw else self._draws[key]
        if fault is None or fault.arrives:
            self._draws[key] += 1
        behaviour = self.behaviour
        answer = answer_to(question, key, draw, behaviour)
        words = len((answer.text or "").split())
        room = max(0, question.max_tokens - self.behaviour.reasoning_tokens)
        if words > room:
            cut = " ".join((answer.text or "").split()[:room])
            answer, words = replace(answer, text=cut, finish="length"), room
        size = _size(record, question, behaviour.bytes_per_token)
        record.tokens = self._tokens(size, words, question.max_tokens, self._cached(record))
        if question.decisions or question.reward_of is not None:
            record.tokens = replace(record.tokens, output=0, reasoning=0)
        if fault is not None and fault.alter is not None:
            answer = fault.alter(answer)
        record.text = answer.text
        return answer

    def _cached(self, record: RequestRecord) -> CachedInput | None:
        """What it begins with that was kept; what it brings is kept when its reply begins."""
        behaviour = self.behaviour
        if behaviour.prefix_cache is None:
            return None
        found = self._prefixes.count(
            behaviour.prefix_cache,
            record.wire,
            record.body,
            self._now(),
            behaviour.bytes_per_token,
        )
        self._keeping[record.index] = found
        return found

    def _keep(self, record: RequestRecord) -> None:
        if (found := self._keeping.pop(record.index, None)) is not None:
            self._prefixes.keep(found, self._now())

    def _tokens(
        self, size: int, words: int, most: int, cached: CachedInput | None = None
    ) -> TokenCount:
        behaviour = self.behaviour
        whole = max(1, size // behaviour.bytes_per_token)
        return TokenCount(
            input=whole,
            output=min(most, max(1, words + behaviour.reasoning_tokens)),
            cached=int(whole * behaviour.cached_share) if cached is None else cached.read,
            cache_write=(
                int(whole * behaviour.cache_write_share) if cached is None else cached.written
            ),
            hour_write=0 if cached is None else cached.written_for_an_hour,
            reasoning=min(most, behaviour.reasoning_tokens),
        )

    def _key_fits(self, request: web.BaseRequest) -> bool:
        key = self.behaviour.key
        if key is None:
            return True
        sent = request.headers
        return f"Bearer {key}" == sent.get("authorization") or key == sent.get("x-api-key")

    def _limited(self, record: RequestRecord, question: Question) -> web.Response | None:
        limits = self.behaviour.limits
        if limits.rpm is None and limits.tpm is None:
            return None
        known, limiter = self._limiters.get(self._allowance_of(record), (None, None))
        if known != limits or limiter is None:
            limiter = RateLimiter(limits, self._now())
            self._limiters[self._allowance_of(record)] = (limits, limiter)
        per_token = self.behaviour.bytes_per_token
        size = _size(record, question, per_token) // per_token
        record.counted_tokens = size + min(question.max_tokens, 100_000)
        wait = limiter.admit(record.counted_tokens, self._now())
        if not wait:
            return None
        headers = limiter.headers(record.wire, time.time())
        if limits.retry_after:
            headers |= retry_headers(wait, record.wire)
        whose = "your organization" if limits.shared else record.model
        message = f"Rate limit reached for {whose} on {limiter.refused_for} per min"
        return self._error(record, 429, message, None, headers)

    def _allowance_of(self, record: RequestRecord) -> str:
        return "" if self.behaviour.limits.shared else record.model

    def _limit_headers(self, record: RequestRecord) -> dict[str, str]:
        _, limiter = self._limiters.get(self._allowance_of(record), (None, None))
        return {} if limiter is None else limiter.headers(record.wire, time.time())

    def _error(
        self,
        record: RequestRecord,
        status: int,
        message: str,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> web.Response:
        record.status = status
        code = code if record.wire == "openai" else None
        body = error_body(record.wire, status, message, code)
        return web.Response(
            status=status, body=body, content_type="application/json", headers=headers
        )


def _size(record: RequestRecord, question: Question, bytes_per_token: int) -> int:
    """Bytes, of which a picture has as many as its tokens, whatever its data."""
    data = sum(len(each) for each in question.pictures)
    return len(record.raw) - data + len(question.pictures) * PICTURE_TOKENS * bytes_per_token


def _as_marked(model: str, quality: float) -> float:
    return quality


def answer_to(question: Question, key: str, draw: int, behaviour: Behaviour) -> Answer:
    if question.schema is None:
        thought = f"Thought {draw} of {key[:8]}." if behaviour.thinks else None
        offered = question.tools if behaviour.calls_tools else ()
        text, calls = made_calls(offered, key, draw, behaviour.completion_words)
        if question.model in behaviour.skill_by_model:
            text = of_skill(text, behaviour.skill_by_model[question.model])
        return Answer(text, calls=calls, reasoning=thought)
    noise_sd = behaviour.noise_by_model.get(question.model, behaviour.noise_sd)
    noise = Noise(key, draw, noise_sd)
    seen = partial(behaviour.seen or _as_marked, question.model)
    question = replace(question, qualities=tuple(map(seen, question.qualities)))
    if question.reward_of is not None:
        reward = reward_of(question.reward_of, noise, seen)
        return Answer("rewarded", value=[sigmoid(reward) if question.squashed else reward])
    if question.decisions:
        value = decide(question.decisions, question.qualities, noise, behaviour.position_bias)
        return Answer("decided", value=value)
    filler = SchemaFiller(question.schema, question.qualities, noise, behaviour.position_bias)
    value = filler.fill()
    return Answer(
        json.dumps(value),
        value=value,
        scored=tuple(filler.scored),
        tool=question.tool,
        beliefs=filler.beliefs if question.logprobs else None,
    )


_WIRES: dict[str, Wire] = {
    "/chat/completions": "openai",
    "/messages": "anthropic",
    "/decisions": "decisions",
    "/systemone": "systemone",
    "/classify": "classify",
    "/predict": "tei",
}


def _brief(record: RequestRecord) -> dict[str, object]:
    """What a benchmark in another process asks for of each request."""
    return {
        "at": record.at,
        "model": record.model,
        "status": record.status,
        "tokens": record.counted_tokens,
    }


def _wire_of(request: web.BaseRequest) -> Wire:
    if request.method != "POST":
        return "none"
    return next((w for end, w in _WIRES.items() if request.path.endswith(end)), "none")
