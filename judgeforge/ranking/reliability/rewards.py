"""What a run shows of its reward models: on which scale they speak, and how much it tells. Pure.

The unit of a judge is set so that its scores spread within prompts as those of any judge are
expected to, by the median gap of two completions, which a few gaps far out do not move. What it
says of a whole prompt counts for nothing, so its own error about prompts is left free.

Where all other judges compare completions instead of scoring them, scores alone cannot show how
much of a reward is error. There the verdicts do: of two normal variables with signal and error, the
share of pairs that both order alike is 1/2 + arctan(signal / error) / pi (Sheppard 1899).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import median

from judgeforge.ranking.evidence import Cell, Evidence, leads_by_order
from judgeforge.ranking.reliability.judges import PRIOR, JudgeReliability, Reliability
from judgeforge.ranking.rewards import STEEPEST

ANY_PROMPT_SD = 10.0
"""Of a reward model's opinion about a whole prompt: far more than scores reach."""
PRIOR_AGREEMENT = 2.0 / math.pi * math.atan(1.4)
"""Share of the pairs that a judge orders rightly, less those that it orders wrongly: that of one
that sees 1.4 times as much as it errs (unseen.LASTING_SIGNAL)."""
PRIOR_PAIRS = 12.0
"""How many pairs with a verdict that is worth."""
_MOST, _LEAST = 0.98, 0.02
_MEDIAN_GAP = 0.6745 * math.sqrt(2.0)
"""Median distance of two draws of a normal law, in its standard deviations."""
_EXPECTED_SD = math.sqrt(PRIOR.quality_sd**2 + PRIOR.others.own_sd**2 + PRIOR.others.repeat_sd**2)
"""Of any judge's scores within a prompt."""


def with_reward_units(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    """A judge whose rewards never differ within a prompt keeps none: it has said nothing."""
    gaps: dict[str, list[float]] = defaultdict(list)
    for one in evidence:
        for judge, cells in _by_judge(one.rewards).items():
            gaps[judge] += (abs(a.mean - b.mean) for a, b in combinations(cells, 2))
    units = {judge: _unit(found) for judge, found in gaps.items()}
    new = sorted(units.keys() - {judge.name for judge in known.judges})
    judges = [*known.judges, *(known.others.model_copy(update={"name": name}) for name in new)]
    return known.model_copy(
        update={"judges": tuple(_with_unit(judge, units.get(judge.name)) for judge in judges)}
    )


def _unit(gaps: Iterable[float]) -> float | None:
    told = [gap for gap in gaps if gap > 0.0]
    return median(told) / _MEDIAN_GAP * STEEPEST / _EXPECTED_SD if told else None


def _with_unit(judge: JudgeReliability, unit: float | None) -> JudgeReliability:
    if unit is None:
        return judge
    return judge.model_copy(update={"reward_unit": unit, "prompt_sd": ANY_PROMPT_SD})


def with_errors_by_verdicts(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    """``known``: fitted on ``evidence``, whose rewards are scores by now. Nothing changes where a
    judge scores that is not a reward model, or none compares."""
    scoring = {cell.judge for one in evidence for cell in one.cells}
    comparing = {each.judge for one in evidence for each in one.comparisons}
    if not comparing or any(known.of(name).reward_unit is None for name in scoring):
        return known
    anchor = max(sorted(comparing), key=lambda name: known.of(name).discrimination)
    # Known only by another, it is worth no more than that one.
    most = max(math.tanh(0.5 * known.of(anchor).discrimination), _LEAST)
    judges = tuple(
        _measured(judge, min(_agreement(evidence, judge.name, anchor), most), known.quality_sd)
        if judge.name in scoring
        else judge
        for judge in known.judges
    )
    return known.model_copy(update={"judges": judges})


def _agreement(evidence: Sequence[Evidence], judge: str, anchor: str) -> float:
    """Share of all pairs with a verdict (0 to 1) that the judge orders as the anchor does, less
    those that it orders the other way.

    Pairs that the anchor does not tell apart, or finds now this and now that way, count as ordered
    by chance: they are the hard ones, on which recorded reward models do no better (0.4 to 0.5).
    """
    right, told = PRIOR_PAIRS * PRIOR_AGREEMENT, PRIOR_PAIRS
    for one in evidence:
        means = {cell.place: cell.mean for cell in _by_judge(one.cells).get(judge, ())}
        for (name, pair), both in leads_by_order(one.comparisons).items():
            if name != anchor or not means.keys() >= set(pair):
                continue
            orders = [_sign(sum(leads)) for leads in both if leads]
            verdict = sum(orders) / len(orders)
            right += verdict * _sign(means[pair[0]] - means[pair[1]])
            told += 1.0
    return min(max(right / told, _LEAST), _MOST)


def _sign(value: float) -> float:
    return math.copysign(1.0, value) if value else 0.0


def _measured(judge: JudgeReliability, agreement: float, quality_sd: float) -> JudgeReliability:
    """Its spread stays; how much of it is error follows from how often it is right."""
    ratio = math.tan(0.5 * math.pi * agreement)
    return _with_signal(
        judge, 1.0 - 1.0 / (1.0 + ratio**2), _variance(judge, quality_sd), quality_sd
    )


def with_errors_alike(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    """Of one judge that scores and one reward model beside it, scores show how far the two agree,
    and not which of them errs more: without a scale of prompts in common nothing does. So both are
    taken to err alike. Of other panels nothing changes."""
    scoring = sorted({cell.judge for one in evidence for cell in one.cells})
    rewarding = [name for name in scoring if known.of(name).reward_unit is not None]
    if len(scoring) != 2 or len(rewarding) != 1:
        return known
    other = known.of(next(name for name in scoring if name not in rewarding))
    variances = {name: _variance(known.of(name), known.quality_sd) for name in scoring}
    shared = known.of(rewarding[0]).scale * other.scale * known.quality_sd**2
    share = min(max(shared / math.sqrt(math.prod(variances.values())), _LEAST), _MOST)
    quality_sd = math.sqrt(share * variances[other.name]) / other.scale
    judges = tuple(
        _with_signal(judge, share, variances[judge.name], quality_sd)
        if judge.name in variances
        else judge
        for judge in known.judges
    )
    return known.model_copy(update={"judges": judges, "quality_sd": quality_sd})


def _variance(judge: JudgeReliability, quality_sd: float) -> float:
    """Of one of its scores within a prompt."""
    return (judge.scale * quality_sd) ** 2 + judge.own_sd**2 + judge.repeat_sd**2


def _with_signal(
    judge: JudgeReliability, share: float, variance: float, quality_sd: float
) -> JudgeReliability:
    """``share`` of its scores' ``variance`` within a prompt is the quality, the rest is error."""
    error = (1.0 - share) * variance
    noise = min(judge.repeat_sd**2, 0.5 * error)
    return judge.model_copy(
        update={
            "scale": math.sqrt(share * variance) / quality_sd,
            "own_sd": math.sqrt(error - noise),
            "repeat_sd": math.sqrt(noise),
        }
    )


def _by_judge(cells: Iterable[Cell]) -> Mapping[str, list[Cell]]:
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.judge].append(cell)
    return found
