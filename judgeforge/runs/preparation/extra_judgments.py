"""Extra judgments of some of the first prompts, bought so that the judges of a run are measured.

A judge that is alone and asked once shows nothing of its noise, and a cascade that asks only where
it is in doubt can keep a wrong belief about its first judge for ever. So some of the prompts that
the judges are learnt from are asked more: a judge alone the same again, a cascade all its judges.
They are two thirds of those after the first ones, drawn by ids: what is asked must not depend on
where a run was stopped, and a run of few prompts buys nothing.
"""

from __future__ import annotations

import hashlib
import math
from typing import Literal

from judgeforge.config.judges import JudgingConfig
from judgeforge.config.run import RunConfig

Measure = Literal["repeats", "everybody"]
NEVER_MEASURED = 16
"""Rows of the input from its first one on: a run of so few is not worth measuring a judge for."""

MEASURED_SHARE = 1 / 2
"""Of 64 prompts that judges are learnt from: two thirds of those after the first 16."""


def bought(judging: JudgingConfig) -> Measure | None:
    """None where nothing is, because the judges measure each other, repeat themselves or have
    labels, or nothing could be learnt.

    What others have judged decides nothing here: it may come, change and go while a run goes on.
    """
    if not judging.fit_repeats or not judging.fit_prompts or judging.calibration is not None:
        return None
    judges = judging.judges
    if asks_beyond_first_tier(judging):
        return "everybody" if len(judges) > 1 else None
    if len(judges) != 1:
        return None
    only = judges[0]
    repeatable = only.shows != "two" and "repeats" in only.facts.settings and only.repeats == 1
    return "repeats" if repeatable else None


def asks_beyond_first_tier(judging: JudgingConfig) -> bool:
    """Whether a cascade can ask anything that is not asked about every prompt."""
    judges = judging.judges
    more = any(judge.repeats > 1 or judge.tier != judges[0].tier for judge in judges)
    return judging.cascade is not None and more


def tier_behind_rewards(judging: JudgingConfig) -> int | None:
    """The tier that a cascade asks about every prompt that its judges are learnt from, since the
    first tier has reward models alone: a reward promises nothing before its scale is known."""
    tiers = sorted({judge.tier for judge in judging.judges})
    if judging.cascade is None or judging.calibration is not None or len(tiers) < 2:
        return None
    first = [judge for judge in judging.judges if judge.tier == tiers[0]]
    return tiers[1] if all(judge.facts.rewards for judge in first) else None


def first_prompts(config: RunConfig) -> int:
    """How many prompts of the input it takes to learn the judges: with `delta` few are judged."""
    wanted, rules = config.judging.fit_prompts, config.pairing
    return math.ceil(wanted / rules.audit) if rules.audits and rules.audit else wanted


def asks_from_records(judging: JudgingConfig, *, checked: bool) -> bool:
    """Whether nothing at all is asked where the writers' records have settled the pair.

    ``checked``: whether code verifies a part of the rubric, which judges then have to complete.
    """
    return judging.writer_prior and judging.cascade is not None and not checked


def is_measured(position: int, prompt_id: str) -> bool:
    """Whether a prompt that the judges are learnt from, at this row of the input, is asked more."""
    drawn = hashlib.sha256(prompt_id.encode("utf-8", "surrogatepass")).digest()[0]
    return position >= NEVER_MEASURED and drawn < 171  # two in three
