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
    """Prompts that were asked the same: one row of ``scores`` each.

    Their latent variables are m, d_i (one a completion), u_j (judges asked) and e (one a cell).
    """

    size: int
    """Completions of each prompt."""
    judges: NDArray[np.intp]
    """Of each cell."""
    places: NDArray[np.intp]
    scores: Array
    """(prompts, cells): the mean score of each cell."""
    noise: Array
    """(cells, cells): variances of these means around what the judge thinks."""
    among: int
    """Judges of all groups."""
    variances: NDArray[np.intp] = field(init=False)
    """Of each latent variable: where among ``_Parameters.variances``."""
    scaled: Array = field(init=False)
    """(cells, variables): 1 for what a cell shows through its judge's scale, else 0."""
    shown: Array = field(init=False)
    """The same of what it shows as it is."""
    moments: NDArray[np.intp] = field(init=False)
    """(6, cells): where among the second moments are m with u, m with e, d with u, d with e, m with
    d, and the square of d, of each cell's completion and judge."""
    sums: NDArray[np.intp] = field(init=False)
    """Where among ``_Sums.by_judge`` that belongs which is added to it in one go."""

    def __post_init__(self) -> None:
        asked, column = np.unique(self.judges, return_inverse=True)
        row, first_u = np.arange(len(self.judges)), 1 + self.size
        d, u, e = 1 + self.places, first_u + column, first_u + len(asked) + row
        of_each = np.concatenate([2 + asked, 2 + self.among + self.judges])
        self.variances = np.concatenate([[0], np.full(self.size, 1), of_each])
        n = len(self.variances)
        self.scaled, self.shown = np.zeros((len(row), n)), np.zeros((len(row), n))
        self.scaled[:, 0] = self.scaled[row, d] = self.shown[row, u] = self.shown[row, e] = 1.0
        self.moments = np.array([u, e, n * d + u, n * d + e, d, n * d + d])
        rows = of_each - 2, of_each - 2 + 2 * self.among
        cells = (self.judges + k * self.among for k in (4, 5, 6))
        self.sums = np.tile(np.concatenate([*rows, *cells]), 2)


@dataclass(slots=True)
class _Parameters:
    offset: Array
    scale: Array
    own: Array
    prompt: Array
    """The last two are variances, one for each judge."""
    of_any_prompt: NDArray[np.bool_]
    """Whether it says nothing of whole prompts, as reward models do: ``prompt`` then stays."""
    grading: NDArray[np.intp]
    """The judges that have a say in what zero and one mean: the others, if there are any."""
    mean: float
    spread: float
    quality: float
    """Variances of the prompts' means and, where they differ, of the qualities around them."""
    close: float
    """Share of prompts whose completions are nearly equal."""

    def variances(self) -> Array:
        """(2, 2 + 2 * judges): of all latent variables, where completions differ and where not."""
        both = np.empty((2, 2 + 2 * len(self.own)))
        both[:] = np.concatenate([[self.spread, self.quality], self.prompt, self.own])
        both[1, 1] = self.quality * CLOSE_VARIANCE
        return both


def fit_scores(evidence: Sequence[Evidence], reliability: Reliability) -> Reliability:
    """Judges without any score keep what they have."""
    scored = {cell.judge for one in evidence for cell in one.cells}
    names = [judge.name for judge in reliability.judges if judge.name in scored]
    if not names:
        return reliability
    repeat = _repeat_variances(evidence, names, reliability)
    groups = _groups(evidence, names, repeat)
    found = start = _start(evidence, names, reliability)
    for _ in range(STEPS):
        found = _improve(groups, found, start)
    return _as_reliability(found, repeat, names, reliability)


def _start(
    evidence: Sequence[Evidence], names: Sequence[str], reliability: Reliability
) -> _Parameters:
    judges = [reliability.of(name) for name in names]
    scores: dict[str, list[float]] = defaultdict(list)
    for one in evidence:
        for cell in one.cells:
            scores[cell.judge].append(cell.mean)
    of_any_prompt = np.array([judge.reward_unit is not None for judge in judges])
    centre = float(np.mean([score for found in scores.values() for score in found]))
    return _Parameters(
        offset=np.zeros(len(names)),
        scale=np.array([judge.scale for judge in judges]),
        own=np.array([judge.own_sd**2 for judge in judges]),
        prompt=np.array([judge.prompt_sd**2 for judge in judges]),
        of_any_prompt=of_any_prompt,
        grading=np.flatnonzero(of_any_prompt == of_any_prompt.all()),
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


def _groups(evidence: Sequence[Evidence], names: Sequence[str], repeat: Array) -> list[_Group]:
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
            noise=np.diag([repeat[j] / count for j, _, count in pattern]),
            scores=np.array(sorted(found)),
            among=len(names),
        )
        for (n, pattern), found in sorted(rows.items())
    ]


class _Sums:
    """Expected sums over all prompts, from which the next parameters follow."""

    def __init__(self, judges: int) -> None:
        self.spread = self.quality = self.close = self.completions = 0.0
        self.prompts = 0
        self.by_judge = np.zeros((7, judges))
        """Squares of errors of whole prompts and of its own, how many there are of both, scores
        times qualities, squares of qualities, and what the scores are above the qualities."""


