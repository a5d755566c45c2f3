"""Each judge's scale, offset and kinds of error from the scores of many prompts.

Expectation maximisation for the normal model of ranking/posterior.py (factor analysis with missing
cells: Rubin and Thayer 1982). Cells that a cascade did not ask for are missing at random given what
it saw, so the fit is not misled by them. All variances have an inverse-gamma prior.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.reliability.judges import Reliability

STEPS = 80
PRIOR_CELLS = 30.0
"""How many cells the prior variances of qualities and prompts are worth."""
PRIOR_FEW_CELLS = 4.0
"""The same of own errors and noise, in which recorded judges differ widely."""
PRIOR_SCALE_CELLS = 20.0
"""How many cells the prior scale (1) is worth."""
CLOSE, PRIOR_PROMPTS = 0.1, 15.0
"""Share of prompts whose completions are nearly equal, and how many prompts it is worth."""
CLOSE_VARIANCE = 0.25**2 / 2
"""Of the qualities of such a prompt, over that of others: some differ slightly, most not at all."""


@dataclass(slots=True)
class _Group:
    """Prompts that were asked the same: one row of ``scores`` each."""

    size: int
    """Completions of each prompt."""
    judges: NDArray[np.intp]
    """Of each cell."""
    places: NDArray[np.intp]
    counts: Array
    scores: Array
    """(prompts, cells): the mean score of each cell."""
    asked: NDArray[np.intp] = field(init=False)
    """The judges, each once."""
    column: NDArray[np.intp] = field(init=False)
    """Of each cell: which of ``asked`` is its judge."""

    def __post_init__(self) -> None:
        self.asked, self.column = np.unique(self.judges, return_inverse=True)


@dataclass(slots=True)
class _Parameters:
    offset: Array
    scale: Array
    own: Array
    prompt: Array
    repeat: Array
    """The last three are variances, one for each judge."""
    of_any_prompt: NDArray[np.bool_]
    """Whether it says nothing of whole prompts, as reward models do: ``prompt`` then stays, and it
    has no say in what zero and one mean."""
    mean: float
    spread: float
    quality: float
    """Variances of the prompts' means and, where they differ, of the qualities around them."""
    close: float
    """Share of prompts whose completions are nearly equal."""


def fit_scores(evidence: Sequence[Evidence], reliability: Reliability) -> Reliability:
    """Judges without any score keep what they have."""
    scored = {cell.judge for one in evidence for cell in one.cells}
    names = [judge.name for judge in reliability.judges if judge.name in scored]
    if not names:
        return reliability
    groups = _groups(evidence, names)
    found = start = _start(evidence, names, reliability)
    for _ in range(STEPS):
        found = _improve(groups, found, start)
    return _as_reliability(found, names, reliability)


def _start(
    evidence: Sequence[Evidence], names: Sequence[str], reliability: Reliability
) -> _Parameters:
    judges = [reliability.of(name) for name in names]
    scores: dict[str, list[float]] = defaultdict(list)
    for one in evidence:
        for cell in one.cells:
            scores[cell.judge].append(cell.mean)
    centre = float(np.mean([score for found in scores.values() for score in found]))
    return _Parameters(
        offset=np.zeros(len(names)),
        scale=np.array([judge.scale for judge in judges]),
        own=np.array([judge.own_sd**2 for judge in judges]),
        prompt=np.array([judge.prompt_sd**2 for judge in judges]),
        repeat=_repeat_variances(evidence, names, reliability),
        of_any_prompt=np.array([judge.reward_unit is not None for judge in judges]),
        mean=centre,
        spread=reliability.prompt_sd**2,
        quality=reliability.quality_sd**2,
        close=CLOSE,
    )


def _repeat_variances(
    evidence: Sequence[Evidence], names: Sequence[str], reliability: Reliability
) -> Array:
    """From the spread within cells, which no other error touches."""
    squares: dict[str, float] = defaultdict(float)
    degrees: dict[str, int] = defaultdict(int)
    for one in evidence:
        for cell in one.cells:
            squares[cell.judge] += sum((score - cell.mean) ** 2 for score in cell.scores)
            degrees[cell.judge] += len(cell.scores) - 1
    priors = [reliability.of(name).repeat_sd ** 2 for name in names]
    return np.array(
        [
            (PRIOR_FEW_CELLS * prior + squares[name]) / (PRIOR_FEW_CELLS + degrees[name])
            for name, prior in zip(names, priors, strict=True)
        ]
    )


