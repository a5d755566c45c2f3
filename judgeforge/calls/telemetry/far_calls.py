"""Calls that worker processes make, told by the process that hands prompts out.

Workers have no SDK of the user's: what a program sets up stays in it. But every attempt comes back
as a line of the log, and every prompt with the keys of its calls; so the spans of these are made
when their prompt has come back, with the times that the lines give.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.telemetry import conventions as names
from judgeforge.calls.telemetry.recording import Telemetry, Told
from judgeforge.store.log import CallRecord

_MOST_KEPT = 100_000
"""Attempts of prompts that have not come back."""


@dataclass(frozen=True, slots=True)
class _Ended:
    record: CallRecord
    at_ns: int


class FarCalls:
    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._attempts: defaultdict[str, list[_Ended]] = defaultdict(list)

    def attempt(self, record: CallRecord) -> None:
        """One has ended, and its line has just come."""
        self._telemetry.count(record)
        if len(self._attempts) < _MOST_KEPT:
            self._attempts[record.key].append(_Ended(record, time.time_ns()))

    def tell(self, keys: Iterable[str], prompt: Told) -> None:
        """The calls of a prompt that has come back. Of those that nothing was sent for, stored
        replies were used."""
        for key in keys:
            attempts = self._attempts.pop(key, None)
            if attempts is not None:
                self._tell(key, attempts, prompt)
                continue
            told = self._telemetry.begin(
                "cached call", {names.KEY: key, names.CACHED: True}, below=prompt
            )
            self._telemetry.end(told)
            self._telemetry.hit({})

    def _tell(self, key: str, attempts: Sequence[_Ended], prompt: Told) -> None:
        telemetry, first, last = self._telemetry, attempts[0], attempts[-1]
        metric = telemetry.models.get(first.record.model, {})
        records = [one.record for one in attempts]
        attributes = {
            **metric,
            names.NAME: first.record.model,
            names.KEY: key,
            names.CACHED: False,
            names.FINISH_REASONS: (last.record.outcome,),
            **what_was_bought(records),
        }
        name = f"{metric.get(names.OPERATION)} {metric.get(names.REQUEST_MODEL)}"
        began = first.at_ns - round(first.record.latency_s * 1e9)
        told = telemetry.begin(name, attributes, calls=True, below=prompt, at_ns=began)
        for record in records:
            telemetry.tell_attempt(told, record)
        telemetry.end(told, at_ns=last.at_ns)


def what_was_bought(attempts: Sequence[CallRecord]) -> dict[str, Any]:
    """Usage and cost of the attempt that brought the reply; nothing where none did."""
    bought = next((one for one in attempts[::-1] if one.is_paid), None)
    if bought is None:
        return {}
    return {
        names.INPUT_TOKENS: bought.input_tokens,
        names.OUTPUT_TOKENS: bought.output_tokens,
        names.CACHE_READ_TOKENS: bought.cached_tokens,
        names.CACHE_WRITE_TOKENS: bought.written_tokens,
        names.COST: bought.cost_usd,
        names.ATTEMPTS: len(attempts),
        names.BATCH: bought.batch,
    }
