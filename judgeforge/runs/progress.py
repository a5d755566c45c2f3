"""How far a run is, and what holds it up, in words for the person who watches it.

No run hangs: where no call brings a reply for too long, it says what it waits for and stops.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from judgeforge.errors import StalledError
from judgeforge.text.redaction import redact
from judgeforge.text.visible import one_line
from judgeforge.text.wording import shortened

if TYPE_CHECKING:
    from judgeforge.calls.endpoints import Endpoint

QUIET_S = 10.0
"""Seconds without a reply after which it is said what is waited for; a slow model may need longer.
"""
QUIET_OUT_OF_ORDER_S = 2.0
"""The same, where a model is out of order."""
_LONGEST = 400
_LOOKS = 20
"""A stall is noticed within this part of its length."""
_LONGEST_LOOK_S = 5.0
LINE_EVERY_S = 30.0
"""Seconds between two lines where no line can be written anew."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; ``on_progress`` gets one twice a second, and one at the end."""

    prompts: int
    """Rows of the input that this start is about, finished ones included."""
    done: int
    pairs: int
    paid_calls: int
    """Sent by this start, those in flight included."""
    cached_calls: int
    cost_usd: float | None
    """What the folder has cost so far, without ``reserved_usd``; None where a price is unknown."""
    budget_usd: float | None
    elapsed_s: float
    done_before: int
    """Finished before this start; they say nothing about the speed."""
    out_of_order: Mapping[str, str] = field(default_factory=dict)
    """Models that are sent only probes, each with its last failure."""
    servers_out_of_order: Mapping[str, str] = field(default_factory=dict)
    """The same of single servers, `own` at http://…, while others of their model carry on."""
    trouble: str | None = None
    """What is waited for, once nothing comes back; None while replies come."""
    notes: tuple[str, ...] = ()
    """What a person should know meanwhile; the result has them too."""
    reserved_usd: float = 0.0
    """The most that calls in flight may cost on top."""
    calls_done: int = 0
    """By this start: sent and ended, or from the cache."""
    calls_expected: int | None = None
    """By this start in all, about; None while unknown."""
    batches: str | None = None
    """The batches under way, such as `2 batches, 1,240 of 4,000 answered, oldest 18 min`."""

    @property
    def share(self) -> float:
        """0 to 1, of the whole run: by calls where they say more, for prompts end late."""
        by_prompts = self.done / self.prompts if self.prompts else 0.0
        if not self.calls_expected or not self.prompts:
            return by_prompts
        before = self.done_before / self.prompts
        by_calls = before + (1 - before) * min(1.0, self.calls_done / self.calls_expected)
        return max(by_prompts, by_calls)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the end at the speed so far, by prompts or, before the first one is done,
        by calls; None before any of them."""
        fresh = self.done - self.done_before
        if fresh > 0:
            return (self.prompts - self.done) * self.elapsed_s / fresh
        if self.calls_expected and self.calls_done:
            left = max(0, self.calls_expected - self.calls_done)
            return left * self.elapsed_s / self.calls_done
        return None

    @property
    def count(self) -> str:
        return f"{self.done}/{self.prompts} prompts"

    @property
    def figures(self) -> str:
        """Pairs, calls, money and the time left, on one line."""
        calls = f"calls {self.paid_calls} sent, {self.cached_calls} cached"
        is_over = self.prompts and self.done >= self.prompts
        if self.calls_expected and self.calls_done < self.calls_expected and not is_over:
            calls += f", {self.calls_done} of about {self.calls_expected} done"
        parts = [f"pairs {self.pairs}", calls, self._money]
        if self.batches is not None:
            parts.append(self.batches)
        if self.eta_s is not None and self.done < self.prompts:
            parts.append(f"about {time_left(self.eta_s)} left")
        return "  ".join(parts)

    @property
    def _money(self) -> str:
        if self.cost_usd is None:
            return "cost unknown"
        limit = "" if self.budget_usd is None else f" of ${self.budget_usd:g}"
        reserved = f" (${self.reserved_usd:.4f} more reserved)" if self.reserved_usd else ""
        return f"${self.cost_usd:.4f}{limit}{reserved}"


def time_left(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def out_of_order(endpoints: Iterable[Endpoint]) -> dict[str, str]:
    """The last failure of each model whose circuit is open."""
    return {
        endpoint.name: in_one_line(endpoint.gate.last_failure)
        for endpoint in endpoints
        if endpoint.gate.is_out_of_order
    }


def servers_out_of_order(endpoints: Iterable[Endpoint]) -> dict[str, str]:
    """The last failure of each server whose circuit is open, while others of its model carry on."""
    return {
        f"`{endpoint.name}` at {gate.replica}": in_one_line(gate.last_failure)
        for endpoint in endpoints
        if not endpoint.gate.is_out_of_order
        for gate in endpoint.gate.out_of_order
    }


class Waits(Protocol):
    """What makes calls, or has them made."""

    @property
    def heard_at(self) -> float:
        """When a call brought a reply, in monotonic seconds."""
        ...

    def what_it_waits_for(self) -> str: ...


def what_holds_it_up(door: Waits, failing: Mapping[str, str]) -> str | None:
    """None while replies come. ``failing``: the models that are out of order."""
    quiet_s = time.monotonic() - door.heard_at
    if quiet_s < (QUIET_OUT_OF_ORDER_S if failing else QUIET_S):
        return None
    waits_for = in_one_line(door.what_it_waits_for())
    return f"nothing has come back for {quiet_s:.0f} s: {waits_for}"


def in_one_line(text: str) -> str:
    """What servers say may be long, contain line breaks, and repeat a key."""
    return shortened(one_line(redact(text)), _LONGEST)


async def watch_for_stall(
    stall_s: float,
    *,
    progress: Callable[[], object],
    what_it_waits_for: Callable[[], str],
    stop: Callable[[StalledError], None],
    look_again: Callable[[], None],
) -> None:
    """Look at ``progress`` (any value that changes as the run advances) until it stays the same.

    ``look_again`` is called in the middle: it may find that it is not the model. Time in which
    this process did not run itself (stopped, a sleeping machine) does not count.
    """
    import asyncio

    look_s = min(_LONGEST_LOOK_S, stall_s / _LOOKS)
    seen, still_s, before, is_asked = progress(), 0.0, time.monotonic(), False
    while still_s <= stall_s:
        await asyncio.sleep(look_s)
        now = time.monotonic()
        still_s += min(now - before, 2 * look_s)
        before = now
        if still_s > stall_s / 2 and not is_asked:
            is_asked = True
            look_again()
        if (current := progress()) != seen:
            seen, still_s, is_asked = current, 0.0, False
    stop(
        StalledError(
            f"nothing has come back for limits.stall_s = {stall_s:g} s: {what_it_waits_for()}. "
            "Start the same command again: nothing that was paid is lost."
        )
    )
