"""What the judgments of the first prompts show of each writer: mean quality and spread. Pure.

Empirical Bayes for a random effect (Efron and Morris 1973; Laird and Ware 1982): the quality of a
completion is the mean of its prompt, the effect of its writer, and what is its own. The judges are
known by then; what is learnt is how widely writers differ at all, each writer's effect with its
uncertainty, and how far its completions spread. Where writers do not differ, or were hardly seen,
their effects shrink to nothing.

A judge may favour a writer for its style, its length or because both are of one family, and such a
taste does not go away with more prompts. So each judge has an effect of its own for each writer:
only what the judges agree on is the writer's. One judge alone shows no difference between the two;
of its effects as much is believed as of its lasting opinions (unseen.py). What all judges like
alike and readers do not, judgments cannot show (``GapPrior.shared`` doubts it).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.reliability.judges import Reliability, WriterRecord
from judgeforge.ranking.reliability.seen_qualities import Seen, seen_of

MOST_WRITERS = 64
"""Those with the most completions have a record; a table of thousands of names has none of each."""
STEPS = 25
PRIOR_SHARE, PRIOR_WRITERS = 0.1, 2.0
"""Of the variance of qualities, what writers are taken to differ before any evidence, and how many
writers that is worth."""
PRIOR_TASTES = 4.0
"""The same of a judge's own effects: this many of them."""
PRIOR_COMPLETIONS = 30.0
"""How many completions of a writer the spread of all writers is worth."""


@dataclass(slots=True)
class _Spreads:
    """Variances."""

    writers: float
    """Of the writers' effects."""
    tastes: float
    """Of each judge's own effects for writers."""
    within: Array
    """Of the completions of each writer around its effect; last, of a writer without a record."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One prompt: its measurements, and which effects are in them."""

    seen: Seen
    writer: NDArray[np.intp]
    """Of each completion; the number of writers where it has none with a record."""
    columns: NDArray[np.intp]
    """Of the effects: those of writers first, then those of each judge for each writer."""
    design: Array
    """(measurements, columns)"""


def with_writers(evidence: Sequence[Evidence], known: Reliability) -> Reliability:
    """``known``: the judges, fitted on ``evidence``, which says who wrote what."""
    counts = Counter(name for one in evidence if _is_judged(one) for name in one.writers)
    names = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_WRITERS]
    judges = sorted({name for one in evidence for name in one.judges})
    if len(names) < 2 or not judges:
        return known
    places = [
        _place(seen, one, names, judges)
        for one in evidence
        if one.writers and (seen := seen_of(one, known)) is not None
    ]
    alone = _taste_of_one(known, judges)
    first = _Spreads(
        writers=PRIOR_SHARE * known.quality_sd**2,
        tastes=PRIOR_SHARE * known.quality_sd**2 * alone / (1.0 - alone),
        within=np.full(len(names) + 1, (1.0 - PRIOR_SHARE) * known.quality_sd**2),
    )
    now, sizes = first, np.array([*(counts[name] for name in names), 0.0])
    effects, covariance = np.zeros(0), np.zeros((0, 0))
    for _ in range(STEPS):
        effects, covariance, own = _expect(places, now, known, len(names), len(judges))
        now = _improve(effects, covariance, own, sizes, first)
        if len(judges) == 1:
            both = now.writers + now.tastes
            now.writers, now.tastes = (1.0 - alone) * both, alone * both
    return known.model_copy(
        update={
            "writers": _records(names, counts, effects, covariance, now),
            "writers_agreed": now.writers / (now.writers + now.tastes),
        }
    )


def _is_judged(one: Evidence) -> bool:
    return bool(one.cells or one.comparisons)


def _taste_of_one(known: Reliability, judges: Sequence[str]) -> float:
    """Share of the lasting opinions of a judge that is its own error, 0 to 1."""
    shares = []
    for name in judges:
        judge = known.of(name)
        own = judge.own_sd**2 / judge.scale**2
        shares.append(own / (own + known.quality_sd**2))
    return float(np.mean(shares))


