"""How often a designed pair is right, from the share of them that was judged. Pure.

Of each pair that was judged the posterior says how likely chosen is better, equal and worse. These
probabilities are counted like cases, beside one case of each that is assumed, so that few pairs say
little (Dirichlet posterior). So a judge that cannot tell the answers apart makes no pair sure.

Two writers are counted on their own, beside the pairs of all writers, which stand in for them as
``POOLED_PAIRS`` cases. The interval holds 95 %; pairs of two writers are given only where all of it
is above one half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from judgeforge.ranking.beta import beta_interval
from judgeforge.text.messages import Record

ASSUMED_EACH = 1.0
"""Cases of each outcome that are assumed."""
POOLED_PAIRS = 8.0
"""How many judged pairs of two writers the pairs of all writers are worth."""
LEVEL = 0.95

Writers = tuple[str, str]
"""Of chosen and of rejected."""


class AuditedPair(Record):
    """What the judgments of one designed pair say."""

    chosen_model: str
    rejected_model: str
    better: float
    """P(chosen is better), 0 to 1; the rest of this and ``tie`` is P(rejected is better)."""
    tie: float
    score_chosen: float
    score_rejected: float


class AuditFigure(Record):
    """What is known of the designed pairs of two writers, or (all names empty) of all."""

    chosen_model: str = ""
    rejected_model: str = ""
    pairs: int
    """How many were judged."""
    better: float
    """P(chosen is better) of a pair that was not judged, and the interval of how often it is."""
    tie: float
    low: float
    high: float
    score_chosen: float
    score_rejected: float
    """Mean scores of the sides of those that were judged."""

    @property
    def holds(self) -> bool:
        """Whether the strong one is shown to be better more often than not."""
        return self.low > 0.5


class Audit:
    """``judged``: all designed pairs of a run that were judged, in any order."""

    def __init__(self, judged: Iterable[AuditedPair]) -> None:
        by_writers: dict[Writers, list[AuditedPair]] = defaultdict(list)
        for one in judged:
            by_writers[one.chosen_model, one.rejected_model].append(one)
        # In a fixed order sums come out the same to the last bit.
        self._judged: Mapping[Writers, list[AuditedPair]] = {
            writers: sorted(found, key=lambda one: (one.better, one.tie, one.score_chosen))
            for writers, found in sorted(by_writers.items())
        }
        every = [one for found in self._judged.values() for one in found]
        self.all = _figure(every, ("", ""), (1.0, 1.0, 1.0))

    def of(self, writers: Writers) -> AuditFigure:
        """Of two writers, which may never have been judged together."""
        overall, found = self.all, self._judged.get(writers, [])
        alone = len(self._judged) == 1 and bool(found)
        if alone:
            return overall.model_copy(
                update={"chosen_model": writers[0], "rejected_model": writers[1]}
            )
        worth = min(POOLED_PAIRS, float(overall.pairs))
        rest = max(0.0, 1.0 - overall.better - overall.tie)
        assumed = tuple(
            ASSUMED_EACH + worth * share for share in (overall.better, overall.tie, rest)
        )
        return _figure(found, writers, assumed, overall)

    def figures(self) -> list[AuditFigure]:
        """Of all writers that were judged together."""
        return [self.of(writers) for writers in self._judged]


def _figure(
    judged: list[AuditedPair],
    writers: Writers,
    assumed: tuple[float, ...],
    overall: AuditFigure | None = None,
) -> AuditFigure:
    number = len(judged)
    better = assumed[0] + sum(one.better for one in judged)
    tie = assumed[1] + sum(one.tie for one in judged)
    total = sum(assumed) + number
    low, high = beta_interval(better, total - better, LEVEL)
    known = (None, None) if overall is None else (overall.score_chosen, overall.score_rejected)
    return AuditFigure(
        chosen_model=writers[0],
        rejected_model=writers[1],
        pairs=number,
        better=better / total,
        tie=tie / total,
        low=low,
        high=high,
        score_chosen=_mean([one.score_chosen for one in judged], known[0]),
        score_rejected=_mean([one.score_rejected for one in judged], known[1]),
    )


def _mean(values: list[float], otherwise: float | None) -> float:
    return sum(values) / len(values) if values else (0.5 if otherwise is None else otherwise)
