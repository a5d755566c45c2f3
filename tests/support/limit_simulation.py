"""A provider and its clients in simulated time: the control laws without a network or a clock."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from judgeforge.calls.limits.breaker import Refusal
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.concurrency import ConcurrencyLimit
from judgeforge.calls.limits.headers import read_allowances
from judgeforge.calls.limits.pace import Pace, SentRequest
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.calls.providers.http_errors import retry_after_s
from tests.local_server.limits import Limits, RateLimiter, retry_headers
from tests.local_server.record import Wire

EPOCH = 1_700_000_000.0
SIZE = RequestSize(input_tokens=200, output_tokens=300)


@dataclass
class Client:
    """Asks one model and always has more to ask."""

    pace: Pace
    limit: ConcurrencyLimit
    size: RequestSize
    in_flight: int = 0
    held_by_rate: bool = False
    looks: int = 0
    """A later look takes the place of those that are planned."""
    accepted_at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)

    def counts(self, start: float, end: float) -> tuple[int, int]:
        """Accepted and refused from ``start`` to ``end``."""
        accepted = sum(start <= at < end for at in self.accepted_at)
        return accepted, sum(start <= at < end for at in self.refused_at)


@dataclass
class Simulation:
    """``shared``: all models draw from one allowance, else each has its own."""

    limits: Limits
    wire: Wire = "openai"
    headers: bool = True
    retry_after: bool = True
    shared: bool = False
    latency_s: float = 0.2
    delay_s: float = 0.005
    """The most that a request or a refusal is under way."""
    seed: int = 1
    now: float = 0.0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._limiters: dict[int, RateLimiter] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def run(
        self,
        seconds: float,
        *,
        sizes: Sequence[RequestSize] = (SIZE,),
        concurrency: int = 64,
        changes: Mapping[float, Limits] | None = None,
    ) -> list[Client]:
        """One client for each size; ``changes`` are limits by the second when they begin."""
        account = ProviderAccount()
        clients = [Client(Pace(account), ConcurrencyLimit(concurrency), size) for size in sizes]
        for at, limits in (changes or {}).items():
            self._after(at, lambda limits=limits: self._change(limits))
        for number, client in enumerate(clients):
            self._after(0.0, lambda n=number, c=client: self._send_all(n, c))
        while self._events and self._events[0][0] <= seconds:
            self.now, _, act = heapq.heappop(self._events)
            act()
        return clients

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), act))

    def _change(self, limits: Limits) -> None:
        self.limits = limits
        self._limiters.clear()

    def _look(self, number: int, client: Client, look: int) -> None:
        if look == client.looks:
            self._send_all(number, client)

    def _send_all(self, number: int, client: Client) -> None:
        client.looks += 1
        while client.in_flight < client.limit.limit:
            delay = client.pace.delay(client.size, self.now)
            if delay is not None:
                client.held_by_rate |= delay.by == "rate"
                late = self._chance.random() * 0.002
                look = client.looks
                self._after(delay.wait_s + late, lambda look=look: self._look(number, client, look))
                return
            sent = client.pace.sent(client.size, self.now, held_by_rate=client.held_by_rate)
            client.held_by_rate = False
            client.in_flight += 1
            self._after(self._delay(), lambda sent=sent: self._arrive(number, client, sent))

    def _delay(self) -> float:
        return self._chance.random() * self.delay_s

    def _arrive(self, number: int, client: Client, sent: SentRequest) -> None:
        limiter = self._limiters.setdefault(
            0 if self.shared else number, RateLimiter(self.limits, self.now)
        )
        wait = limiter.admit(client.size.tokens, self.now)
        headers = limiter.headers(self.wire, EPOCH + self.now) if self.headers else {}
        if not wait:
            client.accepted_at.append(self.now)
            latency = self.latency_s * (0.75 + 0.5 * self._chance.random())
            self._after(latency, lambda: self._accepted(number, client, sent, headers))
            return
        if self.retry_after:
            headers |= retry_headers(wait, self.wire)
        client.refused_at.append(self.now)
        self._after(self._delay(), lambda: self._refused(number, client, sent, headers))

    def _accepted(
        self, number: int, client: Client, sent: SentRequest, headers: Mapping[str, str]
    ) -> None:
        client.pace.accepted(sent, read_allowances(headers, unix_time=EPOCH + sent.at))
        client.limit.succeeded(sent_at=sent.at, now=self.now, in_flight=client.in_flight)
        client.in_flight -= 1
        self._send_all(number, client)

    def _refused(
        self, number: int, client: Client, sent: SentRequest, headers: Mapping[str, str]
    ) -> None:
        said = read_allowances(headers, unix_time=EPOCH + sent.at)
        kind = "tokens" if self.limits.tpm else "requests"
        refusal = Refusal(retry_after_s(headers), kind, of_account=self.shared)
        client.pace.refused(sent, self.now, refusal, said)
        client.limit.refused(sent_at=sent.at, now=self.now, in_flight=client.in_flight)
        client.in_flight -= 1
        self._send_all(number, client)
