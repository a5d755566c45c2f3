"""How far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    out_of_order: Mapping[str, str] = field(default_factory=dict)
    """The models that nothing but a probe is sent to, each with its last failure."""
    trouble: str | None = None
    """What is waited for, once nothing comes back; None while replies come."""

    @property
    def eta_s(self) -> float | None:
        fresh = self.done - self.done_before
        if fresh <= 0:
            return None
        return (self.prompts - self.done) * self.elapsed_s / fresh
