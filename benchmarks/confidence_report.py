"""What pairs said and what was true of them, as figures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.judging_report import machine

BINS = 10
_CHANCE_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Told:
    """One entry a pair; ``right`` and ``tied`` are parts where people disagree."""

    better: NDArray[np.float64]
    """What was said: P(chosen is better)."""
    tie: NDArray[np.float64]
    right: NDArray[np.float64] | NDArray[np.bool_]
    tied: NDArray[np.float64] | NDArray[np.bool_]
    calls: float
    """A completion."""


def joined(parts: Sequence[Told]) -> Told:
    columns = [
        np.concatenate([np.asarray(getattr(one, name), dtype=float) for one in parts])
        for name in ("better", "tie", "right", "tied")
    ]
    return Told(*columns, calls=float(np.mean([one.calls for one in parts])))


def calibration_error(said: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Over bins of equally many pairs; pairs that say the same stay together, so that their order
    tells nothing."""
    order = np.argsort(said, kind="stable")
    said, true = said[order], np.asarray(true, dtype=float)[order]
    cuts = [0]
    for wanted in (np.arange(1, BINS) * len(said)) // BINS:
        place = int(np.searchsorted(said, said[wanted], side="left"))
        if place > cuts[-1]:
            cuts.append(place)
    parts = zip(cuts, [*cuts[1:], len(said)], strict=True)
    gaps = [
        (end - start) * abs(said[start:end].mean() - true[start:end].mean()) for start, end in parts
    ]
    return float(sum(gaps) / len(said))


def by_chance(said: NDArray[np.float64]) -> float:
    """The error that pairs as honest as can be show on so many by chance alone."""
    draw = np.random.default_rng(0)
    drawn = [calibration_error(said, draw.random(len(said)) < said) for _ in range(_CHANCE_DRAWS)]
    return float(np.mean(drawn))


def as_markdown(
    worlds_told: Mapping[str, Sequence[Told]],
    people: Mapping[str, Told],
    *,
    worlds: int,
    seconds: float,
) -> str:
    lines = [
        "# Confidence: promised against real",
        "",
        f"`python benchmarks/confidence.py --data FOLDER` on {datetime.now(UTC):%Y-%m-%d}: "
        f"{machine()['cpu']}, {seconds:.0f} s of processor time.",
        "",
        f"Completions of a small model whose quality code has measured, {worlds} draws of the "
        "errors of simulated judges that match recorded ones; four completions a prompt, best "
        "against worst, judges learnt without labels on the first 64 prompts (on half of them, "
        "drawn, what measures the judges is bought too; a run draws as many behind the first 16). "
        "*Promised* is the mean over pairs of what they say. ECE over ten bins of all draws "
        "together, *by chance* what pairs that tell the "
        "exact truth would show on as many. Shares in percent.",
        "",
        "| way | pairs | calls | wrong, promised | wrong, real (sd over draws) | tied, promised "
        "| tied, real | ECE better | ECE tied | by chance | surest |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(name, parts) for name, parts in worlds_told.items()),
        "",
        "## People's votes (PandaLM, two recorded judges, one order)",
        "",
        "Right and tied are shares of three votes. *Labels*: `calibrate` on the majority label of "
        "four fifths of the pairs, ties among them, measured on the last fifth, each in turn.",
        "",
        "| known | pairs | right, promised | right, real | tied, promised | tied, real "
        "| ECE better | ECE tied | by chance (better, tied) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_people_row(name, told) for name, told in people.items()),
        "",
        "## What pairs say at each confidence",
        "",
        "| way | confidence | right | p_tie | tied | wrong, promised | wrong, real |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(row for name, parts in worlds_told.items() for row in _steps(name, joined(parts))),
        *(row for name, told in people.items() for row in _steps(f"people, {name}", told)),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, parts: Sequence[Told]) -> str:
    told = joined(parts)
    wrong = [100.0 * (1.0 - one.right - one.tied).mean() for one in map(_floats, parts)]
    return (
        f"| {name} | {len(told.better)} | {told.calls:.2f} "
        f"| {100 * (1 - told.better - told.tie).mean():.1f} "
        f"| {np.mean(wrong):.1f} ({np.std(wrong):.1f}) | {100 * told.tie.mean():.1f} "
        f"| {100 * told.tied.mean():.1f} | {calibration_error(told.better, told.right):.3f} "
        f"| {calibration_error(told.tie, told.tied):.3f} | {by_chance(told.better):.3f} "
        f"| {told.better.max():.3f} |"
    )


def _floats(told: Told) -> Told:
    return joined([told])


def _people_row(name: str, told: Told) -> str:
    return (
        f"| {name} | {len(told.better)} | {100 * told.better.mean():.1f} "
        f"| {100 * told.right.mean():.1f} | {100 * told.tie.mean():.1f} "
        f"| {100 * told.tied.mean():.1f} | {calibration_error(told.better, told.right):.3f} "
        f"| {calibration_error(told.tie, told.tied):.3f} "
        f"| {by_chance(told.better):.3f}, {by_chance(told.tie):.3f} |"
    )


def _steps(name: str, told: Told) -> list[str]:
    edges = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0]
    rows = []
    for low, high in pairwise(edges):
        part = (told.better >= low) & (told.better < high + (high == 1.0))
        if part.sum() < 20:
            continue
        better, tie, right, tied = (
            100.0 * np.asarray(column)[part].mean()
            for column in (told.better, told.tie, told.right, told.tied)
        )
        rows.append(
            f"| {name} | {better:.0f} ({part.sum()}) | {right:.0f} | {tie:.0f} | {tied:.0f} "
            f"| {100 - better - tie:.1f} | {100 - right - tied:.1f} |"
        )
    return rows
