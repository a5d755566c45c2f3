"""The answers of a decision model: checked one by one, and a whole rubric's as one score. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from judgeforge.calls.providers.base import DecisionAnswer, DecisionQuestion
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.probabilities import Distribution, answers_of, expected_scores
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.text.wording import listed, shortened

SUM_TOLERANCE = 0.02
"""How far a distribution may be from 1: hosts round, and leave out what is unlikely."""
LEAST_SHARE = 0.5
"""Of the rubric's weight that must be answered for a judgment."""
UNANSWERED_SD = 0.3
"""How far a criterion that got no answer may be from the others, 0 to 1."""
REFUSED = "the model declined to answer"


def score_of_answers(rubric: Rubric, answers: Mapping[str, DecisionAnswer]) -> dict[str, Any]:
    """Fields of the judgment. Criteria without a valid answer are left out and noted, and make the
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


def answers_by_name(
    questions: Sequence[DecisionQuestion], answers: Sequence[DecisionAnswer]
) -> dict[str, DecisionAnswer]:
    """By name, or by place where the provider names none."""
    if len(answers) == len(questions) and all(answer.name is None for answer in answers):
        return {q.name: a for q, a in zip(questions, answers, strict=True)}
    return {answer.name: answer for answer in answers if answer.name is not None}


def read_distribution(criterion: Criterion, answer: DecisionAnswer | None) -> Distribution | None:
    """Over the criterion's answers from the worst to the best; None where only ``position`` came.

    Raises UnreadableReplyError where there is no answer, or no valid one.
    """
    given = _answered(answer)
    if criterion.levels is None:
        yes = given.probabilities.get("yes")
        if yes is None or not 0.0 <= yes <= 1.0:
            raise UnreadableReplyError(f"no probability of yes from 0 to 1: {yes}")
        return (1.0 - yes, yes)
    if not given.probabilities:
        return None
    levels = [str(place) for place in range(len(answers_of(criterion)))]
    return tuple(_normalised(given.probabilities, levels).values())


def read_position(criterion: Criterion, answer: DecisionAnswer | None) -> float:
    """The expected level as a score from 0 to 1. Raises UnreadableReplyError."""
    highest = len(answers_of(criterion)) - 1
    position = _answered(answer).position
    if position is None or not 0.0 <= position <= highest:
        raise UnreadableReplyError(f"no level from 0 to {highest}: {position}")
    return position / highest


def read_choice(
    answer: DecisionAnswer | None, options: Sequence[str]
) -> tuple[str, dict[str, float] | None]:
    """The likeliest option, and the probabilities where they came. Raises UnreadableReplyError."""
    given = _answered(answer)
    if given.probabilities:
        chances = _normalised(given.probabilities, options)
        return max(options, key=chances.__getitem__), chances
    if given.choice is None or given.choice not in options:
        raise UnreadableReplyError(f"the choice is none of {', '.join(options)}")
    return given.choice, None


def _answered(answer: DecisionAnswer | None) -> DecisionAnswer:
    if answer is None:
        raise UnreadableReplyError("the reply has no answer to it")
    if answer.refused:
        raise UnreadableReplyError(REFUSED)
    return answer


def _normalised(probabilities: Mapping[str, float], options: Sequence[str]) -> dict[str, float]:
    """Probabilities of all options; one that a host left out as unlikely is 0."""
    unknown = probabilities.keys() - set(options)
    if unknown:
        raise UnreadableReplyError(
            f"a probability of `{shortened(min(unknown))}`, which was not asked"
        )
    if not all(0.0 <= p <= 1.0 for p in probabilities.values()):
        raise UnreadableReplyError("a probability is not from 0 to 1")
    total = math.fsum(probabilities.values())
    if abs(total - 1.0) > SUM_TOLERANCE:
        raise UnreadableReplyError(f"the probabilities sum to {total:.3f}, not to 1")
    return {option: probabilities.get(option, 0.0) / total for option in options}


def _share(rubric: Rubric, names: Iterable[str]) -> float:
    whole = rubric.judged_weight
    return sum(rubric.weights[name] for name in names) / whole


def _with_doubt(score_sd: float, missing_share: float) -> float:
    """What got no answer may be better or worse than what did."""
    return math.hypot((1.0 - missing_share) * score_sd, missing_share * UNANSWERED_SD)


def _note(positions: Iterable[str], unanswered: str) -> str | None:
    bare = listed(positions, mark="`")
    notes = [
        f"no distribution came for {bare}" if bare else "",
        f"the score is of the other criteria; {unanswered}" if unanswered else "",
    ]
    return "; ".join(filter(None, notes)) or None
