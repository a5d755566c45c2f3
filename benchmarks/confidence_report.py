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


@dataclass(frozen=True, slots=True)
class FamilyTold:
    """Of all worlds, for so many judges."""

    judges: int
    told: tuple[Told, ...]

    @property
    def pooled(self) -> Told:
        return joined(self.told)

    @property
    def error_in_a_world(self) -> tuple[float, float]:
        """Mean ECE of better and of tied, each world for itself."""
        better = [calibration_error(one.better, one.right) for one in self.told]
        tied = [calibration_error(one.tie, one.tied) for one in self.told]
        return float(np.mean(better)), float(np.mean(tied))

    @property
    def wrong_off(self) -> float:
        """Mean distance of promised from real wrong share over worlds, in points."""
        off = [
            abs((1.0 - one.better - one.tie).mean() - (1.0 - one.right - one.tied).mean())
            for one in (joined([each]) for each in self.told)
        ]
        return 100.0 * float(np.mean(off))


ABOUT = (
    "Completions of a small model whose quality code has measured, {worlds} draws of the errors of "
    "simulated judges that match recorded ones; four completions a prompt, best against worst, "
    "judges learnt without labels on the first 64 prompts (on half of them, drawn, what measures "
    "the judges is bought too; a run draws as many behind the first 16). *Promised* is the mean "
    "over pairs of what they say. ECE over ten bins of all draws together, *by chance* what pairs "
    "that tell the exact truth would show on as many. Shares in percent."
)
PARTS = {
    "held out": "Held out: four completions of each prompt and draws of errors that nothing was "
    "chosen on",
    "seen": "Seen: the four completions on which some constants were chosen (decision 0034)",
}
FAMILY = (
    "Worlds of 256 prompts that each draw their share of ties (3 to 45 % of pairs), law of "
    "qualities (normal, skewed, counts), steps of scores (5 to 100), tails of errors, and judges "
    "as recorded ones are spread. *In a world*: the mean over worlds of the error in each; "
    "*by chance* is what 250 honest pairs show of it. What is left beyond chance is what the run "
    "cannot know of its own world: a reporter that is right over all worlds has it too."
)


def as_markdown(
    parts: Mapping[str, Mapping[str, Sequence[Told]]],
    family: Sequence[FamilyTold],
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
        ABOUT.format(worlds=worlds),
    ]
    for part, ways in parts.items():
        lines += [
            "",
            f"## {PARTS[part]}",
            "",
            "| way | pairs | calls | wrong, promised | wrong, real (sd over draws) "
            "| tied, promised | tied, real | ECE better | ECE tied | by chance | surest |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *(_row(name, told) for name, told in ways.items()),
        ]
    lines += [
        "",
        "## A family of made-up worlds, on which nothing was chosen",
        "",
        FAMILY,
        "",
        "| judges | worlds | wrong, promised | wrong, real | off in a world, points "
        "| tied, promised | tied, real | ECE better, tied | by chance "
        "| in a world: better, tied | by chance |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_family_row(one) for one in family),
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
        "## What pairs say at each confidence, held out",
        "",
        "| way | confidence | right | p_tie | tied | wrong, promised | wrong, real |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(row for name, told in parts["held out"].items() for row in _steps(name, joined(told))),
        *(row for name, told in people.items() for row in _steps(f"people, {name}", told)),
    ]
    return "\n".join(lines) + "\n"


def _family_row(one: FamilyTold) -> str:
    told, (better, tied) = one.pooled, one.error_in_a_world
    chance = np.mean([by_chance(each.better) for each in one.told])
    again = ", asked twice on first prompts" if one.judges == 1 else ""
    return (
        f"| {one.judges}{again} | {len(one.told)} "
        f"| {100 * (1 - told.better - told.tie).mean():.1f} "
        f"| {100 * (1 - told.right - told.tied).mean():.1f} | {one.wrong_off:.1f} "
        f"| {100 * told.tie.mean():.1f} | {100 * told.tied.mean():.1f} "
        f"| {calibration_error(told.better, told.right):.3f}, "
        f"{calibration_error(told.tie, told.tied):.3f} | {by_chance(told.better):.3f} "
        f"| {better:.3f}, {tied:.3f} | {chance:.3f} |"
    )


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
