"""One more completion of a prompt whose pair is in doubt, as a thing that could be bought. Pure.

It is valued before it is written, as an answer is before it is given: its quality is drawn from
what the prompt's other completions and the writers' records let expect, and the first tier would
see of that what it sees of any. The pair is then the best and the worst of one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from judgeforge.ranking.cascade.candidates import Ask, Bundle, JudgeOption
from judgeforge.ranking.cascade.training_value import Another
from judgeforge.ranking.evidence import CheckResult, Evidence
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.rules import first_tier


def about_another(
    evidence: Evidence,
    options: Sequence[JudgeOption],
    another: Another,
    reliability: Reliability = PRIOR,
) -> Bundle:
    """The questions of the first tier about the completion that does not exist yet, whose place is
    after the last one; sampling it is in their cost. Empty where they cannot be about it alone,
    or would tell nothing: a reward promises nothing before its scale is known.
    """
    place = len(evidence.completion_ids)
    first = [option for option in options if option.tier == first_tier(options)]
    if any(option.shows != "one" for option in first):
        return ()
    telling = [
        option.name
        for option in first
        if (another.judges is None or option.name in another.judges)
        and not (option.rewards and reliability.of(option.name).reward_unit is None)
    ]
    return tuple(Ask(name, (place,), another.cost / len(telling)) for name in telling)


def is_about_another(bundle: Bundle, completions: int) -> bool:
    return any(place >= completions for ask in bundle for place in ask.places)


def with_another(evidence: Evidence, another: Another) -> Evidence:
    """The same evidence with a completion of which nothing is known but who will write it: its
    length and what code will say of it are taken to be the mean of the others."""
    checks = dict(evidence.checks)
    if checks:
        score, weight = (
            float(np.mean([getattr(check, name) for check in checks.values()]))
            for name in ("score", "weight")
        )
        checks[len(evidence.completion_ids)] = CheckResult(score, weight)
    lengths, writers = evidence.log_lengths, evidence.writers
    return replace(
        evidence,
        completion_ids=(*evidence.completion_ids, ""),
        checks=checks,
        log_lengths=(*lengths, float(np.mean(lengths))) if lengths else (),
        writers=(*writers, another.writer) if writers else (),
    )
