"""Which prompt may still begin, so that money does not end in half-judged prompts.

A prompt begins when what it needs fits beside what the prompts under way still need. Until a
prompt of the folder is finished, it needs the most that its planned calls can cost; from then on
what they are expected to cost, times the highest ratio of paid to expected of the last prompts,
also those of earlier starts.
One reservation of the largest size stays free on top, since the last call of a prompt must be
reserved whole. Where a prompt does not fit, the next look is when one under way ends. Where none
is under way, it may use stored replies only; the first call that must be paid ends the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from judgeforge.calls.money.budget import OF_DAY, Budget
from judgeforge.calls.money.claims import Claim
from judgeforge.errors import BudgetExhaustedError
from judgeforge.records import Prompt
from judgeforge.store.counters import PromptCosts
from judgeforge.store.spending import to_usd
from judgeforge.text.wording import counted


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planned calls of one prompt cost, in picodollars."""

    calls: int
    expected: int
    most: int


class Admission:
    def __init__(
        self, budget: Budget, estimate: Callable[[Prompt], Estimate], costs: PromptCosts
    ) -> None:
        self._budget, self._estimate, self._costs = budget, estimate, costs
        self._under_way: dict[int, tuple[Claim, Estimate, int]] = {}
        """Each with what it was expected to need, in calls and in picodollars."""
        self._needed_pico = self._needed_calls = 0
        """Of all of them, whatever they have paid of it."""
        self._ended = asyncio.Event()
        self._stopped = False

    async def admit(self, prompt: Prompt) -> Claim:
        """Wait until it is known whether this prompt may pay; ``ended`` must follow."""
        claim = Claim(prompt=prompt.id)
        if not self._budget.limited:
            return claim
        estimate = self._estimate(prompt)
        while not self._stopped and not self._fits(estimate, need := self._need(estimate)):
            if self._under_way:
                self._ended.clear()
                await self._ended.wait()
            elif not await self._budget.wait_for_others(need):
                claim.refusal = self._refusal(estimate, need)
                break
        if self._stopped:
            return claim
        self._under_way[id(claim)] = (claim, estimate, need)
        self._needed_pico += need
        self._needed_calls += estimate.calls
        return claim

    def stop(self) -> None:
        """No prompt begins any more, so none need wait to learn whether it may."""
        self._stopped = True
        self._ended.set()

    def ended(self, claim: Claim, *, finished: bool) -> None:
        """What a prompt cost that was stopped half-way, or used stored replies, teaches nothing.

        Raises StoreError where it cannot be kept for the next start.
        """
        _, estimate, need = self._under_way.pop(id(claim), (None, None, 0))
        if estimate is not None:
            self._needed_pico -= need
            self._needed_calls -= estimate.calls
        self._ended.set()
        if estimate is not None and finished and claim.paid_calls and not claim.cached_calls:
            ratio = claim.paid_pico / max(1, estimate.expected)
            self._costs.add(ratio, largest_pico=self._budget.largest_pico)

    @property
    def _largest_pico(self) -> int:
        return max(self._budget.largest_pico, self._costs.largest_pico)

    def _need(self, estimate: Estimate) -> int:
        ratios = self._costs.ratios
        return round(estimate.expected * max(ratios)) if ratios else estimate.most

    def _fits(self, estimate: Estimate, pico: int) -> bool:
        calls = estimate.calls
        if not self._under_way and not self._costs.ratios:
            # Alone and with nothing known it is a probe: small budgets would never begin otherwise.
            pico = estimate.expected
        largest = self._largest_pico
        if self._budget.room().holds(
            pico + self._needed_pico + largest, calls + self._needed_calls
        ):
            return True
        for claim, other, need in self._under_way.values():
            pico += max(0, need - claim.paid_pico)
            calls += max(0, other.calls - claim.paid_calls - claim.cached_calls)
        # What those under way have paid is out of the room already.
        return self._budget.room().holds(pico + largest, calls)

    def _refusal(self, estimate: Estimate, pico: int) -> BudgetExhaustedError:
        room, wanted = self._budget.room(), pico + self._largest_pico
        if room.pico is not None and wanted > room.pico:
            limit = room.limit
            left = f"${to_usd(max(0, room.pico)):.6f} of {limit} is left"
            asked = f"up to ${to_usd(wanted):.6f}"
        else:
            limit = "budget.max_calls"
            left = f"{max(0, room.calls or 0)} of {limit} are left"
            asked = counted(estimate.calls, "call")
        return BudgetExhaustedError(
            f"{left}, and the next prompt may need {asked}, so it is not begun: it could end half "
            f"judged. Raise {limit} and start the same command again: nothing that was paid is "
            "lost.",
            of_day=limit == OF_DAY,
        )
