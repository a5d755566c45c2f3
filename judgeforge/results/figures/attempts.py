"""How the attempts of calls ended, by the lines of the log. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RATE_LIMITED = 429
STARTS = frozenset({"run_started", "reward_opened"})
"""The first event of a start, of a run and of the reward function of a training."""


@dataclass(slots=True)
class Attempts:
    attempts: int = 0
    replies: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """Attempts without a reply, by HTTP status or by kind."""

    @property
    def rate_limited(self) -> int:
        return self.failures[f"HTTP {RATE_LIMITED}"]

    def count(self, row: Mapping[str, Any]) -> bool:
        """A line of a call: whether it brought a reply. Raises KeyError where no run wrote it."""
        self.attempts += 1
        if row.get("output_tokens") is not None:
            self.replies += 1
            return True
        status = row.get("status")
        self.failures[f"HTTP {status}" if status else str(row["outcome"])] += 1
        return False
