"""A decision model's answers to a whole rubric -> one score with its uncertainty. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from judgeforge.judging.decision_replies import read_distribution, read_position
from judgeforge.judging.distributions import Distribution, expected_scores
from judgeforge.judging.json_object import UnreadableReplyError
from judgeforge.providers.base import DecisionAnswer
from judgeforge.rubric import Rubric

LEAST_SHARE = 0.5
"""Of the rubric's weight that must be answered for a judgment."""
UNANSWERED_SD = 0.3
"""How far a criterion that got no answer may be from the others, 0 to 1."""


def score_of_answers(rubric: Rubric, answers: Mapping[str, DecisionAnswer]) -> dict[str, Any]:
    """Fields of the judgment. Criteria without a sane answer are left out and noted, and make the
    score less certain. Raises UnreadableReplyError where they weigh more than the others.
    """
    distributions: dict[str, Distribution] = {}
    positions: dict[str, float] = {}
    unanswered: dict[str, str] = {}
    for criterion in rubric.judged:
        name, answer = criterion.name, answers.get(criterion.name)
        try:
            distribution = read_distribution(criterion, answer)
            if distribution is None:
                positions[name] = read_position(criterion, answer)
            else:
                distributions[name] = distribution
        except UnreadableReplyError as error:
            unanswered[name] = str(error)
    missing_share = _share(rubric, unanswered)
    told = "; ".join(f"`{name}`: {why}" for name, why in unanswered.items())
    if missing_share > 1.0 - LEAST_SHARE:
        raise UnreadableReplyError(told)
    expected = expected_scores(rubric, distributions) if distributions else None
    criteria = {**positions, **(expected.criteria if expected else {})}
    known_sd = expected.score_sd if expected and not positions else None
    return {
        "criteria": criteria,
        "score": rubric.weighted_mean(criteria),
        "score_sd": None if known_sd is None else _with_doubt(known_sd, missing_share),
        "probabilities": expected.probabilities if expected else None,
        "weight": sum(rubric.weights[name] for name in criteria),
        "note": _note(positions, told),
    }


def _share(rubric: Rubric, names: Iterable[str]) -> float:
    whole = sum(criterion.weight for criterion in rubric.judged)
    return sum(rubric.weights[name] for name in names) / whole


def _with_doubt(score_sd: float, missing_share: float) -> float:
    """What got no answer may be better or worse than what did."""
    return math.hypot((1.0 - missing_share) * score_sd, missing_share * UNANSWERED_SD)


def _note(positions: Iterable[str], unanswered: str) -> str | None:
    bare = ", ".join(f"`{name}`" for name in positions)
    notes = [
        f"no distribution came for {bare}" if bare else "",
        f"the score is of the other criteria; {unanswered}" if unanswered else "",
    ]
    return "; ".join(filter(None, notes)) or None
