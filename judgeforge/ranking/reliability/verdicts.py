"""What order flips, seats, ties and other judges tell of a judge that compares two completions.

A judge that names the same winner in both orders reads the completions; one that names the same
seat reads the seats. With independent orders, *reads* = (same - flipped) / pairs is the correlation
of its two verdicts. But a judge can read and be fooled the same way twice, and weak judges are
fooled together, so that neither their consistency nor their number shows it. The judge that reads
most is the one least likely to be fooled by what is easy to see; what the others read counts as far
as it agrees with that one's verdicts (*agrees*, the slope on them). A verdict then has the
correlation reads * agrees with the truth, and the log-odds of being right that belong to it. Both
are shrunk by how surely they are above zero (positive-part James-Stein).

Where no pair was shown in both orders, several judges still show it by how far they agree
(agreement.py).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from judgeforge.ranking.evidence import Comparison, Evidence, leads_by_order
from judgeforge.ranking.reliability.agreement import Agreement, ComparedPair, agreement_of
from judgeforge.ranking.reliability.judges import JudgeReliability, Reliability

PRIOR_PAIRS = 24
"""The prior discrimination has faded once this many pairs were seen in both orders."""
PRIOR_VERDICTS = 20.0
"""How many verdicts the prior position bias and tie band are worth."""
SMOOTHING = 2.0
"""Pairs without information that are added to those seen, so that no judge is taken for perfect."""
SURE_Z = 2.0
"""Standard errors above zero at which a share begins to count."""
_MOST = 0.98


@dataclass(slots=True)
class _Tally:
    """Sums over the verdicts of one judge; parts of verdicts count as parts."""

    first: float = 0.0
    second: float = 0.0
    tie: float = 0.0
    same: float = 0.0
    """Pairs whose two orders have the same winner."""
    flipped: float = 0.0
    opinions: dict[ComparedPair, float] = field(default_factory=dict)
    """From -1 to 1 (for the lower place), the mean of both orders."""

    @property
    def pairs(self) -> float:
        return self.same + self.flipped

    @property
    def reads(self) -> float:
        return max(0.0, self.same - self.flipped) / (self.pairs + SMOOTHING)

    @property
    def surely_reads(self) -> float:
        return _sure(self.same - self.flipped, self.pairs)


def fit_verdicts(evidence: Sequence[Evidence], reliability: Reliability) -> Reliability:
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for one in evidence:
        _count(one.prompt_id, one.comparisons, tallies)
    if not tallies:
        return reliability
    anchor = max(sorted(tallies), key=lambda name: tallies[name].reads)
    in_one_order = not any(tally.pairs for tally in tallies.values())
    opinions = {name: tally.opinions for name, tally in tallies.items()}
    together = agreement_of(opinions) if in_one_order else None
    judges = tuple(
        _fitted(judge, tallies[judge.name], tallies[anchor], together)
        if judge.name in tallies
        else judge
        for judge in reliability.judges
    )
    return reliability.model_copy(update={"judges": judges})


def _count(
    prompt_id: str, comparisons: Sequence[Comparison], tallies: Mapping[str, _Tally]
) -> None:
    for one in comparisons:
        tally = tallies[one.judge]
        tally.first += one.prefers_first
        tally.second += one.prefers_second
        tally.tie += one.tie
    for (judge, pair), both in leads_by_order(comparisons).items():
        orders = [sum(leads) / len(leads) for leads in both if leads]
        tallies[judge].opinions[prompt_id, pair] = sum(orders) / len(orders)
        if len(orders) == 2:
            agreement = orders[0] * orders[1]
            tallies[judge].same += max(agreement, 0.0)
            tallies[judge].flipped += max(-agreement, 0.0)


def _fitted(
    prior: JudgeReliability, tally: _Tally, anchor: _Tally, together: Agreement | None
) -> JudgeReliability:
    verdicts = tally.first + tally.second + tally.tie
    prior_first = PRIOR_VERDICTS / (1.0 + math.exp(-prior.position))
    prior_second = PRIOR_VERDICTS - prior_first
    prior_ties = prior.tie / (1.0 + prior.tie) * PRIOR_VERDICTS
    ties = (tally.tie + prior_ties) / (verdicts + PRIOR_VERDICTS)
    remains = max(0.0, 1.0 - (together.pairs if together else tally.pairs) / PRIOR_PAIRS)
    if remains == 1.0:
        seen = 0.0
    elif together:
        seen = together.discrimination
    else:
        seen = _discrimination(tally, anchor)
    return prior.model_copy(
        update={
            "discrimination": remains * prior.discrimination + (1.0 - remains) * seen,
            "position": math.log((tally.first + prior_first) / (tally.second + prior_second)),
            "tie": ties / (1.0 - ties),
        }
    )


def _discrimination(tally: _Tally, anchor: _Tally) -> float:
    agrees, surely_agrees = (1.0, 1.0) if tally is anchor else _agreement(tally, anchor)
    return _log_odds(tally.reads * agrees) * tally.surely_reads * surely_agrees


def _log_odds(right: float) -> float:
    right = min(right, _MOST)
    return math.log((1.0 + right) / (1.0 - right))


def _agreement(tally: _Tally, anchor: _Tally) -> tuple[float, float]:
    """Slope of a judge's verdicts on what the anchor read, 0 to 1, and how sure it is above 0."""
    both = [
        (tally.opinions[pair], anchor.opinions[pair])
        for pair in sorted(tally.opinions.keys() & anchor.opinions.keys())
    ]
    agreement = math.fsum(own * other for own, other in both)
    told = math.fsum(abs(own * other) for own, other in both)
    if agreement <= 0.0:
        return 0.0, 0.0
    slope = agreement / ((told + SMOOTHING) * anchor.reads) if anchor.reads else 0.0
    return min(slope, 1.0), _sure(agreement, math.fsum((own * other) ** 2 for own, other in both))


def _sure(excess: float, squares: float) -> float:
    """1 - (SURE_Z / z)^2 or 0, where z is the excess in its standard errors under pure chance."""
    if excess <= 0.0 or squares <= 0.0:
        return 0.0
    return max(0.0, 1.0 - SURE_Z**2 * squares / excess**2)
