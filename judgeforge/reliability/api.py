"""The reliability of judges, for scripts that bring their own judgments."""

from __future__ import annotations

from collections.abc import Iterable

from judgeforge.own_judgments import judgments_by_prompt
from judgeforge.records import Judgment
from judgeforge.reliability.fit import fit_reliability as fit_sound
from judgeforge.reliability.judges import Reliability


def fit_reliability(judgments: Iterable[Iterable[Judgment]]) -> Reliability:
    """Learn each judge's scale, noise and bias from the judgments of many prompts, for ``rank``.

    ``judgments``: those of each prompt. No label is needed; with few prompts the result stays near
    the prior. The order of prompts and judgments does not matter. Raises what ``rank`` raises for
    wrong judgments.
    """
    return fit_sound(list(judgments_by_prompt(judgments).values()))
