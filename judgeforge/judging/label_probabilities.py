"""How probable each possible answer was, from the tokens that a judge might have written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from judgeforge.judging.json_object import UnreadableReplyError

LEAST_MASS = 0.5
"""Of a token's probability that must fall on the labels; what is below this says more about the
form of the reply than about the answer."""


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
        names = ", ".join(labels)
        raise UnreadableReplyError(f"only {total:.0%} of the probability falls on {names}")
    return {label: probability / total for label, probability in mass.items()}
