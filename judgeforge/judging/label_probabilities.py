"""A verdict from the probabilities of the one token that a judge was asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from judgeforge.judging.json_object import UnreadableReplyError

LEAST_MASS = 0.5
"""Where the labels together are less likely than other tokens, the judge did not answer."""


def label_probabilities(
    token_logprobs: Iterable[tuple[str, float]], labels: Sequence[str]
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
        raise UnreadableReplyError(f"the probability of {names} together is only {total:.2g}")
    return {label: probability / total for label, probability in mass.items()}
