"""The evidence on one prompt -> what to ask next, where its pair is still in doubt."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from judgeforge.ranking.cascade.another import about_another, with_another
from judgeforge.ranking.cascade.candidates import (
    Asked,
    Bundle,
    JudgeOption,
    candidates,
    price_of_a_question,
    times_asked,
)
from judgeforge.ranking.cascade.gain import Value, expected_values
from judgeforge.ranking.cascade.training_value import ForTraining
from judgeforge.ranking.confidence import best_probabilities, outcome, probabilities_better
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.posterior import Posterior, posterior
from judgeforge.ranking.rank import quality_map, rank_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules

_OUT_OF_REACH = 100.0
"""Far below every quality, which is about 0 to 1."""
CAN_WIN = 0.02
"""A completion that is the best with a smaller probability is not judged again."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the prompt has cost so far."""

    calls: int = 0
    cost: float = 0.0


def next_bundle(  # noqa: PLR0913 (all that decides what is asked)
    evidence: Evidence,
    options: Sequence[JudgeOption],
    reliability: Reliability,
    rules: CascadeRules,
    spent: Spent | None = None,
    *,
    asked: Asked | None = None,
    vetoed: Collection[int] = (),
    max_error: float | None = None,
    training: ForTraining | None = None,
) -> Bundle:
    """What to ask at once; empty where the prompt is decided, nothing pays, or a limit is reached.

    ``asked`` says what was asked already where answers do not show it (a reply that could not be
    read). ``spent.cost`` and ``rules.max_usd_per_prompt`` are in the unit of the options' costs.
    ``vetoed``: places that cannot win, whatever judges say. With ``max_error`` a call is worth what
    it adds to the pairs that can be kept, however sure the prompt is already. With ``training``
    (which goes with no ``max_error``) it is worth how much less likely wrong the pair becomes,
    compared with a fresh prompt for the same money; what is best then may be about the place
    after the last one, which is another completion (``another.py``).
    """
    if training is not None:
        rules = rules.model_copy(update={"of": "pair", "target_confidence": 1.0})
    spent = spent or Spent()
    n = len(evidence.completion_ids)
    if n < 2:
        return ()
    doubt = _Doubt.of(evidence, options, reliability, rules, max_error, vetoed)
    if max_error is None and doubt.now >= rules.target_confidence:
        return ()
    asked = times_asked(evidence, options) if asked is None else asked
    bundles = candidates(n, options, _contenders(doubt.base, rules), asked)
    bundles = _affordable(bundles, n, rules, spent)
    gains = doubt.gains(bundles)
    if training is None:
        unit = price_of_a_question(options)
        return _most_for_its_cost(bundles, gains, unit=unit, least=rules.min_gain)
    if training.another is not None:
        further = with_another(evidence, training.another)
        after = about_another(evidence, options, training.another, reliability)
        after_all = _affordable([after] if after else [], n + 1, rules, spent)
        beside = _Doubt.of(further, options, reliability, rules, max_error, vetoed)
        bundles = [*bundles, *after_all]
        # Against the pair as it is: that of one more is another pair before anything is asked.
        gains = np.concatenate([gains, beside.gains(after_all) + (beside.now - doubt.now)])
    unit, least = training.prompt_cost, training.value.worth_a_prompt
    if not _most_for_its_cost(bundles, gains, unit=unit, least=least):
        return ()
    gains = gains * _differing(evidence, reliability)
    return _most_for_its_cost(bundles, gains, unit=unit, least=least)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """How right the pair is by what is known, and what answers would add to that."""

    belief: Posterior
    reliability: Reliability
    transform: Array
    base: tuple[Array, Array]
    value: Value
    now: float

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        options: Sequence[JudgeOption],
        reliability: Reliability,
        rules: CascadeRules,
        max_error: float | None,
        vetoed: Collection[int],
    ) -> _Doubt:
        scoring = [option.name for option in options if option.shows != "two"]
        belief = posterior(evidence, reliability, judges=scoring)
        transform, shift, unseen = quality_map(evidence, reliability)
        means, covariance = belief.qualities
        means = transform @ means + shift
        means[list(vetoed)] -= _OUT_OF_REACH
        base = means, transform @ covariance @ transform.T + unseen
        value = value_of(rules, max_error)
        return cls(belief, reliability, transform, base, value, float(value(*base)))

    def gains(self, bundles: Sequence[Bundle]) -> Array:
        """By how much the value is expected to rise with each, shape (bundles,)."""
        if not bundles:
            return np.empty(0)
        expected = expected_values(
            bundles,
            self.belief,
            self.reliability,
            transform=self.transform,
            base=self.base,
            value=self.value,
        )
        return np.asarray(expected - self.now)