def _groups(evidence: Sequence[Evidence], names: Sequence[str]) -> list[_Group]:
    number = {name: j for j, name in enumerate(names)}
    rows: dict[tuple[int, tuple[tuple[int, int, int], ...]], list[list[float]]] = defaultdict(list)
    for one in evidence:
        if not one.cells:
            continue
        pattern = tuple((number[cell.judge], cell.place, len(cell.scores)) for cell in one.cells)
        rows[len(one.completion_ids), pattern].append([cell.mean for cell in one.cells])
    return [
        _Group(
            size=n,
            judges=np.array([j for j, _, _ in pattern], dtype=np.intp),
            places=np.array([i for _, i, _ in pattern], dtype=np.intp),
            counts=np.array([count for _, _, count in pattern], dtype=np.float64),
            scores=np.array(sorted(found)),
        )
        for (n, pattern), found in sorted(rows.items())
    ]


class _Sums:
    """Expected sums over all prompts, from which the next parameters follow."""

    def __init__(self, judges: int) -> None:
        self.spread = self.quality = self.close = self.completions = 0.0
        self.prompts = 0
        self.own, self.own_n = np.zeros(judges), np.zeros(judges)
        self.prompt, self.prompt_n = np.zeros(judges), np.zeros(judges)
        self.cross, self.square = np.zeros(judges), np.zeros(judges)
        self.rest = np.zeros(judges)


def _improve(groups: Sequence[_Group], now: _Parameters, prior: _Parameters) -> _Parameters:
    sums = _Sums(len(now.scale))
    for group in groups:
        _expect(group, now, sums)
    own = (PRIOR_FEW_CELLS * prior.own + sums.own) / (PRIOR_FEW_CELLS + sums.own_n)
    prompt = (PRIOR_CELLS * prior.prompt + sums.prompt) / (PRIOR_CELLS + sums.prompt_n)
    prompt = np.where(now.of_any_prompt, now.prompt, prompt)
    quality = (PRIOR_CELLS * prior.quality + sums.quality) / (PRIOR_CELLS + sums.completions)
    close = (PRIOR_PROMPTS * prior.close + sums.close) / (PRIOR_PROMPTS + sums.prompts)
    spread = (PRIOR_CELLS * prior.spread + sums.spread) / (PRIOR_CELLS + sums.prompts)
    pull = PRIOR_SCALE_CELLS * prior.quality
    scale = np.maximum((pull + sums.cross) / (pull + sums.square), 0.05)
    # Only ratios of scales can be seen: their geometric mean is set to 1.
    grading = now.of_any_prompt if now.of_any_prompt.all() else np.logical_not(now.of_any_prompt)
    gauge = float(np.exp(np.mean(np.log(scale[grading]))))
    offset = now.offset + sums.rest / np.maximum(sums.own_n, 1.0)
    centre = float(offset[grading].mean())
    return _Parameters(
        offset=offset - centre,
        scale=scale / gauge,
        own=own,
        prompt=prompt,
        repeat=now.repeat,
        of_any_prompt=now.of_any_prompt,
        mean=now.mean + centre,
        spread=spread * gauge**2,
        quality=quality * gauge**2,
        close=close,
    )


def _expect(group: _Group, now: _Parameters, sums: _Sums) -> None:
    """Of each prompt it is uncertain whether its completions differ: both are expected, each as far
    as it is likely (mixture of factor analysers; Ghahramani and Hinton 1996)."""
    wide, narrow = (_Latent.of(group, now, now.quality * part) for part in (1.0, CLOSE_VARIANCE))
    odds = (
        now.close
        / (1.0 - now.close)
        * np.exp(np.clip(narrow.log_likelihood - wide.log_likelihood, -60.0, 60.0))
    )
    close = odds / (1.0 + odds)
    sums.prompts += len(close)
    sums.close += float(close.sum())
    wide.add_to(sums, group, now, 1.0 - close, 1.0)
    narrow.add_to(sums, group, now, close, CLOSE_VARIANCE)


