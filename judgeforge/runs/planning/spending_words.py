"""Why one way of spending money is recommended, and what is not known about it, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.run import RunConfig
from judgeforge.ranking.cascade.training_value import TrainingValue
from judgeforge.runs.planning.pilot import Pilot
from judgeforge.text.wording import counted, listed

if TYPE_CHECKING:
    from judgeforge.runs.planning.spending_plan import SpendingOption


def reason_of(options: Sequence[SpendingOption], available: int, value: TrainingValue) -> str:
    """Why the first is before the others."""
    best = options[0]
    all_paid = best.prompts >= available
    begin = (
        f"It pays for all of the input, {counted(available, 'prompt')}"
        if all_paid
        else f"It pays for {counted(best.prompts, 'prompt')}"
    )
    others = [one for one in options[1:] if one.judges != best.judges or one.asked != best.asked]
    if not others:
        return f"{begin}; the configuration has no other way of judging."
    other = others[0]
    return f"{begin}. {_compared(best, other, value)}{_how_sure(other)}"


def _compared(best: SpendingOption, other: SpendingOption, value: TrainingValue) -> str:
    prompts = value.doubling * math.log2(best.prompts / other.prompts)
    wrong = 100.0 * value.point_wrong * (other.wrong - best.wrong)
    parts = []
    if best.prompts != other.prompts:
        times = best.prompts / other.prompts
        parts.append(f"{times:.2f} times the prompts ({prompts:+.1f} points)")
    parts.append(
        f"{100 * best.wrong:.1f} % wrong pairs instead of {100 * other.wrong:.1f} % "
        f"({wrong:+.1f} points)"
    )
    return (
        f"Against the next way ({other.name}, {other.completions} completions) it has "
        f"{' and '.join(parts)}"
    )


def _how_sure(other: SpendingOption) -> str:
    gain, error = -other.points, other.points_error
    if gain > error:
        return f": {gain:.1f} points more (± {error:.1f})."
    return f": {gain:.1f} points more, which is inside the doubt (± {error:.1f})."


def notes_of(
    config: RunConfig,
    scoring: Sequence[JudgeConfig],
    pilot: Pilot,
) -> list[str]:
    notes = [
        "Points are of a trained model's success. They follow from one experiment with a small "
        "model (docs/pairs.md) and are a rule of thumb for any other; judging.training_value sets "
        "your own. Equally good sides cost nothing that could be measured.",
        f"What is known of the judges comes from {pilot.told_by}.",
    ]
    if pilot.fitted is None:
        notes.append(
            "So all judges are taken to be equally good, whatever they cost, and an expensive one "
            "cannot be recommended. Run a pilot first, all judges on the first 64 prompts, and "
            "plan again with its folder: `judgeforge run CONFIG --limit 64 --out runs/pilot`, then "
            "`judgeforge plan CONFIG --usd … --out runs/pilot`."
        )
    if pilot.strangers:
        notes.append(f"The pilot did not ask {listed(pilot.strangers, most=3)}: taken for average.")
    left_out = [judge.label for judge in config.judging.judges if judge not in scoring]
    if left_out:
        notes.append(
            f"{listed(left_out, most=3)} compare completions; how that would turn out is not "
            "rehearsed, so they are in none of these ways."
        )
    if pilot.fitted is None:
        notes.append("Each prompt is taken to give a pair; rules of pairing leave some out.")
    return notes
