"""What the trained models of the downstream benchmark say about the ways of spending, as a page.

Differences are of the same draws of judges. What one training scatters is read from the whole table
of a group: what remains of its shares after the means of its arms and of its draws (a two-way
layout without interaction), so it holds the noise of judges, of training and of sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.downstream_arms import ARMS, FULL, GROUPS
from benchmarks.judging_report import machine

AGAINST, NOTHING = "one judge", "-"
_T = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 10: 2.23}
"""Student's t, 97.5 %; 2.2 falling to 1.96 beyond."""
BOOTSTRAP = 2000

Result = Mapping[str, Any]
Measure = Callable[[Result], NDArray[np.float64]]
"""Of a result: what each held-out prompt shows, 0 to 1 as a mean; empty: not measured."""


@dataclass(frozen=True, slots=True)
class Difference:
    points: float
    half: float
    """Of the 95 % interval."""
    worlds: int

    def __str__(self) -> str:
        shown = "" if abs(self.points) > self.half else " (inside the noise)"
        return f"{self.points:+.1f} ± {self.half:.1f}{shown}"


def as_markdown(
    found: Sequence[Result],
    agreement: float,
    *,
    held_out: int = 180,
    option: str = " --data FOLDER",
) -> str:
    """Of all scales that there are results of, the largest first. ``option``: names the data."""
    scales = sorted({tuple(one["scale"].items()) for one in found}, reverse=True)
    seconds = sum(one["processor_seconds"] for one in found)
    devices = ", ".join(sorted({one["device"] for one in found}))
    lines = [
        "# What the same judge money makes of a model",
        "",
        f"`python benchmarks/downstream.py{option}`, {datetime.now(UTC):%Y-%m-%d}, "
        f"{machine()['cpu']}, device {devices}, {seconds:.0f} s of processor time for "
        f"{len(found)} trainings and their samples.",
        "",
        "SmolLM2-135M-Instruct, the upper 8 of its 30 layers trained by DPO (beta 0.1, learning "
        "rate 1e-4, steps of 16 pairs) on pairs that the money paid for, among prompts with four "
        "recorded completions each; simulated judges that match recorded ones. Then the share of "
        f"answers to {held_out} held-out prompts that keep all constraints, checked in code (which "
        f"agrees with the data's own reading on {100 * agreement:.1f} % of recorded completions). "
        "*Ordered right*: of the pairs of recorded answers to held-out prompts that differ in "
        "quality, those whose better answer the training made likelier than the worse one "
        "(the implicit reward of DPO); nothing is sampled for it, so it scatters less.",
        "",
        "*Draws*: of judges' errors, order of prompts and seed. *Against* is the difference to one "
        "judge, best against worst, over the draws that both have, with its 95 % interval: over "
        "draws where there are several arms of at least two, else over held-out prompts alone, "
        "which leaves out what another training would have done. *More in doubt*: up to four more "
        "recorded completions of a prompt, as `sampling.more_in_doubt` samples them (free here, as "
        "all sampling is); their judges' errors are another draw.",
    ]
    for scale in map(dict, scales):
        lines += _of_scale([one for one in found if one["scale"] == scale], scale)
    return "\n".join(lines) + "\n"


def _of_scale(found: Sequence[Result], scale: Mapping[str, int]) -> list[str]:
    calls, samples = 4 * scale["prompts"], scale["samples"]
    small = "" if scale["prompts"] >= FULL else ", in small"
    lines = [
        "",
        f"## {calls:,} judge calls{small}",
        "",
        f"{scale['prompts']:,} prompts, {scale['steps']} steps, {samples} answers to each held-out "
        f"prompt (`--prompts {scale['prompts']} --steps {scale['steps']} --samples {samples}`).",
    ]
    groups = {name: [one for one in found if one["group"] == name] for name in GROUPS}
    for name, part in groups.items():
        if part:
            lines += ["", f"### {GROUPS[name].title}", "", *_table(part, samples)]
    if sum(map(bool, groups.values())) > 1:
        lines += ["", "### All of these together", ""]
        lines += [
            "Each draw of each group beside one judge in the same draw and group.",
            "",
            *_table([{**one, "world": (one["group"], one["world"])} for one in found], samples),
        ]
    return lines


