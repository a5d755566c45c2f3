"""What judgments cannot show of their own judges, from what is known of recorded ones. Pure.

A judge that is alone shows how far its opinions spread, never how much of that is its own error.
Judges that agree may err alike. Both are assumed here, from judges whose scores and labels are
recorded (docs/judging.md says which); labels of the run's own prompts take their place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.reliability.closeness import CLOSE_PAIRS, CLOSE_PROMPTS
from judgeforge.ranking.reliability.judges import PRIOR, JudgeReliability, Reliability

LASTING_SIGNAL = 1.4
"""Standard deviation of what a judge that nothing measures sees of the qualities, over that of its
own lasting error. Over 29 recorded pairs of a judge and a set of ordinary answers the median of the
signal over all error of one answer is 1.11; asked eight times it is 1.25 times as much."""
ALONE_DOUBT = 0.85
"""Standard deviation of the logarithm of that ratio over the same: 0.72 by the middle half of them,
1.05 with the outermost, which are few and measured on few pairs."""
PANEL_DOUBT = 0.15
"""The same of a panel that measures itself, on few prompts."""
ERROR_CORRELATION = 0.28
"""Of the errors of two recorded judges about one completion: 0.28 to 0.46. The lower end, since the
own errors of a panel are fitted cautiously already."""
LEAST_REPEATED = 16
"""Completions that a judge scored twice, from which on its noise is measured."""
USELESS = 0.4
"""Of 91 recorded pairs of a judge and a set (those made to fool judges among them) 51 are right in
less than 60 % of cases. A judge of which nothing is known, not even whether it says the same again,
may be one of them: no pair is then surer than 0.8."""


def with_unseen(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    """``known``: fitted on ``evidence``."""
    scoring = {cell.judge for one in evidence for cell in one.cells}
    comparing = {each.judge for one in evidence for each in one.comparisons}
    if not scoring:
        return known
    if len(scoring | comparing) == 1:
        repeated = sum(len(cell.scores) > 1 for one in evidence for cell in one.cells)
        found = _alone(known, known.of(next(iter(scoring))))
        useless = USELESS if repeated < LEAST_REPEATED else 0.0
        return found.model_copy(update={"useless": useless})
    return _together(known, [judge for judge in known.judges if judge.name in scoring])


def _alone(known: Reliability, judge: JudgeReliability) -> Reliability:
    own, quality = _split(judge, known.quality_sd)
    changed = judge.model_copy(update={"own_sd": own})
    judges = tuple(changed if one.name == judge.name else one for one in known.judges)
    others = changed if judge is known.others else known.others
    return known.model_copy(
        update={
            "judges": judges,
            "others": others,
            "quality_sd": quality,
            "doubt": ALONE_DOUBT,
        }
    )


def _split(judge: JudgeReliability, quality_sd: float) -> tuple[float, float]:
    """Own error and quality (standard deviations) of opinions that spread as far as these two."""
    lasting = (judge.scale * quality_sd) ** 2 + judge.own_sd**2
    own = math.sqrt(lasting / (1.0 + LASTING_SIGNAL**2))
    return own, math.sqrt(lasting - own**2) / judge.scale


def _together(known: Reliability, judges: Sequence[JudgeReliability]) -> Reliability:
    """Of two judges the better one is the typical one: what they share, both have."""
    errors = sorted((one.own_sd**2 + one.repeat_sd**2) / one.scale**2 for one in judges)
    typical = errors[(len(errors) - 1) // 2]
    shared = ERROR_CORRELATION / (1.0 - ERROR_CORRELATION) * typical / known.quality_sd**2
    return known.model_copy(update={"shared_by_all": shared / (1.0 + shared), "doubt": PANEL_DOUBT})


UNMEASURED = _alone(
    PRIOR.model_copy(
        update={
            "close_prompts": CLOSE_PROMPTS,
            "close_pairs": CLOSE_PAIRS,
            "useless": USELESS,
        }
    ),
    PRIOR.others,
)
"""What is assumed of one judge where nothing was fitted and nothing will be."""


def unmeasured(judges: int) -> Reliability:
    """The same of this many (from 1), each of which may be off or useless on its own: what is true
    of all of them is the less in doubt the more they are."""
    if judges < 2:
        return UNMEASURED
    panel = _together(UNMEASURED, [UNMEASURED.others] * judges)
    doubt = max(PANEL_DOUBT, ALONE_DOUBT / math.sqrt(judges))
    return panel.model_copy(update={"doubt": doubt, "useless": USELESS**judges})
