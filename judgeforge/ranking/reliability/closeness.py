"""How often completions are equally good, or nearly: learnt from the scores and verdicts. Pure.

Expectation maximisation over three kinds of two completions: of a prompt whose completions are all
close, close in another prompt, and apart. The pairs of a prompt count as its contrasts do, of
which there are fewer (composite likelihood; Varin, Reid and Firth 2011). Whether close ones are
equal or differ a little cannot be seen without labels (``GapPrior.equal``). Answers of one model
are more often alike than those of two, so what is expected depends on who wrote them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from judgeforge.ranking.confidence import gap_of
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.outcomes import all_close, views
from judgeforge.ranking.rank import rank_evidence
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.judges import Reliability

CLOSE_PROMPTS = 0.1
"""Before any evidence: share of prompts whose completions are all close."""
CLOSE_OF_ONE, CLOSE_OF_TWO = 0.25, 0.15
"""The same of two completions of another prompt, of one writer and of two. With two thirds of the
close ones equal, 22 % of all pairs are ties, and 16 %: of what one model wrote, 20 to 25 % were
equal by code; between models people find 10 % (PandaLM) and more (MT-Bench)."""
CLOSE_PAIRS = (CLOSE_OF_ONE + CLOSE_OF_TWO) / 2.0
"""Where it is not known who wrote them."""
PRIOR_PROMPTS = 64.0
"""How many prompts these shares are worth: as many as a run learns from. How peaked a law of
qualities is, the tails of errors and the steps of scores make completions look close as ties do, so
that the evidence of one prompt is less than its likelihood says (docs/judging.md)."""
MOST_PROMPTS = 128
"""More tell nothing new and take time."""
_ROUNDS, _STEPS = 2, 40


@dataclass(frozen=True, slots=True)
class _Told:
    """How many times likelier the judgments of a prompt are where completions are close."""

    everyone: float
    pairs: tuple[float, ...]

    @property
    def counted(self) -> float:
        """What a pair of the prompt counts for: all together as many as there are contrasts."""
        size = (1.0 + math.sqrt(1.0 + 8.0 * len(self.pairs))) / 2.0
        return (size - 1.0) / len(self.pairs)


def with_closeness(
    evidence: Sequence[Evidence], known: Reliability, *, same_writer: float | None = None
) -> Reliability:
    """``known``: the judges, fitted on ``evidence``. ``same_writer``: share of two completions of a
    prompt that one writer wrote, 0 to 1; None where that is not known."""
    expected = _expected_pairs(same_writer)
    known = _with(known, CLOSE_PROMPTS, expected)
    usable = [one for one in evidence if len(one.completion_ids) > 1 and shows_ties(one)]
    told = usable[:MOST_PROMPTS]
    for _ in range(_ROUNDS if told else 0):
        rankings = [rank_evidence(one, known) for one in told]
        known = _with(known, *_shares([_told(ranking) for ranking in rankings], known, expected))
    return known


def _expected_pairs(same_writer: float | None) -> float:
    if same_writer is None:
        return CLOSE_PAIRS
    return same_writer * CLOSE_OF_ONE + (1.0 - same_writer) * CLOSE_OF_TWO


def shows_ties(one: Evidence) -> bool:
    """Whether judgments tell how often completions are close, as scores do.

    Verdicts of judges that hardly read look as those on close completions do.
    """
    return bool(one.cells) and not one.comparisons and not one.checks


def _with(known: Reliability, prompts: float, pairs: float) -> Reliability:
    return known.model_copy(update={"close_prompts": prompts, "close_pairs": pairs})


def _told(ranking: Ranking) -> _Told:
    prior = ranking.prior
    if prior is None:
        return _Told(1.0, (1.0,))

    def mixed(slight: float, equal: float) -> float:
        return prior.equal * equal + (1.0 - prior.equal) * slight

    pairs = []
    for first, second in combinations(range(len(ranking.scores)), 2):
        gap, variance, before = gap_of(ranking, first, second)
        if variance > 0:
            _, slight, equal = views(prior, gap, variance, before)
            pairs.append(mixed(slight.likelier, equal))
        else:
            pairs.append(1.0)
    return _Told(pairs[0] if len(pairs) == 1 else mixed(*all_close(ranking)), tuple(pairs))


def _shares(
    told: Sequence[_Told], known: Reliability, expected_pairs: float
) -> tuple[float, float]:
    everyone = np.array([one.everyone for one in told])
    counted = np.array([one.counted for one in told])
    sizes = np.array([len(one.pairs) for one in told])
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    times = np.concatenate([np.array(one.pairs) for one in told])
    prompts, pairs = known.close_prompts, known.close_pairs
    for _ in range(_STEPS):
        mixed = pairs * times + 1.0 - pairs
        apart = (1.0 - prompts) * np.exp(counted * np.add.reduceat(np.log(mixed), starts))
        share = prompts * everyone / (prompts * everyone + apart)
        parts = np.add.reduceat(pairs * times / mixed, starts) / sizes
        prompts = (PRIOR_PROMPTS * CLOSE_PROMPTS + share.sum()) / (PRIOR_PROMPTS + len(told))
        others = (1.0 - share).sum()
        close_ones = ((1.0 - share) * parts).sum()
        pairs = (PRIOR_PROMPTS * expected_pairs + close_ones) / (PRIOR_PROMPTS + others)
    return float(prompts), float(pairs)
