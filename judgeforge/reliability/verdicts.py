"""What order flips, seats and ties tell of a judge that compares two completions.

A judge that names the same winner in both orders reads the completions; one that names the same
seat reads the seats. The log-odds of "same winner" against "same seat" are those of a consistent
verdict being right, if errors are independent. They are not: weak judges err together. So a judge
counts by its log-odds times the square of the share of its verdicts that order does not explain,
shrunk by how surely that share is above zero (positive-part James-Stein).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from judgeforge.evidence import Comparison, Evidence
from judgeforge.reliability.judges import JudgeReliability, Reliability

PRIOR_PAIRS = 12.0
"""How many pairs, seen in both orders, the prior discrimination is worth."""
PRIOR_VERDICTS = 20.0
"""How many verdicts the prior position bias and tie band are worth."""
SURE_Z = 2.0
"""Standard errors that consistency must be above chance to count at all."""


@dataclass(slots=True)
class _Tally:
    """Sums over the verdicts of one judge; parts of verdicts count as parts."""

    first: float = 0.0
    second: float = 0.0
    tie: float = 0.0
    same: float = 0.0
    """Pairs whose two orders have the same winner."""
    flipped: float = 0.0

    @property
    def pairs(self) -> float:
        return self.same + self.flipped


def fit_verdicts(evidence: Sequence[Evidence], reliability: Reliability) -> Reliability:
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for one in evidence:
        _count(one.comparisons, tallies)
    judges = tuple(
        _fitted(judge, tallies[judge.name]) if judge.name in tallies else judge
        for judge in reliability.judges
    )
    return reliability.model_copy(update={"judges": judges})


def _count(comparisons: Iterable[Comparison], tallies: dict[str, _Tally]) -> None:
    orders: dict[tuple[str, int, int], dict[bool, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in comparisons:
        tally = tallies[one.judge]
        tally.first += one.prefers_first
        tally.second += one.prefers_second
        tally.tie += one.tie
        low, high = sorted((one.first, one.second))
        lead = one.prefers_first - one.prefers_second
        orders[one.judge, low, high][one.first == low].append(lead)
    for (judge, _, _), found in orders.items():
        if len(found) < 2:
            continue
        forward = sum(found[True]) / len(found[True])
        backward = -sum(found[False]) / len(found[False])
        agreement = forward * backward
        tallies[judge].same += max(agreement, 0.0)
        tallies[judge].flipped += max(-agreement, 0.0)


def _fitted(prior: JudgeReliability, tally: _Tally) -> JudgeReliability:
    verdicts = tally.first + tally.second + tally.tie
    decided = tally.first + tally.second
    half = PRIOR_VERDICTS / 2.0
    position = math.log((tally.first + half) / (tally.second + half))
    prior_ties = prior.tie / (1.0 + prior.tie) * PRIOR_VERDICTS
    ties = (tally.tie + prior_ties) / (verdicts + PRIOR_VERDICTS)
    return prior.model_copy(
        update={
            "discrimination": _discrimination(prior.discrimination, tally),
            "position": position if decided else prior.position,
            "tie": ties / (1.0 - ties),
        }
    )


def _discrimination(prior: float, tally: _Tally) -> float:
    """Near the prior while few pairs were seen in both orders."""
    if not tally.pairs:
        return prior
    odds = math.log((tally.same + 1.0) / (tally.flipped + 1.0))
    net = (tally.same - tally.flipped) / tally.pairs
    z = (tally.same - tally.flipped) / math.sqrt(tally.pairs)
    sure = max(0.0, 1.0 - (SURE_Z / z) ** 2) if z > 0 else 0.0
    seen = max(0.0, odds) * max(0.0, net) ** 2 * sure
    return (tally.pairs * seen + PRIOR_PAIRS * prior) / (tally.pairs + PRIOR_PAIRS)
