"""What was found: figures of the whole panel, of each judge, and of each labelled item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from judgeforge.calibration.labels import Agreement, LabelKind
from judgeforge.records import Record


class Item(Record):
    """One labelled prompt, as the panel decided it."""

    prompt_id: str
    probability: float = Field(ge=0, le=1)
    """That the prediction is right, as the panel says."""
    right: float = Field(ge=0, le=1)
    """1 or 0; parts where people or the panel see a tie."""


class Bin(Record):
    """A row of the reliability table: items that were given about the same probability."""

    n: int
    probability: float
    """Mean of what was said."""
    right: float
    """Share that was right."""


class JudgeFigures(Record):
    """One judge on its own. None where it gave nothing to measure it by."""

    n: int
    """Labelled prompts that it judged."""
    accuracy: float | None
    """Share whose best completion it names; a tie counts as its share."""
    accuracy_ci: tuple[float, float] | None
    position_bias: float | None
    """Share of its verdicts for the completion shown first, less one half: 0 is none, 0.5 all."""
    length_bias: float | None
    """Share of pairs where it prefers the longer completion, less the share where people do."""
    order_flips: float | None
    """Share of pairs shown in both orders of which it names another winner when they change
    places."""
    ties: float | None
    """Share of verdicts that are ties, or of prompts where its best scores are equal."""
    refusals: int = 0
    """Judgments that the judge or a filter of its provider refused."""
    unread: int = 0
    """Replies that could not be read, also when asked again."""
    failed: int = 0
    """Judgments that are missing for another reason (calls that failed, replies cut)."""
    cost_usd: float | None = 0.0
    latency_s: float | None = None
    """Median of a call; None where no call was sent (all replies came from the cache)."""


class Evaluation(Record):
    """How well a panel agrees with people on labelled prompts, and each judge on its own.

    Shares and probabilities are from 0 to 1.
    """

    format_version: Literal[1] = 1
    of: LabelKind
    n: int
    accuracy: float
    accuracy_ci: tuple[float, float]
    """95 % (Wilson 1927)."""
    kappa: float | None
    """Cohen 1960, of the panel with people over the places of completions; None where chance alone
    explains all."""
    ece: float
    """Expected calibration error over ``reliability_table``."""
    brier: float
    """Mean squared error of the probability."""
    reliability_table: tuple[Bin, ...]
    judges: Mapping[str, JudgeFigures]
    cost_usd: float | None
    """Of all judgments, whenever they were paid."""
    people: Agreement | None = None
    items: tuple[Item, ...]
    caution: str
    """How much so many labels prove."""
