"""What judgments cannot show of their own judges, from what is known of recorded ones. Pure.

A judge that is alone shows how far its opinions spread, never how much of that is its own error.
Judges that agree may err alike. Both are assumed here, from judges whose scores and labels are
recorded (docs/judging.md says which); labels of the run's own prompts take their place.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.reliability.agreement import ERROR_CORRELATION
from judgeforge.ranking.reliability.alone import (
    ALONE_DOUBT,
    LASTING_SIGNAL,
    LEAST_REPEATED,
    Signal,
    repeated,
    signal_of,
)
from judgeforge.ranking.reliability.closeness import CLOSE_PAIRS, CLOSE_PROMPTS
from judgeforge.ranking.reliability.judges import PANEL_DOUBT, PRIOR, JudgeReliability, Reliability

USELESS = 0.4
"""Of 91 recorded pairs of a judge and a set (those made to fool judges among them) 51 are right in
less than 60 % of cases. A judge of which nothing is known, not even whether it says the same again,
may be one of them: no pair is then surer than 0.8."""


def with_unseen(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    """``known``: fitted on ``evidence``."""
    scoring = {cell.judge for one in evidence for cell in one.cells}
    comparing = {each.judge for one in evidence for each in one.comparisons}
    if not scoring:
        return _comparing_together(known, [j for j in known.judges if j.name in comparing])
    if len(scoring | comparing) == 1:
        judge = known.of(next(iter(scoring)))
        found = _alone(known, judge, signal_of(evidence, judge, _lasting(judge, known.quality_sd)))
        is_repeated = repeated(evidence, judge.name) >= LEAST_REPEATED
        return found.model_copy(update={"useless": 0.0 if is_repeated else USELESS})
    return _together(known, [judge for judge in known.judges if judge.name in scoring])


def lasting_signal(known: Reliability, judge: str) -> float:
    """Standard deviation of what it sees of the qualities over that of its own lasting error."""
    one = known.of(judge)
    return one.scale * known.quality_sd / one.own_sd


def with_signal(known: Reliability, judge: str, signal: Signal) -> Reliability:
    """``known`` with a judge that is alone seeing this much, its opinions spreading as far as they
    do in ``known``."""
    return _alone(known, known.of(judge), signal)


def _alone(known: Reliability, judge: JudgeReliability, signal: Signal) -> Reliability:
    lasting = _lasting(judge, known.quality_sd)
    own = lasting / (1.0 + signal.ratio**2)
    changed = judge.model_copy(update={"own_sd": math.sqrt(own)})
    judges = tuple(changed if one.name == judge.name else one for one in known.judges)
    others = changed if judge is known.others else known.others
    return known.model_copy(
        update={
            "judges": judges,
            "others": others,
            "quality_sd": math.sqrt(lasting - own) / judge.scale,
            "doubt": signal.doubt,
        }
    )


def _lasting(judge: JudgeReliability, quality_sd: float) -> float:
    """Variance of opinions of quality and own error together."""
    return (judge.scale * quality_sd) ** 2 + judge.own_sd**2


def _comparing_together(known: Reliability, judges: Sequence[JudgeReliability]) -> Reliability:
    """As ``_together``, of verdicts: their errors are logistic on the gap of two completions."""
    if len(judges) < 2:
        return known
    reads = [judge.discrimination for judge in judges if judge.discrimination > 0.0]
    if not reads:
        return known
    typical = math.pi**2 / 6.0 / statistics.median(reads) ** 2
    shared = ERROR_CORRELATION / (1.0 - ERROR_CORRELATION) * typical
    return known.model_copy(update={"shared_by_all": shared / (1.0 + shared)})


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
    Signal(LASTING_SIGNAL, ALONE_DOUBT),
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
