"""The probabilities of the tokens that a judge wrote its scores with.

Expected scores over them are finer than the scores as written (Liu et al., G-Eval, 2023): most
judges put nearly all their replies on two or three levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from judgeforge.judging.distributions import Distribution
from judgeforge.judging.json_object import UnreadableReplyError
from judgeforge.judging.label_probabilities import label_probabilities
from judgeforge.providers.base import TokenProbability
from judgeforge.rubric import Criterion, Rubric

MOST_ALTERNATIVES = 20
"""What OpenAI gives."""
_OTHER_TOKENS = 3
"""That may be likely beside the answers, such as a blank."""
_ANSWER = re.compile(r'[\s":]*(true|false|\d+)')
_BOOLEANS = ["false", "true"]


class NoProbabilitiesError(ValueError):
    """The reply does not tell how probable other scores were; the message says why."""


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
    """The token that holds the whole value, and what stands before the value in it.

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
    if criterion.levels is None:
        return _BOOLEANS
    return [str(number) for number in range(1, len(criterion.levels) + 1)]


def _answer(alternative: str, before: str) -> str | None:
    """What the judge would have answered with another token in this place."""
    rest: Iterable[str] = (alternative.removeprefix(before), alternative)
    for text in rest:
        match = _ANSWER.match(text)
        if match is not None:
            return match.group(1)
    return None