@dataclass(frozen=True, slots=True)
class _Latent:
    """Latent variables of the prompts of a group: m, d_i, u_j (judges asked), e (one a cell)."""

    residual: Array
    """(prompts, cells)"""
    mean: Array
    """(prompts, variables)"""
    covariance: Array
    log_likelihood: Array
    """Of each prompt, up to what does not depend on the variance of the qualities."""

    @classmethod
    def of(cls, group: _Group, now: _Parameters, quality: float) -> _Latent:
        n, cells = group.size, len(group.judges)
        asked, column = group.asked, group.column
        variances = np.concatenate(
            [[now.spread], np.full(n, quality), now.prompt[asked], now.own[group.judges]]
        )
        scale, row = now.scale[group.judges], np.arange(cells)
        design = np.zeros((cells, len(variances)))
        design[:, 0] = scale
        design[row, 1 + group.places] = scale
        design[row, 1 + n + column] = 1.0
        design[row, 1 + n + len(asked) + row] = 1.0
        loaded = design * variances
        seen = loaded @ design.T + np.diag(now.repeat[group.judges] / group.counts)
        gain = np.linalg.solve(seen, loaded).T
        residual = group.scores - (now.mean + now.offset[group.judges])
        fit = (residual * np.linalg.solve(seen, residual.T).T).sum(1)
        return cls(
            residual,
            residual @ gain.T,
            np.diag(variances) - gain @ loaded,
            -0.5 * (fit + float(np.linalg.slogdet(seen)[1])),
        )

    def add_to(
        self, sums: _Sums, group: _Group, now: _Parameters, weights: Array, part: float
    ) -> None:
        """``part``: variance of the qualities over that of prompts where they differ."""
        n, cells, number = group.size, len(group.judges), float(weights.sum())
        asked, column = group.asked, group.column
        scale, latent = now.scale[group.judges], self.mean
        second = (latent * weights[:, None]).T @ latent + number * self.covariance
        diagonal = np.diagonal(second)
        sums.completions += number * n
        sums.spread += float(diagonal[0])
        sums.quality += float(diagonal[1 : 1 + n].sum()) / part
        np.add.at(sums.prompt, asked, diagonal[1 + n : 1 + n + len(asked)])
        np.add.at(sums.prompt_n, asked, number)
        first_e = 1 + n + len(asked)
        np.add.at(sums.own, group.judges, diagonal[first_e:])
        np.add.at(sums.own_n, group.judges, number)

        d, u, e = 1 + group.places, 1 + n + column, first_e + np.arange(cells)
        quality = latent[:, [0]] + latent[:, d]
        errors = second[0, u] + second[0, e] + second[d, u] + second[d, e]
        seen = weights @ (self.residual * quality)
        np.add.at(sums.cross, group.judges, seen - errors)
        np.add.at(sums.square, group.judges, second[0, 0] + 2.0 * second[0, d] + second[d, d])
        # Without the judge's own errors, whose mean is thereby moved into its offset (parameter
        # expansion, Liu, Rubin and Wu 1998): otherwise they take up most of every step.
        np.add.at(sums.rest, group.judges, weights @ (self.residual - scale * quality))


def _as_reliability(
    found: _Parameters, names: Sequence[str], reliability: Reliability
) -> Reliability:
    own = _cautious_own(found)
    fitted = {
        name: {
            "offset": float(found.offset[j]),
            "scale": float(found.scale[j]),
            "own_sd": math.sqrt(own[j]),
            "prompt_sd": math.sqrt(found.prompt[j]),
            "repeat_sd": math.sqrt(found.repeat[j]),
        }
        for j, name in enumerate(names)
    }
    return reliability.model_copy(
        update={
            "judges": tuple(
                judge.model_copy(update=fitted.get(judge.name, {})) for judge in reliability.judges
            ),
            "mean": found.mean,
            "prompt_sd": math.sqrt(found.spread),
            "quality_sd": math.sqrt(found.quality * (1.0 - found.close * (1.0 - CLOSE_VARIANCE))),
        }
    )


def _cautious_own(found: _Parameters) -> Array:
    """Disagreeing with the panel shows an error; agreeing more than others do may be an error that
    is shared. So no judge's own error counts as smaller than the panel's median."""
    relative = found.own / found.scale**2
    if len(relative) == 2:  # the median of two is not a panel's: it would make equals of them
        return found.own
    # That of numpy would import its masked arrays.
    median = statistics.median(relative.tolist())
    return np.asarray(np.maximum(relative, median) * found.scale**2)