def _table(found: Sequence[Result], samples: int) -> list[str]:
    lines = [
        "| way | draws | prompts | pairs | wrong % | tied % | answers as asked % | against "
        "| ordered right % | against |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    measures = (lambda one: answered(one, samples), ordered)
    noises = [noise_of_one(found, measure) for measure in measures]
    for arm in ARMS:
        part = [one for one in found if one["arm"] == arm.name]
        if not part:
            continue
        mean = {k: np.mean([one[k] for one in part]) for k in ("prompts", "pairs", "wrong", "tied")}
        trained = [f"{mean['prompts']:.0f}", f"{mean['pairs']:.0f}"]
        trained += [f"{100 * mean['wrong']:.1f}", f"{100 * mean['tied']:.1f}"]
        if not mean["pairs"]:
            trained = [NOTHING] * 4
        cells = [arm.name, str(len(part)), *trained]
        for measure, noise in zip(measures, noises, strict=True):
            shares = [each.mean() for one in part if len(each := measure(one))]
            against = difference(found, arm.name, measure, noise)
            cells += [f"{100 * np.mean(shares):.1f}" if shares else NOTHING]
            cells += [NOTHING if against is None else str(against)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def answered(one: Result, samples: int) -> NDArray[np.float64]:
    """The share of answers to each held-out prompt that keep all constraints."""
    return np.array(one["passed"]) / samples


def ordered(one: Result) -> NDArray[np.float64]:
    """What each held-out prompt adds to the share of pairs of recorded completions that the model
    orders as their quality is, as a mean over prompts; empty for an untrained model."""
    counts = np.array(one.get("ordered", ()), dtype=float).reshape(-1, 2)
    return counts[:, 0] / counts[:, 1].mean() if len(counts) else counts[:, 0]


def noise_of_one(found: Sequence[Result], measure: Measure) -> tuple[float, int] | None:
    """Standard deviation of one training's share in points, and its degrees of freedom; None where
    fewer than two arms have two draws."""
    shares = {
        (one["arm"], one["world"]): 100 * float(each.mean())
        for one in found
        if len(each := measure(one))
    }
    arms = [
        arm
        for arm in {arm for arm, _ in shares}
        if sum(1 for other, _ in shares if other == arm) > 1
    ]
    cells = [(arm, world) for arm, world in shares if arm in arms]
    worlds = sorted({world for _, world in cells}, key=str)
    if len(arms) < 2:
        return None
    columns: list[object] = [*arms, *worlds[1:]]
    design = np.array([[float(name in (arm, world)) for name in columns] for arm, world in cells])
    values = np.array([shares[cell] for cell in cells])
    solution, *_ = np.linalg.lstsq(design, values, rcond=None)
    freedom = len(cells) - int(np.linalg.matrix_rank(design))
    if freedom < 1:
        return None
    return float(np.sqrt(((values - design @ solution) ** 2).sum() / freedom)), freedom


def difference(
    found: Sequence[Result], arm: str, measure: Measure, noise: tuple[float, int] | None
) -> Difference | None:
    """Of an arm to the single judge, over the draws that both have; None without any."""
    ways = [
        {one["world"]: each for one in found if one["arm"] == name and len(each := measure(one))}
        for name in (arm, AGAINST)
    ]
    worlds = sorted(set(ways[0]) & set(ways[1]), key=str)
    if arm == AGAINST or not worlds:
        return None
    each = np.array([ways[0][world] - ways[1][world] for world in worlds])
    points = 100 * float(each.mean())
    if noise is not None:
        t = _T.get(noise[1], 1.96 + 2.6 / noise[1])
        return Difference(points, t * noise[0] * float(np.sqrt(2 / len(worlds))), len(worlds))
    of_prompts = each.mean(axis=0)
    draw = np.random.default_rng(0)
    places = draw.integers(0, len(of_prompts), (BOOTSTRAP, len(of_prompts)))
    low, high = np.percentile(100 * of_prompts[places].mean(axis=1), [2.5, 97.5])
    return Difference(points, float(high - low) / 2, len(worlds))
