"""What can be counted of the judges: how often asked, silent, agreed, drawn to the first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from judgeforge.records import missing_kind
from judgeforge.report.call_figures import together
from judgeforge.report.preferences import Preferences, preferences_by_judge

CODE = "checks"
_LEAST_PREFERENCE = 1e-9


@dataclass(slots=True)
class JudgeTally:
    protocols: set[str] = field(default_factory=set)
    judgments: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    """By kind: refused, failed, unread."""
    cost_usd: float | None = 0.0
    """None where a price is unknown."""
    first_won: int = 0
    """Verdicts for the completion that was shown first; ``decided`` counts those without a tie."""
    decided: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        self.judgments += 1
        self.protocols.add(row["protocol"])
        self.cost_usd = together(self.cost_usd, row.get("cost_usd"))
        if row.get("missing"):
            self.missing[missing_kind(row["missing"])] += 1
        elif row.get("verdict") in ("a", "b"):
            self.decided += 1
            self.first_won += row["verdict"] == "a"

    @property
    def missing_share(self) -> float:
        return self.missing.total() / self.judgments if self.judgments else 0.0

    @property
    def first_share(self) -> float | None:
        return self.first_won / self.decided if self.decided else None


@dataclass(slots=True)
class Agreement:
    """Of two judges, over pairs of completions that both of them told apart."""

    same: int = 0
    different: int = 0

    @property
    def share(self) -> float | None:
        total = self.same + self.different
        return self.same / total if total else None


class JudgeFigures:
    def __init__(self) -> None:
        self.judges: dict[str, JudgeTally] = {}
        self.agreement: dict[tuple[str, str], Agreement] = {}
        """Two judges in the order of their names."""

    def add_prompt(
        self, judgments: Sequence[Mapping[str, Any]], in_pairs: Collection[str] = ()
    ) -> dict[str, Preferences]:
        """Gives back what each judge of several prefers; nothing where only one has a say."""
        for row in judgments:
            name = row["judge"]
            if name not in self.judges:
                self.judges[name] = JudgeTally()
            self.judges[name].add(row)
        if len({row["judge"] for row in judgments}) < 2:
            return {}
        told = preferences_by_judge(judgments, in_pairs)
        for one, other in combinations(sorted(told), 2):
            self._compare(one, other, told[one], told[other])
        return told

    def _compare(self, one: str, other: str, ours: Preferences, theirs: Preferences) -> None:
        tally = self.agreement.setdefault((one, other), Agreement())
        for key, value in ours.items():
            counterpart = theirs.get(key, 0.0)
            if abs(value) < _LEAST_PREFERENCE or abs(counterpart) < _LEAST_PREFERENCE:
                continue
            if (value > 0) == (counterpart > 0):
                tally.same += 1
            else:
                tally.different += 1

    def agreement_of(self, one: str, other: str) -> Agreement:
        return self.agreement.get((min(one, other), max(one, other)), Agreement())
