"""What was found of panel, judges and labelled items, and two such findings compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from judgeforge.calibration.labels import Agreement, LabelKind
from judgeforge.calibration.thresholds import lower_tail
from judgeforge.text.messages import Record


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
    """Replies that could not be read, even when asked again."""
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
    reliability_table: tuple[Bin, ...] = Field(repr=False)
    judges: Mapping[str, JudgeFigures]
    cost_usd: float | None
    """Of all judgments, whenever they were paid for."""
    people: Agreement | None = None
    items: tuple[Item, ...] = Field(repr=False)
    caution: str
    """How much this many labels prove."""


SIGNIFICANT = 0.05


class Comparison(Record):
    """What has changed from one evaluation to the next, on the items that both have."""

    n: int
    """Items that both have."""
    accuracy: float
    accuracy_before: float
    gained: int
    """Items that are right now and were less right before."""
    lost: int
    p_value: float
    """Exact two-sided McNemar test (1947): of gaining and losing alike by chance alone."""
    in_words: str


def compare(now: Evaluation, before: Evaluation) -> Comparison:
    """Raises ValueError where they have no item in common or measure different things."""
    if now.of != before.of:
        raise ValueError(f"one is about labels of kind `{now.of}`, the other of kind `{before.of}`")
    old = {item.prompt_id: item.right for item in before.items}
    both = [(item.right, old[item.prompt_id]) for item in now.items if item.prompt_id in old]
    if not both:
        raise ValueError("the two evaluations have no item in common: use the same label file")
    gained = sum(new > previous for new, previous in both)
    lost = sum(new < previous for new, previous in both)
    accuracy, accuracy_before = (sum(values) / len(both) for values in zip(*both, strict=True))
    p_value = mcnemar(gained, lost)
    return Comparison(
        n=len(both),
        accuracy=accuracy,
        accuracy_before=accuracy_before,
        gained=gained,
        lost=lost,
        p_value=p_value,
        in_words=(
            f"On the {len(both)} items of both, accuracy is {accuracy:.1%} and was "
            f"{accuracy_before:.1%} ({gained} gained, {lost} lost; McNemar's exact p = "
            f"{p_value:.2g}): {_verdict(gained, lost, p_value)}."
        ),
    )


def mcnemar(gained: int, lost: int) -> float:
    changed = gained + lost
    return min(1.0, 2.0 * lower_tail(min(gained, lost), changed, 0.5)) if changed else 1.0


def _verdict(gained: int, lost: int, p_value: float) -> str:
    if gained + lost == 0:
        return "the change made no difference on any item"
    if p_value >= SIGNIFICANT:
        return "this does not show that the change made a difference"
    return "the change helped" if gained > lost else "the change made it worse"
