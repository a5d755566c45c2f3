"""The requests of one model that wait to be sent together, and how many of them fit.

Gathering ends when a batch is full, or when nothing more has come for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from judgeforge.calls.call import Answer, Call
from judgeforge.config.batch import BatchConfig
from judgeforge.config.providers import BatchFacts
from judgeforge.text.wording import tokens_of_bytes

Outcome = asyncio.Future[Answer | None]
"""Of one request; None: it is to be sent directly."""
_WRAPPING = 300
"""Bytes that stand around a body in a file, at most."""
_BYTES_PER_MB = 10**6


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Of one batch, and (``tokens``) of all that a model has under way."""

    requests: int
    size: int
    """Bytes."""
    tokens: int | None

    @classmethod
    def of(cls, config: BatchConfig, facts: BatchFacts | None) -> BatchLimits:
        if facts is None:
            raise ValueError("a provider without batches has no limits of them")
        size = facts.most_bytes if config.max_mb is None else int(config.max_mb * _BYTES_PER_MB)
        requests = config.max_requests or facts.most_requests
        return cls(
            requests=min(requests, facts.most_requests),
            size=min(size, facts.most_bytes),
            tokens=config.enqueued_tokens,
        )


@dataclass(frozen=True, slots=True)
class Gathered:
    call: Call
    outcome: Outcome

    @property
    def size(self) -> int:
        """Bytes in a file, at most: JSON may write a character of the request in up to six."""
        return self.call.request_bytes * (1 if self.call.request.isascii() else 6) + _WRAPPING

    @property
    def tokens(self) -> int:
        """Of the input, estimated as everywhere."""
        return tokens_of_bytes(self.call.request_bytes)


@dataclass(slots=True)
class Gathering:
    """Time is monotonic seconds, given by the caller."""

    limits: BatchLimits
    quiet_s: float
    _waiting: dict[str, Gathered] = field(default_factory=dict)
    _size: int = 0
    _last_at: float = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Gathered]:
        return iter(self._waiting.values())

    def get(self, key: str) -> Gathered | None:
        return self._waiting.get(key)

    def add(self, one: Gathered, now: float) -> None:
        self.drop(one.call.key)
        self._waiting[one.call.key] = one
        self._size += one.size
        self._last_at = now

    def drop(self, key: str) -> None:
        one = self._waiting.pop(key, None)
        if one is not None:
            self._size -= one.size

    def take_at_most(self, requests: int) -> None:
        """Of one batch: the provider found more too large."""
        self.limits = replace(self.limits, requests=max(1, requests))

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self.limits.requests or self._size >= self.limits.size

    def quiet_in_s(self, now: float) -> float:
        """How much longer nothing may come until it is quiet; 0 where it is."""
        return max(0.0, self._last_at + self.quiet_s - now)

    def first(self, tokens: int | None) -> list[Gathered]:
        """Those that go into one batch, in the order in which they came and those of a row beside
        each other. ``tokens``: how many the
        provider still takes; a single request that is larger than any limit goes alone, since only
        the provider can say what it takes."""
        chosen: list[Gathered] = []
        size = used = 0
        for one in self._by_row():
            size, used = size + one.size, used + one.tokens
            is_over = size > self.limits.size or (tokens is not None and used > tokens)
            if chosen and (is_over or len(chosen) >= self.limits.requests):
                break
            chosen.append(one)
        return chosen

    def _by_row(self) -> list[Gathered]:
        """What begins alike stands beside each other, so that a cache has it while it is asked."""
        places: dict[str, int] = {}
        for place, (key, one) in enumerate(self._waiting.items()):
            places.setdefault((one.call.beginnings or (key,))[-1], place)
        return sorted(
            self._waiting.values(),
            key=lambda one: places[(one.call.beginnings or (one.call.key,))[-1]],
        )
