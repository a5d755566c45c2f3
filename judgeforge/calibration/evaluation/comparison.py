"""Two evaluations on the same items: did the change help?"""

from __future__ import annotations

from judgeforge.calibration.evaluation.evaluation import Evaluation
from judgeforge.calibration.thresholds import lower_tail
from judgeforge.records import Record

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
        raise ValueError(f"one measures which is `{now.of}`, the other which is `{before.of}`")
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
