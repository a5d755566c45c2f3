"""Labels: what people say of the completions of a prompt, how far they agree, which are held out.

Labels that disagree limit how well a judge can be measured, and a fit must not be measured on the
labels that it has seen: ``folds`` divides them for cross-fitting.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from judgeforge.text.messages import Record
from judgeforge.text.wording import did_you_mean, found, listed

LabelKind = Literal["best", "pair"]
"""Which of all completions is the best, or which of two is better."""

LEAST_LABELS = 20
"""Fewer are refused."""
ENOUGH_LABELS = 40
"""From here on a calibration can be relied on."""
FOLDS = 5


class TooFewLabelsError(ValueError):
    """Fewer labels than can carry a calibration; the message says how many it takes."""


class Label(Record):
    """What people say of one prompt: the part of their favour that each completion has.

    The parts sum to 1; a tie gives half to each of two. Raises ValueError otherwise.
    """

    prompt_id: str
    parts: Mapping[str, float] = Field(min_length=1)
    """By completion id; completions that are not named have none."""

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        if min(self.parts.values()) < 0 or not math.isclose(sum(self.parts.values()), 1.0):
            raise ValueError("the parts of a label must not be negative and must sum to 1")
        return self

    @property
    def preferred(self) -> list[str]:
        """Several where people see a tie."""
        most = max(self.parts.values())
        return [name for name, part in self.parts.items() if part == most]

    @property
    def is_tie(self) -> bool:
        """Whether people prefer neither of two."""
        return len(self.parts) == 2 and len(self.preferred) == 2

    @classmethod
    def tie(cls, prompt_id: str, completion_ids: Sequence[str]) -> Label:
        return cls(
            prompt_id=prompt_id, parts=dict.fromkeys(completion_ids, 1 / len(completion_ids))
        )

    @classmethod
    def of(cls, prompt_id: str, completion_id: str) -> Label:
        return cls(prompt_id=prompt_id, parts={completion_id: 1.0})


class Agreement(Record):
    items: int
    """With the labels of at least two people."""
    share: float
    """Of pairs of people that gave the same label, averaged over items."""
    kappa: float
    """The same beyond chance (Fleiss 1971, for any number of people an item); 0 to 1 mostly."""

    def in_words(self) -> str:
        return (
            f"people agree with each other on {self.share:.0%} of {self.items} items "
            f"(Fleiss' kappa {self.kappa:.2f}): no judge can be shown to be better than that"
        )


def check_kind(of: object) -> None:
    """Raises ValueError for what is no LabelKind, and not None."""
    kinds = get_args(LabelKind)
    if of is not None and of not in kinds:
        hint = did_you_mean(of, kinds) if isinstance(of, str) else ""
        raise ValueError(f"of must be one of {listed(kinds)}, not {found(of)}{hint}")


def check_number(labels: int) -> None:
    """Raises TooFewLabelsError with the reason."""
    if labels >= LEAST_LABELS:
        return
    spread = 100 * math.sqrt(0.9 * 0.1 / max(1, labels))
    raise TooFewLabelsError(
        f"{labels} labels are too few to calibrate on: the share of right pairs alone would be "
        f"uncertain by {spread:.0f} percentage points or more, and weights and probabilities are "
        f"fitted on top. Give at least {LEAST_LABELS}, better {ENOUGH_LABELS} or more."
    )


def agreement(labels: Sequence[Sequence[str]]) -> Agreement | None:
    """``labels``: of each item, one for each person. None where no item has two."""
    several = [one for one in labels if len(one) >= 2]
    if not several:
        return None
    alike = [[one == other for one, other in combinations(each, 2)] for each in several]
    share = sum(sum(pairs) / len(pairs) for pairs in alike) / len(several)
    counts = Counter(label for one in several for label in one)
    total = counts.total()
    chance = sum((count / total) ** 2 for count in counts.values())
    kappa = 1.0 if math.isclose(chance, 1.0) else (share - chance) / (1.0 - chance)
    return Agreement(items=len(several), share=share, kappa=kappa)


def folds(prompt_ids: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """(positions to fit on, positions to predict), each position predicted once.

    Which fold a prompt is in depends on the ids alone, not on their order; equal ids stay together.
    """
    names = sorted(set(prompt_ids), key=_drawn)
    fold = {name: place % FOLDS for place, name in enumerate(names)}
    for one in range(min(FOLDS, len(names))):
        test = [i for i, name in enumerate(prompt_ids) if fold[name] == one]
        train = [i for i, name in enumerate(prompt_ids) if fold[name] != one]
        yield train, test


def _drawn(prompt_id: str) -> bytes:
    return hashlib.sha256(prompt_id.encode("utf-8", "surrogatepass")).digest()