def _differing(evidence: Evidence, reliability: Reliability) -> float:
    """P(the two of the pair are not equally good): whether the order of equals is right costs
    nothing."""
    ranking = rank_evidence(evidence, reliability)
    scored = list(zip(ranking.scores, ranking.completion_ids, strict=True))
    return 1.0 - outcome(ranking, max(scored)[1], min(scored)[1]).tie


def is_settled(evidence: Evidence, reliability: Reliability, rules: CascadeRules) -> bool:
    """Whether what the writers' records say is enough, before any judge is asked.

    By the probability that the pair will be given, with half of a tie: records are doubted as
    judgments are, by what judges share and by how often completions are equal.
    """
    ranking = rank_evidence(evidence, reliability)
    if len(ranking.completion_ids) < 2:
        return False
    if rules.of == "best":
        return max(ranking.p_best) >= rules.target_confidence
    ordered = sorted(zip(ranking.scores, ranking.completion_ids, strict=True))
    found = outcome(ranking, ordered[-1][1], ordered[0][1])
    return found.better + found.tie / 2.0 >= rules.target_confidence


def _most_for_its_cost(
    bundles: Sequence[Bundle], gains: Array, *, unit: float, least: float
) -> Bundle:
    """Empty where no gain is more than ``least`` for each ``unit`` of cost."""
    if not bundles:
        return ()
    costs = np.array([sum(ask.cost for ask in bundle) for bundle in bundles])
    free = costs <= 0
    rates = gains / np.where(free, 1.0, costs) * (unit if unit > 0 else 1.0)
    best = int(np.argmax(np.where(free & (gains > 0), np.inf, rates)))
    return bundles[best] if rates[best] > least else ()


def value_of(rules: CascadeRules, max_error: float | None) -> Value:
    """The probability that the pair is right, or with ``max_error`` what it adds to those kept.

    A pair that is kept uses up some of the allowed errors or leaves some to others: it is worth
    its distance from the probability at which it is worth nothing, 1 - 2 max_error.
    """
    right = _best if rules.of == "best" else _better
    if max_error is None:
        return right
    least = 1.0 - 2.0 * max_error

    def kept(means: Array, covariance: Array) -> Array:
        return np.asarray(np.maximum(right(means, covariance) - least, 0.0) / (1.0 - least))

    return kept


def _best(means: Array, covariance: Array) -> Array:
    return np.asarray(best_probabilities(means, covariance).max(-1))


def _better(means: Array, covariance: Array) -> Array:
    """P(the completion with the highest mean is better than the one with the lowest)."""
    high, low = means.argmax(-1)[..., None], means.argmin(-1)[..., None]
    gap = np.take_along_axis(means, high, -1) - np.take_along_axis(means, low, -1)
    columns = np.take_along_axis(covariance, high[..., None, :], -2)[..., 0, :]
    diagonal = np.diagonal(covariance, axis1=-2, axis2=-1)
    variance = (
        np.take_along_axis(diagonal, high, -1)
        + np.take_along_axis(diagonal, low, -1)
        - 2.0 * np.take_along_axis(columns, low, -1)
    )
    return np.asarray(probabilities_better(gap, variance)[..., 0])


def _contenders(base: tuple[Array, Array], rules: CascadeRules) -> list[int]:
    """Likeliest first; for a pair those that can be the worst are in it too."""
    chances = best_probabilities(*base)
    if rules.of == "pair":
        chances = np.maximum(chances, best_probabilities(-base[0], base[1]))
    order = sorted(range(len(chances)), key=lambda i: (-chances[i], i))
    return [i for i in order if chances[i] >= CAN_WIN]


def _affordable(
    bundles: Sequence[Bundle], n: int, rules: CascadeRules, spent: Spent
) -> list[Bundle]:
    most_calls = (rules.max_calls_per_completion or math.inf) * n - spent.calls
    most_cost = math.inf if rules.max_usd_per_prompt is None else rules.max_usd_per_prompt
    return [
        bundle
        for bundle in bundles
        if sum(ask.calls for ask in bundle) <= most_calls
        and sum(ask.cost for ask in bundle) <= most_cost - spent.cost
    ]
