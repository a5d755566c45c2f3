"""How far a run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    prompts: int
    """Rows of the input that this start is about, finished ones included."""
    done: int
    pairs: int
    paid_calls: int
    cached_calls: int
    cost_usd: float | None
    budget_usd: float | None
    elapsed_s: float
    done_before: int
    """Finished before this start; they say nothing about the speed."""

    @property
    def eta_s(self) -> float | None:
        fresh = self.done - self.done_before
        if fresh <= 0:
            return None
        return (self.prompts - self.done) * self.elapsed_s / fresh
