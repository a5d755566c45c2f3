"""How pairs of a prompt are proposed: one function a strategy. Pure.

A strategy gives places in the ranking of completions that may be the sides of a pair: the better
one of a pair first, the most wanted pair first. The rules of selection decide.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from itertools import combinations, pairwise

from judgeforge.ranking.pairing.sides import Sides
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import PairingRules

Proposals = Iterable[tuple[int, int]]


def best_first(ranking: Ranking) -> list[int]:
    """Places by falling score; equal scores by id, so that the input's order decides nothing."""
    return sorted(
        range(len(ranking.scores)),
        key=lambda i: (-ranking.scores[i], ranking.completion_ids[i]),
    )


def _allowed(ranking: Ranking, sides: Sides) -> list[tuple[int, int]]:
    return [pair for pair in combinations(best_first(ranking), 2) if sides.allow(pair)]


def _best_and_worse(ranking: Ranking, sides: Sides) -> tuple[int, list[int]] | None:
    """The best that may be chosen, and what below it may be rejected, best first."""
    order = best_first(ranking)
    at = next((at for at, place in enumerate(order) if place in sides.chosen), None)
    if at is None:
        return None
    best, below = order[at], order[at + 1 :]
    return best, [place for place in below if sides.allow((best, place))]


def max_gap(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:
    """The widest of the gaps that are exceeded with probability ``min_confidence``.

    After DeltaUCB of ActiveUltraFeedback (arXiv 2603.09692), which prefers pairs by a bound of
    their gap. There it is the upper one, since it chooses what to label next; a pair that is
    trained on has its labels, so here it is the lower one. It is not below 0 for the pairs whose
    confidence is enough, and at 0.5 and below it is the expected gap.
    """
    from judgeforge.ranking.confidence import exceeded_gap

    ids, sureness = ranking.completion_ids, max(0.5, rules.min_confidence)

    def bound(pair: tuple[int, int]) -> float:
        better, worse = pair
        return exceeded_gap(ranking, ids[better], ids[worse], sureness)

    return sorted(_allowed(ranking, sides), key=bound, reverse=True)


_DEVIATIONS = 2.0


def mu_minus_two_sigma(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:  # noqa: ARG001
    """The best against the completion nearest to two standard deviations below the mean score.

    With many completions of a prompt the very worst makes a poor rejected side for DPO; one near
    mean - 2 sd is better ("Finding the Sweet Spot", ACL 2025, arXiv 2502.16825). Of up to five
    completions none lies farther below the mean than that, so that it is the worst.
    """
    scores = ranking.scores
    mean = math.fsum(scores) / len(scores)
    sd = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    target = mean - _DEVIATIONS * sd
    found = _best_and_worse(ranking, sides)
    if found is None:
        return []
    best, others = found
    nearest = sorted(others, key=lambda place: (abs(scores[place] - target), scores[place]))
    return [(best, other) for other in nearest]


DEFAULT_LENGTH_RATIO = 1.25
"""Where ``max_length_ratio`` is not set: the longer side has at most a quarter more characters, so
that DPO cannot learn length."""


def length_matched(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:  # noqa: ARG001
    """The surest pairs, of which selection keeps those of nearly equal length."""
    from judgeforge.ranking.confidence import probability_better

    ids, scores = ranking.completion_ids, ranking.scores

    def sureness(pair: tuple[int, int]) -> tuple[float, float]:
        better, worse = pair
        return probability_better(ranking, ids[better], ids[worse]), scores[better] - scores[worse]

    return sorted(_allowed(ranking, sides), key=sureness, reverse=True)


def best_vs_random(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:
    """The best against the others in an order drawn from the seed and the prompt's id."""
    found = _best_and_worse(ranking, sides)
    if found is None:
        return []
    best, others = found
    # Seeding with text is defined by Python to be the same in every process.
    random.Random(f"{rules.seed}/{ranking.prompt_id}").shuffle(others)  # noqa: S311
    return [(best, other) for other in others]


def max_margin_k(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:  # noqa: ARG001
    """The k pairs with the widest margins (k is ``pairs_per_prompt``)."""
    scores = ranking.scores
    return sorted(_allowed(ranking, sides), key=lambda pair: scores[pair[1]] - scores[pair[0]])


def best_vs_worst(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:  # noqa: ARG001
    """The best against the worst, then the next best against the next worst."""
    order = best_first(ranking)
    rank = {place: number for number, place in enumerate(order)}
    worst_first = [place for place in reversed(order) if place in sides.rejected]
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for better in order:
        if better not in sides.chosen or better in used:
            continue
        worse = next(
            (
                one
                for one in worst_first
                if one not in used and one != better and sides.differ(better, one)
            ),
            None,
        )
        if worse is None or rank[better] > rank[worse]:
            break
        pairs.append((better, worse))
        used |= {better, worse}
    return pairs


def all_pairs(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:  # noqa: ARG001
    """Every pair, better side first, in the order of the ranking."""
    return _allowed(ranking, sides)


def adjacent(ranking: Ranking, rules: PairingRules, sides: Sides) -> Proposals:  # noqa: ARG001
    """Neighbours in the ranking: the finest distinctions."""
    either = sides.chosen | sides.rejected
    order = [place for place in best_first(ranking) if place in either]
    return [pair for pair in pairwise(order) if sides.allow(pair)]
