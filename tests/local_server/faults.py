"""What may go wrong, and when.

server.faults.add(faults.status(429, retry_after_ms=50), every=3)
server.faults.add(faults.reset_before_reply(), nth=2, when=lambda r: r.kind == "judge")
server.faults.add(faults.fenced_json(), probability=0.1)
"""

from __future__ import annotations

import copy
import gzip
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.local_server.decisions import REFUSED
from tests.local_server.quality import uniform
from tests.local_server.record import RequestRecord
from tests.local_server.wire import Answer

Delivery = Literal[
    "whole",
    "reset_before",
    "reset_in_headers",
    "reset_after_headers",
    "reset_mid",
    "cut",
    "stall_headers",
    "stall_body",
    "drip",
    "close_after",
    "twice",
]
_DELIVERED = {"whole", "drip", "stall_headers", "stall_body", "close_after", "twice"}


@dataclass(frozen=True)
class Fault:
    """A whole reply of ``status`` and ``body``, a way to deliver the reply, or a changed answer.

    ``body`` None means the API's own body for the status.
    """

    name: str
    status: int = 200
    body: bytes | None = None
    code: str | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = "whole"
    seconds: float = 0.0
    parts: int = 20
    """How many pieces a dripping body comes in."""
    alter: Callable[[Answer], Answer] | None = None

    @property
    def arrives(self) -> bool:
        """Whether a patient client gets an answer of the API."""
        delivered = self.delivery in _DELIVERED
        return self.status == 200 and self.body is None and delivered


class FaultPlan:
    """Rules in order; the first that fires decides. Safe to change while the server runs."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._seen: Counter[str] = Counter()

    def add(
        self,
        fault: Fault,
        *,
        when: Callable[[RequestRecord], bool] | None = None,
        nth: int | tuple[int, ...] | None = None,
        every: int | None = None,
        probability: float | None = None,
        times: int | None = None,
    ) -> None:
        """Fire ``fault`` for the requests that fulfil all conditions given.

        ``nth`` (from 1) and ``every`` count the requests for which ``when`` holds;
        ``probability`` is decided by the hash of the body and how often it came;
        ``times`` ends the rule after so many firings.
        """
        numbers = (nth,) if isinstance(nth, int) else nth
        self._rules.append(_Rule(fault, when, numbers, every, probability, times))

    def clear(self) -> None:
        self._rules.clear()

    def choose(self, request: RequestRecord, key: str) -> Fault | None:
        self._seen[key] += 1
        for number, rule in enumerate(self._rules):
            if rule.fires(request, (key, self._seen[key], number)):
                return rule.fault
        return None


@dataclass
class _Rule:
    fault: Fault
    when: Callable[[RequestRecord], bool] | None
    nth: tuple[int, ...] | None
    every: int | None
    probability: float | None
    times: int | None
    matched: int = 0
    fired: int = 0

    def fires(self, request: RequestRecord, chance_key: tuple[object, ...]) -> bool:
        if self.when is not None and not self.when(request):
            return False
        self.matched += 1
        if self.times is not None and self.fired >= self.times:
            return False
        if self.nth is not None and self.matched not in self.nth:
            return False
        if self.every is not None and self.matched % self.every:
            return False
        if self.probability is not None and uniform(*chance_key) >= self.probability:
            return False
        self.fired += 1
        return True


def status(
    code: int,
    *,
    body: object = None,
    error_code: str | None = None,
    retry_after: str | float | None = None,
    retry_after_ms: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fault:
    """An HTTP error; ``body`` is the API's own unless bytes or a JSON value are given."""
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = dict(headers or {})
    if retry_after is not None:
        sent["retry-after"] = str(retry_after)
    if retry_after_ms is not None:
        sent["retry-after-ms"] = str(retry_after_ms)
    return Fault(f"status_{code}", status=code, body=raw, code=error_code, headers=sent)


def quota_exhausted() -> Fault:
    return status(429, error_code="insufficient_quota")


def redirect(location: str, code: int = 307) -> Fault:
    return Fault("redirect", status=code, body=b"", headers={"location": location})


def reset_before_reply() -> Fault:
    return Fault("reset_before_reply", delivery="reset_before")


def reset_in_headers() -> Fault:
    return Fault("reset_in_headers", delivery="reset_in_headers")


def reset_after_headers() -> Fault:
    return Fault("reset_after_headers", delivery="reset_after_headers")


def close_after_reply() -> Fault:
    """A good reply that promises to keep the connection, which is closed nevertheless."""
    return Fault("close_after_reply", delivery="close_after")


def reply_twice(after_s: float = 0.0) -> Fault:
    """A second copy of the reply follows on the same connection, where the next one is due."""
    return Fault("reply_twice", delivery="twice", seconds=after_s)


