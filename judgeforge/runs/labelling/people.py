"""How far people agree with each other, and each with an own second look. Pure.

Percent, and what is beyond chance: Cohen's kappa (1960) of two people, Krippendorff's alpha (2004,
nominal) of any number, where not everybody has seen everything. Intervals of 95 %: Wilson's of the
share, and the bootstrap's over items of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from judgeforge.calibration.evaluation.statistics import cohen_kappa, wilson
from judgeforge.runs.labelling.label_line import Given
from judgeforge.runs.measurement.label_rows import CANNOT_TELL

_DRAWS, _SEED = 1000, 20261127

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class OwnAgreement:
    items: int
    same: int
    interval: Interval
    """Wilson's, 95 %."""
    same_side: int
    """Of the changed ones, those where the person twice preferred the answer on the same side."""

    def in_words(self) -> str:
        low, high = self.interval
        said = (
            f"on a second look the same answer {self.same} of {self.items} times "
            f"({self.same / self.items:.0%}, {low:.0%} to {high:.0%})"
        )
        if not self.same_side:
            return said
        return f"{said}; {self.same_side} of the others kept the side, not the answer"


def own_agreement(given: Sequence[Given]) -> OwnAgreement | None:
    """Of one person. None without a second look; what the person could not tell counts as any
    other answer."""
    first = {(one.prompt_id, frozenset(one.shown)): one for one in given if not one.repeat}
    twice = [
        (before, one)
        for one in given
        if one.repeat and (before := first.get((one.prompt_id, frozenset(one.shown))))
    ]
    if not twice:
        return None
    same = sum(_meant(before) == _meant(after) for before, after in twice)
    changed = [(b, a) for b, a in twice if _meant(b) != _meant(a)]
    side = sum(b.order[:1] == a.order[:1] != () for b, a in changed)
    return OwnAgreement(len(twice), same, wilson(same, len(twice)), side)


@dataclass(frozen=True, slots=True)
class TwoPeople:
    first: str
    second: str
    items: int
    share: float
    share_interval: Interval
    kappa: float | None
    """Cohen's; None where both gave one and the same answer everywhere."""
    kappa_interval: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    people: tuple[str, ...]
    items: int
    """That at least two have answered."""
    pairs: tuple[TwoPeople, ...]
    alpha: float | None
    """Krippendorff's, of all together."""
    alpha_interval: Interval | None


def compare_people(by_person: Mapping[str, Sequence[Given]]) -> Comparison:
    """First looks only; an answer of "cannot tell" is not an opinion."""
    said = {name: _opinions(given) for name, given in by_person.items()}
    items = sorted({item for one in said.values() for item in one})
    table = [{name: one[item] for name, one in said.items() if item in one} for item in items]
    shared = [row for row in table if len(row) >= 2]
    alpha = krippendorff_alpha([list(row.values()) for row in shared])
    return Comparison(
        people=tuple(by_person),
        items=len(shared),
        pairs=tuple(found for pair in combinations(by_person, 2) if (found := _two(*pair, shared))),
        alpha=alpha,
        alpha_interval=_interval(
            lambda rows: krippendorff_alpha([list(row.values()) for row in rows]), shared
        ),
    )


def krippendorff_alpha(items: Sequence[Sequence[str]]) -> float | None:
    """``items``: of each, the answers of those who gave one. None where nothing can be compared."""
    several = [one for one in items if len(one) >= 2]
    total = sum(len(one) for one in several)
    if total < 2:
        return None
    differs = sum(sum(a != b for a in one for b in one) / (len(one) - 1) for one in several) / total
    counts = Counter(answer for one in several for answer in one)
    expected = 1.0 - sum(n * (n - 1) for n in counts.values()) / (total * (total - 1))
    return None if expected <= 0 else 1.0 - differs / expected


def _two(first: str, second: str, table: Sequence[Mapping[str, str]]) -> TwoPeople | None:
    both = [row for row in table if first in row and second in row]
    if not both:
        return None
    same = sum(row[first] == row[second] for row in both)

    def kappa(rows: Sequence[Mapping[str, str]]) -> float | None:
        return cohen_kappa([row[first] for row in rows], [row[second] for row in rows])

    return TwoPeople(
        first,
        second,
        items=len(both),
        share=same / len(both),
        share_interval=wilson(same, len(both)),
        kappa=kappa(both),
        kappa_interval=_interval(kappa, both),
    )


def _interval(
    figure: Callable[[Sequence[Mapping[str, str]]], float | None],
    rows: Sequence[Mapping[str, str]],
) -> Interval | None:
    rng = np.random.default_rng(_SEED)
    found = []
    for _ in range(_DRAWS if len(rows) > 1 else 0):
        value = figure([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        if value is not None:
            found.append(value)
    if not found:
        return None
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _opinions(given: Sequence[Given]) -> dict[tuple[str, tuple[str, ...]], str]:
    return {
        (one.prompt_id, tuple(sorted(one.shown))): _place(one)
        for one in given
        if not one.repeat and one.said != CANNOT_TELL
    }


def _place(given: Given) -> str:
    """Of the preferred one among their ids in order: the same few answers for every question, as
    what chance alone would give is counted from how often each is given."""
    return (
        given.said if given.preferred is None else str(sorted(given.shown).index(given.preferred))
    )


def _meant(given: Given) -> str:
    """Whatever the sides: the id that is preferred, or that there is none."""
    return given.preferred or given.said
