"""What can be counted of the judges, each alone and by tier. Pure.

How often they were asked, gave nothing, agreed, or were drawn to the first answer; and what the
cascade saved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import Any

from judgeforge.config.judges import JudgeConfig
from judgeforge.ranking.protocols import is_by_code
from judgeforge.ranking.rules import first_tier
from judgeforge.results.figures.calls import together
from judgeforge.results.figures.completions import add_answer
from judgeforge.store.evidence_rows import judgment_fields
from judgeforge.store.manifest import JudgingTotals

Preferences = dict[tuple[str, str], float]
"""Two completions -> how much the first is preferred, -1 to 1. Ids in ascending order."""

_LEAST_PREFERENCE = 1e-9
_MOST_COMPLETIONS = 12
"""Of a prompt; two by two these are 66 comparisons."""


@dataclass(slots=True)
class JudgeTally:
    protocols: set[str] = field(default_factory=set)
    judgments: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    """By ``MissingKind``."""
    left_to_judges: int = 0
    """Of these, those of prompts that judges decided instead: nothing lacks there."""
    own_family: int = 0
    """Judgments that saw a completion of the judge's own model family."""
    cost_usd: float | None = 0.0
    """None where a price is unknown."""
    answered: Counter[str] = field(default_factory=Counter)
    """Replies by what the server calls the model, as far as it says."""
    cut_prompts: list[int] = field(default_factory=list)
    """Tokens that the server counted, of each input that it may have cut."""
    first_won: int = 0
    """Verdicts for the completion that was shown first; ``decided`` counts those without a tie."""
    decided: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        self.judgments += 1
        add_answer(row, self.answered, self.cut_prompts)
        self.protocols.add(row["protocol"])
        self.own_family += bool(row.get("own_family"))
        self.cost_usd = together(self.cost_usd, row.get("cost_usd"))
        if row.get("missing"):
            kind = judgment_fields(row)["missing_kind"]
            self.missing[kind] += 1
            self.left_to_judges += kind == "left_to_judges"
        elif row.get("verdict") in ("a", "b"):
            self.decided += 1
            self.first_won += row["verdict"] == "a"

    @property
    def by_code(self) -> bool:
        return bool(self.protocols) and all(map(is_by_code, self.protocols))

    @property
    def missing_share(self) -> float:
        """Of what was to be had from it."""
        wanted = self.judgments - self.left_to_judges
        return (self.missing.total() - self.left_to_judges) / wanted if wanted else 0.0

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
        self.judges: defaultdict[str, JudgeTally] = defaultdict(JudgeTally)
        self.agreement: defaultdict[tuple[str, str], Agreement] = defaultdict(Agreement)
        """Two judges in the order of their names."""

    def add_prompt(
        self, judgments: Sequence[Mapping[str, Any]], in_pairs: Collection[str] = ()
    ) -> dict[str, Preferences]:
        """Returns what each judge of several prefers; nothing where there is only one."""
        for row in judgments:
            self.judges[row["judge"]].add(row)
        if len({row["judge"] for row in judgments}) < 2:
            return {}
        told = preferences_by_judge(judgments, in_pairs)
        for one, other in combinations(sorted(told), 2):
            self._compare(one, other, told[one], told[other])
        return told

    def _compare(self, one: str, other: str, ours: Preferences, theirs: Preferences) -> None:
        tally = self.agreement[one, other]
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

    def own_family(self) -> dict[str, int]:
        """Judge -> judgments that saw a completion of its own family, where there are any."""
        counts = {name: judge.own_family for name, judge in sorted(self.judges.items())}
        return {name: count for name, count in counts.items() if count}


def preferences_by_judge(
    judgments: Sequence[Mapping[str, Any]], in_pairs: Collection[str] = ()
) -> dict[str, Preferences]:
    """Averaged over repeats and orders. What code checked is not an opinion and is left out.

    Of many scored completions those that are ``in_pairs`` (ids) are compared, then the first ones.
    """
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    verdicts: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in judgments:
        if row.get("missing") or is_by_code(row["protocol"]):
            continue
        shown = row["completion_ids"]
        if row.get("verdict") is not None:
            first, second = shown
            told = _verdict(row) if first < second else -_verdict(row)
            key = (min(first, second), max(first, second))
            verdicts[row["judge"]][key].append(told)
            continue
        given = row.get("scores") or row.get("rewards") or (row.get("score"),)
        for name, score in zip(shown, given, strict=True):
            if score is not None:
                scores[row["judge"]][name].append(score)
    found = {judge: _from_scores(told, in_pairs) for judge, told in scores.items()}
    for judge, by_pair in verdicts.items():
        found.setdefault(judge, {}).update((key, fmean(each)) for key, each in by_pair.items())
    return found


def preference(told: Preferences, one: str, other: str) -> float | None:
    """How much ``one`` is preferred to ``other``; None where the judge did not see both."""
    if one < other:
        return told.get((one, other))
    reverse = told.get((other, one))
    return None if reverse is None else -reverse


def _verdict(row: Mapping[str, Any]) -> float:
    sign = {"a": 1.0, "b": -1.0, "tie": 0.0}[row["verdict"]]
    strength = row.get("strength")
    return sign if strength is None else sign * strength


def _from_scores(scores: Mapping[str, Sequence[float]], in_pairs: Collection[str]) -> Preferences:
    # Ids of a prompt differ in a number at their end: the shorter ones come first.
    wanted = sorted(scores, key=lambda name: (name not in in_pairs, len(name), name))
    means = {name: fmean(scores[name]) for name in sorted(wanted[:_MOST_COMPLETIONS])}
    return {(one, other): means[one] - means[other] for one, other in combinations(means, 2)}


class TierFigures:
    """Fed prompt by prompt; what code checked is not a judgment of a tier."""

    def __init__(self, judges: Sequence[JudgeConfig] = ()) -> None:
        self._judges = judges
        self._asked: Counter[str] = Counter()
        """Judgments by judge."""
        self._cost: dict[str, float] = defaultdict(float)
        self._unpriced: set[str] = set()
        self._everything: Counter[str] = Counter()
        """Judgments by judge, had all of them been asked everything."""
        self._certain = 0
        """Judgments of the first tier, once each: what a cascade always asks."""

    def add_prompt(
        self,
        judgments: Sequence[Mapping[str, Any]],
        completions: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """``completions``: of those that are ranked without a judgment (by the records of their
        writers) a judge could have been asked."""
        asked = [row for row in judgments if not is_by_code(row["protocol"])]
        names = {name for row in asked for name in row["completion_ids"]}
        if not judgments or asked:
            names |= {row["id"] for row in completions if row.get("score") is not None}
        names -= {row["id"] for row in completions if row.get("duplicate_of")}
        for row in asked:
            self._asked[row["judge"]] += 1
            if row["cost_usd"] is None:
                self._unpriced.add(row["judge"])
            else:
                self._cost[row["judge"]] += row["cost_usd"]
        if names:
            first = first_tier(self._judges)
            for judge in self._judges:
                questions = judge.questions(len(names))
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
