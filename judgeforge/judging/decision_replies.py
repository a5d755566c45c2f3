"""Reading the answers of a decision model: checked probabilities, or the reason why not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from judgeforge.judging.distributions import Distribution, answers_of
from judgeforge.judging.json_object import UnreadableReplyError
from judgeforge.providers.base import DecisionAnswer, DecisionQuestion
from judgeforge.rubric import Criterion

SUM_TOLERANCE = 0.02
"""How far a distribution may be from 1: hosts round, and leave out what is unlikely."""
REFUSED = "the model declined to answer"


def answers_by_name(
    questions: Sequence[DecisionQuestion], answers: Sequence[DecisionAnswer]
) -> dict[str, DecisionAnswer]:
    """By name, or by place where the provider names none."""
    if len(answers) == len(questions) and all(answer.name is None for answer in answers):
        return {q.name: a for q, a in zip(questions, answers, strict=True)}
    return {answer.name: answer for answer in answers if answer.name is not None}


def read_distribution(criterion: Criterion, answer: DecisionAnswer | None) -> Distribution | None:
    """Over the criterion's answers from the worst to the best; None where only ``position`` came.

    Raises UnreadableReplyError where there is no answer, or no sane one.
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
        raise UnreadableReplyError("the reply holds no answer to it")
    if answer.refused:
        raise UnreadableReplyError(REFUSED)
    return answer


def _normalised(probabilities: Mapping[str, float], options: Sequence[str]) -> dict[str, float]:
    """Probabilities of all options; one that a host left out as unlikely is 0."""
    unknown = probabilities.keys() - set(options)
    if unknown:
        raise UnreadableReplyError(f"a probability of `{min(unknown)[:60]}`, which was not asked")
    if not all(0.0 <= p <= 1.0 for p in probabilities.values()):
        raise UnreadableReplyError("a probability is not from 0 to 1")
    total = math.fsum(probabilities.values())
    if abs(total - 1.0) > SUM_TOLERANCE:
        raise UnreadableReplyError(f"the probabilities sum to {total:.3f}, not to 1")
    return {option: probabilities.get(option, 0.0) / total for option in options}
