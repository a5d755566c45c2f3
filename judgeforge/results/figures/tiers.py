"""How many judgments each tier gave, and what the cascade saved, from the finished judgments."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from judgeforge.config.judges import JudgeConfig
from judgeforge.ranking.protocols import is_by_code
from judgeforge.store.json_lines import Row, read_rows


@dataclass(slots=True)
class _Sums:
    asked: Counter[str] = field(default_factory=Counter)
    """Judgments by judge."""
    cost: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    unpriced: set[str] = field(default_factory=set)
    everything: Counter[str] = field(default_factory=Counter)
    """Judgments by judge, had everybody been asked everything."""
    certain: int = 0
    """Judgments of the first tier, once each: what a cascade asks in any case."""


def judging_figures(judgments: Path, judges: Sequence[JudgeConfig]) -> dict[str, Any]:
    """``judgments`` by tier and judge, how many are ``certain`` to be asked with a cascade, how
    many ``asking_everybody`` would have taken, and what the difference to that would have cost at
    each judge's mean price. Raises StoreError."""
    sums = _Sums()
    for rows in _by_prompt(judgments):
        _add(rows, judges, sums)
    tiers: Counter[str] = Counter()
    for judge in judges:
        tiers[str(judge.tier)] += sums.asked[judge.label]
    return {
        "judgments": sum(sums.asked.values()),
        "by_tier": dict(sorted(tiers.items())),
        "by_judge": {judge.label: sums.asked[judge.label] for judge in judges},
        "certain": sums.certain,
        "asking_everybody": sum(sums.everything.values()),
        "saved_usd": _saved(judges, sums),
    }


def _by_prompt(judgments: Path) -> Iterator[list[Row]]:
    rows = read_rows(judgments, needs="prompt_id")
    for _, group in groupby(rows, key=lambda row: row["prompt_id"]):
        yield list(group)


def _add(rows: Sequence[Row], judges: Sequence[JudgeConfig], sums: _Sums) -> None:
    asked = [row for row in rows if not is_by_code(row["protocol"])]
    completions = len({name for row in asked for name in row["completion_ids"]})
    for row in asked:
        sums.asked[row["judge"]] += 1
        if row["cost_usd"] is None:
            sums.unpriced.add(row["judge"])
        else:
            sums.cost[row["judge"]] += row["cost_usd"]
    if asked:
        first = min(judge.tier for judge in judges)
        for judge in judges:
            questions = judge.questions(completions)
            sums.everything[judge.label] += judge.repeats * questions
            sums.certain += questions if judge.tier == first else 0


def _saved(judges: Sequence[JudgeConfig], sums: _Sums) -> float | None:
    """None where a price is unknown, or a judge that was never asked has no known mean price."""
    saved = 0.0
    for judge in judges:
        left = sums.everything[judge.label] - sums.asked[judge.label]
        if left <= 0:
            continue
        if judge.label in sums.unpriced or not sums.asked[judge.label]:
            return None
        saved += left * sums.cost[judge.label] / sums.asked[judge.label]
    return round(saved, 12)