def _place(seen: Seen, one: Evidence, names: Sequence[str], judges: Sequence[str]) -> _Place:
    number = {name: k for k, name in enumerate(names)}
    writer = np.array([number.get(name, len(names)) for name in one.writers], dtype=np.intp)
    columns: list[int] = []
    design: list[Array] = []
    for k in sorted({int(each) for each in writer} - {len(names)}):
        of_writer = seen.design @ (writer == k)
        columns.append(k)
        design.append(of_writer)
        for j, judge in enumerate(judges):
            of_judge = np.array([name == judge for name in seen.judges])
            if (of_judge & (of_writer != 0)).any():
                columns.append((1 + j) * len(names) + k)
                design.append(of_writer * of_judge)
    width = len(seen.judges)
    matrix = np.stack(design, axis=1) if design else np.zeros((width, 0))
    return _Place(seen, writer, np.array(columns, dtype=np.intp), matrix)


def _expect(
    places: Sequence[_Place], now: _Spreads, known: Reliability, writers: int, judges: int
) -> tuple[Array, Array, Array]:
    """Mean and covariance of all effects, and by writer the expected sum of squares of what its
    completions have of their own."""
    size = writers * (1 + judges)
    precision = np.concatenate(
        [np.full(writers, 1.0 / now.writers), np.full(size - writers, 1.0 / now.tastes)]
    )
    told, at = np.diag(precision), np.zeros(size)
    solved = []
    for place in places:
        seen, within = place.seen, now.within[place.writer]
        spread = known.prompt_sd**2 + np.diag(within)
        inverse = np.linalg.inv(seen.design @ spread @ seen.design.T + seen.errors)
        told[np.ix_(place.columns, place.columns)] += place.design.T @ inverse @ place.design
        at[place.columns] += place.design.T @ inverse @ seen.values
        solved.append(inverse)
    covariance = np.linalg.inv(told)
    effects = covariance @ at
    own = np.zeros(writers + 1)
    for place, inverse in zip(places, solved, strict=True):
        seen, within = place.seen, now.within[place.writer]
        left = seen.values - place.design @ effects[place.columns]
        mean = within * (seen.design.T @ inverse @ left)
        known_part = np.diagonal(seen.design.T @ inverse @ seen.design)
        np.add.at(own, place.writer, mean**2 + within - within**2 * known_part)
    return effects, covariance, own


def _improve(
    effects: Array, covariance: Array, own: Array, sizes: Array, first: _Spreads
) -> _Spreads:
    writers = len(sizes) - 1
    squares = effects**2 + np.diagonal(covariance)
    tastes = squares[writers:]
    pooled = (PRIOR_COMPLETIONS * first.within[0] + own.sum()) / (PRIOR_COMPLETIONS + sizes.sum())
    return _Spreads(
        writers=float(
            (PRIOR_WRITERS * first.writers + squares[:writers].sum()) / (PRIOR_WRITERS + writers)
        ),
        tastes=float((PRIOR_TASTES * first.tastes + tastes.sum()) / (PRIOR_TASTES + len(tastes))),
        within=(PRIOR_COMPLETIONS * pooled + own) / (PRIOR_COMPLETIONS + sizes),
    )


def _records(
    names: Sequence[str],
    counts: Counter[str],
    effects: Array,
    covariance: Array,
    found: _Spreads,
) -> tuple[WriterRecord, ...]:
    writers = len(names)
    means, doubts = effects[:writers], _quasi_variances(covariance[:writers, :writers])
    sizes = np.array([counts[name] for name in names], dtype=np.float64)
    centre = float(sizes @ means / sizes.sum())
    return tuple(
        WriterRecord(
            name=names[k],
            mean=float(means[k]) - centre,
            mean_sd=math.sqrt(doubts[k]),
            spread=math.sqrt(found.within[k]),
            completions=counts[names[k]],
        )
        for k in sorted(range(writers), key=lambda k: (-means[k], names[k]))
    )


def _quasi_variances(covariance: Array) -> Array:
    """v with v_i + v_k nearest to Var(w_i - w_k) for all pairs, by least squares (Firth and de
    Menezes 2004): what all effects share is in no gap of two completions."""
    n = len(covariance)
    diagonal = np.diagonal(covariance)
    gaps = diagonal[:, None] + diagonal[None, :] - 2.0 * covariance
    rows = gaps.sum(1)
    if n == 2:
        return np.asarray(rows / 2.0)
    return np.asarray(np.maximum((rows - rows.sum() / (2.0 * (n - 1))) / (n - 2), 0.0))