def damaged_gzip() -> Fault:
    packed = gzip.compress(b'{"choices": []}' * 50)
    broken = packed[:20] + bytes(20) + packed[40:]
    return Fault("damaged_gzip", body=broken, headers={"content-encoding": "gzip"})


def wrong_content_type() -> Fault:
    return Fault("wrong_content_type", content_type="text/plain")


def reset_mid_body() -> Fault:
    return Fault("reset_mid_body", delivery="reset_mid")


def cut_body() -> Fault:
    """The connection closes in an orderly way in the middle of the body."""
    return Fault("cut_body", delivery="cut")


def stall_headers(seconds: float = 3600.0) -> Fault:
    return Fault("stall_headers", delivery="stall_headers", seconds=seconds)


def stall_body(seconds: float = 3600.0) -> Fault:
    return Fault("stall_body", delivery="stall_body", seconds=seconds)


def drip(seconds: float, parts: int = 20) -> Fault:
    """A good reply whose body takes so long to arrive, a few bytes at a time."""
    return Fault("drip", delivery="drip", seconds=seconds, parts=parts)


def slow(seconds: float) -> Fault:
    """A good reply that starts so much later."""
    return Fault("slow", seconds=seconds)


def html() -> Fault:
    page = b"<!DOCTYPE html><html><body><h1>Welcome to the proxy</h1></body></html>"
    return Fault("html", body=page, content_type="text/html")


def wrong_shape(value: object = None) -> Fault:
    """Valid JSON that is no reply of the API."""
    shown = {"result": "ok"} if value is None else value
    return Fault("wrong_shape", body=json.dumps(shown).encode())


def empty_body() -> Fault:
    return Fault("empty_body", body=b"")


def altered(name: str, alter: Callable[[Answer], Answer]) -> Fault:
    """Any change of the answer before it takes the form of the API."""
    return Fault(name, alter=alter)


def refusal(text: str = "I can't help with that.") -> Fault:
    return altered("refusal", lambda a: replace(a, text=text, finish="refusal"))


def content_filter() -> Fault:
    return altered("content_filter", lambda a: replace(a, text="", finish="content_filter"))


def finish_length() -> Fault:
    """Cut by the limit of tokens half-way."""
    return altered(
        "finish_length",
        lambda a: replace(a, text=(a.text or "")[: len(a.text or "") // 2], finish="length"),
    )


def empty_text() -> Fault:
    return altered("empty_text", lambda a: replace(a, text="", tool=None))


def null_content() -> Fault:
    return altered("null_content", lambda a: replace(a, text=None, tool=None))


def reply_text(text: str) -> Fault:
    """A good reply with exactly this text."""
    return altered("reply_text", lambda a: replace(a, text=text, tool=None))


def missing_usage() -> Fault:
    return altered("missing_usage", lambda a: replace(a, usage=False))


def think_tags(thought: str = "Let me see.") -> Fault:
    return altered("think_tags", lambda a: replace(a, text=f"<think>{thought}</think>\n{a.text}"))


def reasoning_field(thought: str = "Let me see.") -> Fault:
    return altered("reasoning_field", lambda a: replace(a, reasoning=thought))


def fenced_json() -> Fault:
    return altered("fenced_json", lambda a: replace(a, text=f"```json\n{a.text}\n```", tool=None))


def two_objects() -> Fault:
    return altered("two_objects", lambda a: replace(a, text=f"{a.text}\n{a.text}", tool=None))


def out_of_range(score: float = 99) -> Fault:
    return altered("out_of_range", lambda a: _with_last_score(a, score))


def not_a_number() -> Fault:
    return altered("not_a_number", lambda a: _with_last_score(a, math.nan))


def missing_criterion() -> Fault:
    return altered("missing_criterion", lambda a: _with_last_score(a, _MISSING))


def refused_decision() -> Fault:
    """The model declines the last question of a request for decisions."""
    return altered("refused_decision", lambda a: replace(a, value=[*a.value[:-1], REFUSED]))


def missing_decision() -> Fault:
    """The reply leaves out the last answer."""
    return altered("missing_decision", lambda a: replace(a, value=a.value[:-1]))


def without_distributions() -> Fault:
    """Scores and choices without the probabilities that they come from."""
    return altered(
        "without_distributions",
        lambda a: replace(a, value=[replace(one, bare=True) for one in a.value]),
    )


_MISSING = object()


def _with_last_score(answer: Answer, score: object) -> Answer:
    if not answer.scored:
        return answer
    value = copy.deepcopy(answer.value)
    *way, last = answer.scored[-1]
    place: Any = value
    for step in way:
        place = place[step]
    if score is _MISSING:
        del place[last]
    else:
        place[last] = score
    return replace(answer, value=value, text=json.dumps(value))


def whole_reply(value: object) -> Fault:
    """Exactly this JSON value as the reply; half surrogate pairs are escaped in it."""
    return Fault("whole_reply", body=json.dumps(value).encode())
