"""What the judges of a run say of answers that a person has judged: told after the click. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from judgeforge.calibration.fit import SAME
from judgeforge.ranking.protocols import is_by_code
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import Judgment
from judgeforge.runs.labelling.choosing import Look
from judgeforge.runs.labelling.material import Material

_NEARLY = 0.995


@dataclass(frozen=True, slots=True)
class Opinion:
    best: int | None
    """Place of the answer that they prefer, from 0; None where they prefer none."""
    sure: float
    """Probability that it is the best of those shown."""
    by_judge: tuple[tuple[str, int | None], ...]
    """Each judge, and the place that it prefers; None where it sees a tie."""

    @property
    def sure_in_words(self) -> str:
        """What is nearly certain is not said to be certain: only code that decides makes it so."""
        return "over 99 %" if _NEARLY <= self.sure < 1.0 else f"{100 * self.sure:.0f} %"


def opinion(look: Look, material: Material, reliability: Reliability) -> Opinion | None:
    """None where nobody has judged all of them."""
    ranking = rank(
        material.judgments,
        completion_ids=look.shown,
        reliability=reliability,
        texts=material.texts,
    )
    if set(ranking.completion_ids) != set(look.shown):
        return None
    chances = dict(zip(ranking.completion_ids, ranking.p_best, strict=True))
    best = max(look.shown, key=lambda name: chances[name])
    names = dict.fromkeys(one.judge for one in material.judgments if not one.missing)
    level = [name for name in look.shown if chances[name] > chances[best] - SAME]
    return Opinion(
        best=look.shown.index(best) if len(level) == 1 else None,
        sure=chances[best],
        by_judge=tuple((name, _preferred(name, material.judgments, look.shown)) for name in names),
    )


def _preferred(judge: str, judgments: Sequence[Judgment], shown: Sequence[str]) -> int | None:
    points = dict.fromkeys(shown, 0.0)
    for one in judgments:
        if one.judge == judge and not one.missing:
            for name, point in _points(one):
                if name in points:
                    points[name] += point
    top = max(points.values())
    best = [name for name, point in points.items() if point >= top - SAME]
    return shown.index(best[0]) if len(best) == 1 else None


def _points(one: Judgment) -> list[tuple[str, float]]:
    """Of each completion that a judgment is about, on the scale of its judge."""
    if one.verdict is not None:
        first, second = one.completion_ids
        lead = {"a": 1.0, "b": -1.0, "tie": 0.0}[one.verdict]
        return [(first, lead), (second, -lead)]
    values = one.scores or one.rewards or (() if one.score is None else (one.score,))
    weight = one.weight if is_by_code(one.protocol) else 1.0
    return [(n, weight * v) for n, v in zip(one.completion_ids, values, strict=False)]
