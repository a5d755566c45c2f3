"""How many calls a start will make, for the line that shows how far it has come."""

from __future__ import annotations

from collections.abc import Iterator

from judgeforge.records import Prompt, Skip
from judgeforge.runs.planning.estimate import Estimator

_LEARNT_FROM = 32
"""Prompts."""


class ExpectedCalls:
    """How many calls a start will make, told from its first prompts."""

    def __init__(self, estimator: Estimator, prompts: int) -> None:
        """``prompts``: those to do."""
        self._estimator, self._prompts = estimator, prompts
        self._seen, self._calls = 0, 0.0

    def learning_from(
        self, rows: Iterator[tuple[int, Prompt | Skip]]
    ) -> Iterator[tuple[int, Prompt | Skip]]:
        """The same rows."""
        for position, row in rows:
            if isinstance(row, Prompt) and self._seen < _LEARNT_FROM:
                self._calls += self._estimator.expected_calls(row)
                self._seen += 1
            yield position, row

    @property
    def number(self) -> int | None:
        """None before the first prompt."""
        return round(self._calls / self._seen * self._prompts) if self._seen else None
