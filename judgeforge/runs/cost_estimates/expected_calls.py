"""How many calls a start will make, for the line that shows how far it has come."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from judgeforge.records import Prompt, Skip
from judgeforge.runs.cost_estimates.estimate import Estimator

_LOOKED_AT = 32
"""Prompts that judges are not learnt from."""
_MOST = 256
"""Of those that they are learnt from: pairs by design take them from far more."""


class ExpectedCalls:
    """How many calls a start will make, told from its first prompts and from some after those.

    Judges are learnt from the first ones, which may be asked about more than once.
    """

    def __init__(self, estimator: Estimator, prompts: int, *, learnt_from: int) -> None:
        """``prompts``: those to do. ``learnt_from``: how many of them judges are learnt from."""
        self._estimator, self._prompts = estimator, prompts
        self._learnt_from = max(_LOOKED_AT, min(learnt_from, _MOST))
        self._first: list[float] = []
        self._later: list[float] = []

    def learning_from(
        self, rows: Iterator[tuple[int, Prompt | Skip]]
    ) -> Iterator[tuple[int, Prompt | Skip]]:
        """The same rows."""
        for position, row in rows:
            if isinstance(row, Prompt) and len(self._later) < _LOOKED_AT:
                is_first = len(self._first) < self._learnt_from
                calls = self._first if is_first else self._later
                calls.append(self._estimator.expected_calls(row))
            yield position, row

    @property
    def number(self) -> int | None:
        """None before the first prompt."""
        if not self._first:
            return None
        others = max(0, self._prompts - len(self._first))
        return round(sum(self._first) + others * fmean(self._later or self._first))