def _improve(groups: Sequence[_Group], now: _Parameters, prior: _Parameters) -> _Parameters:
    sums, variances = _Sums(len(now.scale)), now.variances()
    for group in groups:
        _expect(group, now, variances, sums)
    prompt, own, prompts, cells, cross, square, rest = sums.by_judge
    own = (PRIOR_FEW_CELLS * prior.own + own) / (PRIOR_FEW_CELLS + cells)
    prompt = (PRIOR_CELLS * prior.prompt + prompt) / (PRIOR_CELLS + prompts)
    prompt[now.of_any_prompt] = now.prompt[now.of_any_prompt]
    quality = (PRIOR_CELLS * prior.quality + sums.quality) / (PRIOR_CELLS + sums.completions)
    close = (PRIOR_PROMPTS * prior.close + sums.close) / (PRIOR_PROMPTS + sums.prompts)
    spread = (PRIOR_CELLS * prior.spread + sums.spread) / (PRIOR_CELLS + sums.prompts)
    pull = PRIOR_SCALE_CELLS * prior.quality
    scale = np.maximum((pull + cross) / (pull + square), 0.05)
    # Only ratios of scales can be seen: their geometric mean is set to 1.
    grading = now.grading
    gauge = float(np.exp(np.log(scale[grading]).sum() / len(grading)))
    offset = now.offset + rest / np.maximum(cells, 1.0)
    centre = float(offset[grading].sum() / len(grading))
    return _Parameters(
        offset=offset - centre,
        scale=scale / gauge,
        own=own,
        prompt=prompt,
        of_any_prompt=now.of_any_prompt,
        grading=grading,
        mean=now.mean + centre,
        spread=spread * gauge**2,
        quality=quality * gauge**2,
        close=close,
    )


def _expect(group: _Group, now: _Parameters, variances: Array, sums: _Sums) -> None:
    """Of each prompt it is uncertain whether its completions differ: both are expected, each as far
    as it is likely (mixture of factor analysers; Ghahramani and Hinton 1996)."""
    latent = _Latent.of(group, now, variances.take(group.variances, 1))
    apart, near = latent.log_likelihood
    odds = now.close / (1.0 - now.close) * np.exp(np.minimum(np.maximum(near - apart, -60.0), 60.0))
    close = odds / (1.0 + odds)
    sums.prompts += len(close)
    sums.close += float(close.sum())
    latent.add_to(sums, group, np.array([1.0 - close, close]))


@dataclass(frozen=True, slots=True)
class _Latent:
    """The latent variables of the prompts of a group, where completions differ and where not."""

    scale: Array
    """Of the judge of each cell."""
    residual: Array
    """(prompts, cells)"""
    mean: Array
    """(2, prompts, variables)"""
    covariance: Array
    """(2, variables, variables)"""
    log_likelihood: Array
    """(2, prompts), up to what does not depend on the variance of the qualities."""

    @classmethod
    def of(cls, group: _Group, now: _Parameters, variances: Array) -> _Latent:
        """``variances``: (2, variables)"""
        scale = now.scale[group.judges]
        design = scale[:, None] * group.scaled + group.shown
        loaded = design * variances[:, None]
        seen = loaded @ design.T + group.noise
        gain = np.linalg.solve(seen, loaded)
        residual = group.scores - (now.mean + now.offset[group.judges])
        fit = (residual * np.linalg.solve(seen, residual.T).swapaxes(1, 2)).sum(2)
        covariance = -(gain.swapaxes(1, 2) @ loaded)
        _diagonals(covariance)[:] += variances
        far = fit + np.linalg.slogdet(seen)[1][:, None]
        return cls(scale, residual, residual @ gain, covariance, -0.5 * far)

    def add_to(self, sums: _Sums, group: _Group, weights: Array) -> None:
        """``weights``: (2, prompts), how likely each is."""
        n, latent, numbers = group.size, self.mean, weights.sum(1)
        second = (latent * weights[:, :, None]).swapaxes(1, 2) @ latent
        second += numbers[:, None, None] * self.covariance
        squares = _diagonals(second)
        mu, me, du, de, md, dd = second.reshape(2, -1)[:, group.moments].swapaxes(0, 1)
        quality = latent[:, :, :1] + latent[:, :, 1 + group.places]
        cross = weights[:, None] @ (self.residual * quality)
        # Without the judge's own errors, whose mean is thereby moved into its offset (parameter
        # expansion, Liu, Rubin and Wu 1998): otherwise they take up most of every step.
        rest = weights[:, None] @ (self.residual - self.scale * quality)
        errors = squares[:, 1 + n :]
        added = (
            errors,
            numbers[:, None].repeat(errors.shape[1], 1),
            cross[:, 0] - (mu + me + du + de),
            squares[:, :1] + 2.0 * md + dd,
            rest[:, 0],
        )
        np.add.at(sums.by_judge.reshape(-1), group.sums, np.concatenate(added, 1).reshape(-1))
        told = np.array([numbers, squares[:, 0], squares[:, 1 : 1 + n].sum(1)]).T.tolist()
        for (number, spread, quality), part in zip(told, (1.0, CLOSE_VARIANCE), strict=True):
            sums.completions += number * n
            sums.spread += spread
            sums.quality += quality / part


def _diagonals(matrices: Array) -> Array:
    """Of each of several, to be written to as well."""
    return matrices.reshape(len(matrices), -1)[:, :: matrices.shape[1] + 1]


def _as_reliability(
    found: _Parameters, repeat: Array, names: Sequence[str], reliability: Reliability
) -> Reliability:
    own = _cautious_own(found)
    fitted = {
        name: {
            "offset": float(found.offset[j]),
            "scale": float(found.scale[j]),
            "own_sd": math.sqrt(own[j]),
            "prompt_sd": math.sqrt(found.prompt[j]),
            "repeat_sd": math.sqrt(repeat[j]),
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
