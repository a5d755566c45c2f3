"""Keys of the metadata that the rubric's checks read and no row has: mostly a mistyped name.

Each row by itself may lack one, and is then undecided. Where all do, the run would pay for answers
that its checks can say nothing of.
"""

from __future__ import annotations

from collections.abc import Iterator

from judgeforge.judging.checks.expected_calls import WantedCalls
from judgeforge.judging.checks.programs import REFERENCE
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.records import Prompt
from judgeforge.text.visible import quotable
from judgeforge.text.wording import did_you_mean

_MOST_KEYS = 1000
"""Of the rows, that are remembered to guess what was meant."""


class AbsentKeys:
    def __init__(self, rubric: Rubric | None) -> None:
        """``rubric`` None: it cannot be read, and nothing is said."""
        criteria = rubric.checked if rubric else ()
        self._read = {key: one.name for one in criteria for key in _keys(one)}
        self._absent = set(self._read)
        self._seen: dict[str, None] = {}
        self._any_row = False

    def add(self, prompt: Prompt) -> None:
        self._any_row = True
        if not self._absent:
            return
        found = [key for key, value in prompt.metadata.items() if value is not None]
        self._absent.difference_update(found)
        if len(self._seen) < _MOST_KEYS:
            self._seen |= dict.fromkeys(found)

    def warnings(self) -> list[str]:
        if not self._any_row:
            return []
        return [
            f"no row has `{quotable(key)}` in its metadata, which the criterion `{name}` reads"
            f"{did_you_mean(key, self._seen)} (`prompts: {{keep: […]}}` takes a column into it)"
            for key, name in self._read.items()
            if key in self._absent
        ]


def _keys(criterion: Criterion) -> Iterator[str]:
    if criterion.metadata_key is not None:
        yield criterion.metadata_key
    for check in criterion.own_checks:
        if isinstance(check.argument, WantedCalls) and check.argument.key is not None:
            yield check.argument.key
        yield from (key for key in check.needs if key != REFERENCE)
