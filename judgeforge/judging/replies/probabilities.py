"""Probabilities of a judge's answers, and the expected scores that follow from them. Pure.

A distribution is over the answers of one criterion from the worst to the best: its levels, or no
and yes. Answer k of n (from 0) stands for the score k / (n - 1). Decision models give distributions
themselves; for a judge that writes its scores they are read from the tokens that it might have
written instead. Expected scores over them are finer than the scores as written (Liu et al., G-Eval,
2023): most judges put nearly all their replies on two or three levels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from judgeforge.calls.providers.base import TokenProbability
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.rubric import Criterion, Rubric

LEAST_MASS = 0.5
"""Of a token's probability that must fall on the labels; what is below this says more about the
form of the reply than about the answer."""
MOST_ALTERNATIVES = 20
"""What OpenAI gives."""
_OTHER_TOKENS = 3
"""That may be likely beside the answers, such as a blank."""
_ANSWER = re.compile(r'[\s":]*(true|false|\d+)')
_BOOLEANS = ["false", "true"]

Distribution = tuple[float, ...]
"""Probabilities that sum to 1."""


class NoProbabilitiesError(ValueError):
    """The reply does not tell how probable other scores were; the message says why."""


@dataclass(frozen=True, slots=True)
class ExpectedScores:
    criteria: dict[str, float]
    """Criterion name -> expected score, 0 to 1."""
    score: float
    score_sd: float
    probabilities: dict[str, float]
    """The distributions: ``quality.1`` (lowest) to ``quality.5``, ``safe.no`` and ``safe.yes``."""


def answers_of(criterion: Criterion) -> list[str]:
    """The answers that a distribution is over: "1" to "n", or "no" and "yes"."""
    if criterion.levels is None:
        return ["no", "yes"]
    return [str(number) for number in range(1, len(criterion.levels) + 1)]


def expected_scores(rubric: Rubric, distributions: Mapping[str, Distribution]) -> ExpectedScores:
    """Over the criteria that have a distribution; their errors count as independent."""
    moments = {name: mean_and_variance(each) for name, each in distributions.items()}
    criteria = {name: mean for name, (mean, _) in moments.items()}
    total = sum(rubric.weights[name] for name in distributions)
    variance = sum(
        (rubric.weights[name] / total) ** 2 * variance for name, (_, variance) in moments.items()
    )
    return ExpectedScores(
        criteria=criteria,
        score=rubric.weighted_mean(criteria),
        score_sd=math.sqrt(variance),
        probabilities={
            f"{criterion.name}.{answer}": probability
            for criterion in rubric.judged
            if criterion.name in distributions
            for answer, probability in zip(
                answers_of(criterion), distributions[criterion.name], strict=True
            )
        },
    )


def mean_and_variance(distribution: Sequence[float]) -> tuple[float, float]:
    """Of the score, 0 to 1."""
    steps = len(distribution) - 1
    mean = sum(p * k / steps for k, p in enumerate(distribution))
    square = sum(p * (k / steps) ** 2 for k, p in enumerate(distribution))
    return min(1.0, mean), max(0.0, square - mean**2)


def alternatives_needed(rubric: Rubric) -> int:
    """How many alternatives of a token show all answers; each makes every reply longer."""
    answers = max(len(_answers(criterion)) for criterion in rubric.judged)
    return min(MOST_ALTERNATIVES, answers + _OTHER_TOKENS)


def score_distributions(
    tokens: Sequence[TokenProbability], rubric: Rubric
) -> dict[str, Distribution]:
    """For each judged criterion, from the tokens of a reply that was read without a fault.

    Raises NoProbabilitiesError.
    """
    if not tokens:
        raise NoProbabilitiesError("the reply came without token probabilities")
    text = "".join(token.text for token in tokens)
    return {c.name: _distribution(tokens, text, c) for c in rubric.judged}


def label_probabilities(
    token_logprobs: Iterable[tuple[str | None, float]], labels: Sequence[str]
) -> dict[str, float]:
    """Probability of each label among the labels, in their order; they sum to 1.

    ``token_logprobs`` are the likeliest tokens at the place of the answer with the natural
    logarithms of their probabilities; a label that is not among them has probability 0. Tokens are
    compared as they are. Raises UnreadableReplyError.
    """
    mass = dict.fromkeys(labels, 0.0)
    for token, logprob in token_logprobs:
        if token in mass:
            mass[token] += 1.0 if logprob > 0 else math.exp(logprob)
    total = sum(mass.values())
    if not total >= LEAST_MASS:
        raise UnreadableReplyError(
            f"only {total:.0%} of the probability falls on {', '.join(labels)}"
        )
    return {label: probability / total for label, probability in mass.items()}


def _distribution(
    tokens: Sequence[TokenProbability], text: str, criterion: Criterion
) -> Distribution:
    token, before = _token_of_value(tokens, text, criterion)
    answers = _answers(criterion)
    said = ((_answer(alternative, before), logprob) for alternative, logprob in token.alternatives)
    try:
        shares = label_probabilities(said, answers)
    except UnreadableReplyError as error:
        raise NoProbabilitiesError(f"`{criterion.name}`: {error}") from None
    return tuple(shares.values())


def _token_of_value(
    tokens: Sequence[TokenProbability], text: str, criterion: Criterion
) -> tuple[TokenProbability, str]:
    """The token that holds the whole value, and what comes before the value in it.

    In valid JSON only a key can be an unescaped quoted word before a colon.
    """
    found = list(re.finditer(rf'(?<!\\)"{criterion.name}"\s*:\s*(true|false|\d+)', text))
    if len(found) != 1:
        raise NoProbabilitiesError(f"the tokens do not show where `{criterion.name}` stands")
    start, end = found[0].span(1)
    place = 0
    for token in tokens:
        if place <= start and end <= place + len(token.text):
            return token, token.text[: start - place]
        place += len(token.text)
    raise NoProbabilitiesError(f"the score of `{criterion.name}` is more than one token")


def _answers(criterion: Criterion) -> list[str]:
    """The answers of ``answers_of`` as a structured reply writes them."""
    return _BOOLEANS if criterion.levels is None else answers_of(criterion)


def _answer(alternative: str, before: str) -> str | None:
    """What the judge would have answered with another token in this place."""
    rest: Iterable[str] = (alternative.removeprefix(before), alternative)
    for text in rest:
        match = _ANSWER.match(text)
        if match is not None:
            return match.group(1)
    return None
