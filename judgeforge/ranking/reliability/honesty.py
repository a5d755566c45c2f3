"""What judgments cannot show of their own judges: from what is known of recorded ones. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.outcomes import all_close, views
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import Ranking

LASTING = 1.45
"""Signal over own lasting error of a judge that nothing measures."""
ASSUMED_DOUBT = 0.8
ERROR_CORRELATION = 0.37
PANEL_DOUBT = 0.25
EQUAL_PROMPTS, EQUAL_PAIRS = 0.1, 0.15
PSEUDO = 15.0
STEPS = 30


def with_unseen(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    scored = {cell.judge for one in evidence for cell in one.cells}
    if len(scored) == 1 and not any(one.comparisons for one in evidence):
        known = _alone(known, next(iter(scored)))
    elif scored:
        known = _together(known, scored)
    return with_ties(evidence, known)


def _alone(known: Reliability, name: str) -> Reliability:
    judge = known.of(name)
    lasting = (judge.scale * known.quality_sd) ** 2 + judge.own_sd**2
    own = math.sqrt(lasting / (1.0 + LASTING**2))
    quality = math.sqrt(lasting - own**2) / judge.scale
    changed = judge.model_copy(update={"own_sd": own})
    judges = tuple(changed if one.name == name else one for one in known.judges)
    return known.model_copy(
        update={"judges": judges, "quality_sd": quality, "doubt": ASSUMED_DOUBT}
    )


def _together(known: Reliability, names: set[str]) -> Reliability:
    noise = sorted(
        (judge.own_sd**2 + judge.repeat_sd**2) / judge.scale**2
        for judge in known.judges
        if judge.name in names
    )
    typical = noise[(len(noise) - 1) // 2]
    shared = ERROR_CORRELATION / (1.0 - ERROR_CORRELATION) * typical / known.quality_sd**2
    return known.model_copy(
        update={"shared_by_all": shared / (1.0 + shared), "doubt": PANEL_DOUBT}
    )


def with_ties(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    from judgeforge.ranking.rank import rank_evidence

    prompts, pairs = EQUAL_PROMPTS, EQUAL_PAIRS
    use = [one for one in evidence if len(one.completion_ids) >= 2 and not one.checks]
    if not use:
        return known.model_copy(update={"close_prompts": prompts, "close_pairs": pairs})
    known = known.model_copy(update={"close_prompts": prompts, "close_pairs": pairs})
    rankings = [rank_evidence(one, known) for one in use]
    for _ in range(STEPS):
        update={"close_prompts": prompts, "close_pairs": pairs}
        all_equal = two_equal = differ = 0.0
        for r in rankings:
            r = r.model_copy(update={"prior": r.prior.model_copy(update=update)})
            each = _pairs(r); n=len(r.scores)
            if n==2:
                tot=1-(1-prompts)*(1-pairs); e=tot*each[0]; share=e/(e+1-tot)
                all_equal += share*prompts/tot; two_equal += share*(1-prompts/tot); differ += 1-share*prompts/tot
                continue
            like = 2/n*sum(math.log(pairs * x + 1 - pairs) for x in each)
            e = prompts * all_close(r)
            d = (1 - prompts) * math.exp(like)
            share = e / (e + d)
            all_equal += share
            two = np.mean([pairs * x / (pairs * x + 1 - pairs) for x in each])
            two_equal += (1 - share) * two
            differ += 1 - share
        n = len(rankings)
        prompts = (PSEUDO * EQUAL_PROMPTS + all_equal) / (PSEUDO + n)
        pairs = (PSEUDO * EQUAL_PAIRS + two_equal) / (PSEUDO + differ)
    return known.model_copy(update={"close_prompts": prompts, "close_pairs": pairs})


def _pairs(ranking: Ranking) -> list[float]:
    prior = ranking.prior
    cov = ranking.covariance
    out = []
    for i, k in combinations(range(len(ranking.scores)), 2):
        variance = cov[i][i] + cov[k][k] - 2 * cov[i][k]
        before = max(prior.sds[i] ** 2 + prior.sds[k] ** 2, variance)
        out.append(views(prior, ranking.scores[i] - ranking.scores[k], variance, before)[1].likelier)
    return out
