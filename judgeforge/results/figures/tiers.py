"""How many judgments each tier gave, and what the cascade saved. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.config.judges import JudgeConfig
from judgeforge.ranking.protocols import is_by_code
from judgeforge.store.manifest import JudgingTotals


class TierFigures:
    """Fed prompt by prompt; what code checked is no judgment of a tier."""

    def __init__(self, judges: Sequence[JudgeConfig] = ()) -> None:
        self._judges = judges
        self._asked: Counter[str] = Counter()
        """Judgments by judge."""
        self._cost: dict[str, float] = defaultdict(float)
        self._unpriced: set[str] = set()
        self._everything: Counter[str] = Counter()
        """Judgments by judge, had all of them been asked everything."""
        self._certain = 0
        """Judgments of the first tier, once each: what a cascade asks in any case."""

    def add_prompt(self, judgments: Sequence[Mapping[str, Any]]) -> None:
        asked = [row for row in judgments if not is_by_code(row["protocol"])]
        completions = len({name for row in asked for name in row["completion_ids"]})
        for row in asked:
            self._asked[row["judge"]] += 1
            if row["cost_usd"] is None:
                self._unpriced.add(row["judge"])
            else:
                self._cost[row["judge"]] += row["cost_usd"]
        if asked:
            first = min((judge.tier for judge in self._judges), default=0)
            for judge in self._judges:
                questions = judge.questions(completions)
                self._everything[judge.label] += judge.repeats * questions
                self._certain += questions if judge.tier == first else 0

    def totals(self) -> JudgingTotals:
        tiers: Counter[str] = Counter()
        for judge in self._judges:
            tiers[str(judge.tier)] += self._asked[judge.label]
        return JudgingTotals(
            judgments=sum(self._asked.values()),
            by_tier=dict(sorted(tiers.items())),
            by_judge={judge.label: self._asked[judge.label] for judge in self._judges},
            certain=self._certain,
            asking_everybody=sum(self._everything.values()),
            saved_usd=self._saved(),
        )

    def _saved(self) -> float | None:
        """At each judge's mean price; None where a price is unknown, or a judge that was never
        asked has no known mean price."""
        saved = 0.0
        for judge in self._judges:
            left = self._everything[judge.label] - self._asked[judge.label]
            if left <= 0:
                continue
            if judge.label in self._unpriced or not self._asked[judge.label]:
                return None
            saved += left * self._cost[judge.label] / self._asked[judge.label]
        return round(saved, 12)
