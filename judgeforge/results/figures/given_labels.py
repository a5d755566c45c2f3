"""How the verdicts of a run compare with the labels of a set that it judged anew. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judgeforge.store.manifest import Flip, GivenFamily, GivenLabels
from judgeforge.text.model_families import families_by_name
from judgeforge.text.tool_calls import row_said_text

SURE = 0.9
"""Probability from which a verdict against a label is a sure one."""
_MOST_FLIPS = 50
_MOST_FAMILIES = 20
_DIGITS = 6


@dataclass(slots=True)
class _Share:
    """Of sides that one family wrote and another one the other."""

    rows: int = 0
    labelled: int = 0
    """Where the label prefers it."""
    judged: int = 0
    """Where the verdict does."""


@dataclass(slots=True)
class GivenLabelFigures:
    rows: int = 0
    """Prompts that brought both sides."""
    agree: int = 0
    flipped: int = 0
    tied: int = 0
    """Judged equal."""
    surely_flipped: int = 0
    expected: float = 0.0
    """Sum of the probabilities that the side that was chosen is the better one."""
    differ: int = 0
    """Judged rows whose sides differ in length."""
    labelled_longer: int = 0
    judged_longer: int = 0
    flips_from_longer: int = 0
    """Flipped rows whose label had preferred the longer side."""
    _flips: list[tuple[float, int, str]] = field(default_factory=list)
    _families: defaultdict[str, _Share] = field(default_factory=lambda: defaultdict(_Share))

    @property
    def judged(self) -> int:
        return self.agree + self.flipped + self.tied

    def add_prompt(self, completions: Sequence[Mapping[str, Any]]) -> None:
        """The rows of completions.jsonl of one prompt."""
        sides = {row["given"]: row for row in completions if row.get("given")}
        if len(sides) < 2:
            return
        self.rows += 1
        chosen, rejected = sides["chosen"], sides["rejected"]
        right = _probability(chosen, rejected)
        if right is None:
            return
        self.expected += right
        difference = chosen["score"] - rejected["score"]
        self.agree += difference > 0
        self.tied += difference == 0
        if difference < 0:
            self._add_flip(str(chosen["prompt_id"]), right)
        self._add_length(chosen, rejected, difference)
        self._add_families(str(chosen["model"]), str(rejected["model"]), difference)

    def _add_flip(self, prompt_id: str, right: float) -> None:
        self.flipped += 1
        self.surely_flipped += 1.0 - right >= SURE
        flips = (*self._flips, (1.0 - right, -self.flipped, prompt_id))
        self._flips = sorted(flips, reverse=True)[:_MOST_FLIPS]

    def _add_length(
        self, chosen: Mapping[str, Any], rejected: Mapping[str, Any], difference: float
    ) -> None:
        longer = len(row_said_text(chosen)) - len(row_said_text(rejected))
        if longer == 0:
            return
        self.differ += 1
        self.labelled_longer += longer > 0
        self.judged_longer += difference * longer > 0
        self.flips_from_longer += difference < 0 < longer

    def _add_families(self, chosen: str, rejected: str, difference: float) -> None:
        better, worse = ("+".join(sorted(families_by_name(name))) for name in (chosen, rejected))
        if better == worse:
            return
        for family, is_chosen in ((better, True), (worse, False)):
            share = self._families[family]
            share.rows += 1
            share.labelled += is_chosen
            share.judged += (difference > 0) is is_chosen and difference != 0

    def told(self) -> GivenLabels | None:
        """For the manifest and the report; None for a run whose rows had no labels."""
        if not self.rows:
            return None
        most = sorted(self._families.items(), key=lambda item: (-item[1].rows, item[0]))
        return GivenLabels(
            rows=self.rows,
            judged=self.judged,
            agree=self.agree,
            flipped=self.flipped,
            tied=self.tied,
            surely_flipped=self.surely_flipped,
            expected_right=_rounded(self.expected, self.judged),
            labelled_longer=_rounded(self.labelled_longer, self.differ),
            judged_longer=_rounded(self.judged_longer, self.differ),
            flips_from_longer=_rounded(self.flips_from_longer, self.flipped),
            families=tuple(
                GivenFamily(family=name, rows=one.rows, labelled=one.labelled, judged=one.judged)
                for name, one in most[:_MOST_FAMILIES]
            ),
            surest_flips=tuple(
                Flip(prompt_id=name, probability=round(sure, _DIGITS))
                for sure, _, name in self._flips
            ),
        )


def _probability(chosen: Mapping[str, Any], rejected: Mapping[str, Any]) -> float | None:
    """That the side that was chosen is the better one; None where one of them was not judged.

    Of several completions: given that one of the two is the best.
    """
    if chosen.get("score") is None or rejected.get("score") is None:
        return None
    best, other = chosen.get("p_best"), rejected.get("p_best")
    if best is None or other is None or best + other <= 0:
        return 0.5
    return float(best / (best + other))


def _rounded(part: float, whole: int) -> float | None:
    return round(part / whole, _DIGITS) if whole else None
