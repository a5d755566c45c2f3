"""The first prompts of a run go alone, until each judge that they ask could be read.

A model that refuses and a judge that cannot be read are found out with the completions of a prompt
or two, before much is spent on others. Nothing is asked that is not needed anyway. How such a
prompt ends is kept back as long as a judge is in doubt, or none was asked since all completions
were refused: where the run stops for it, the prompt is not finished, and the next start does it
again with the replies that were paid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from judgeforge.calls.acceptance import PATIENCE_S, Prompts
from judgeforge.judging.first_replies import FirstReplies
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import JudgedPrompt, SkipReason
from judgeforge.store.finished_prompt import FinishedPrompt

MOST_ALONE = 16
"""Prompts of a start that go alone; judges that told nothing by then are not waited for."""
MOST_TOGETHER = 3
"""Where all that is under way was refused, others begin until there are this many: what two odd
prompts meet says nothing of a model."""

Judged = tuple[int, JudgedPrompt | FinishedPrompt, Reliability | None]
"""Its position in the input, and what it is to be ranked with, unless it ended unjudged."""


def may_be_of_the_model(ended: FinishedPrompt) -> bool:
    """Whether it ended for refusals, or without criteria, as others may as well."""
    return ended.skip_reason in {SkipReason.CALL_FAILED, SkipReason.CRITERIA_NOT_WRITTEN}


@dataclass(slots=True)
class FirstPrompts(Prompts):
    replies: FirstReplies | None = None
    """None where no judge is asked."""
    on_change: Callable[[], None] = lambda: None
    """Called whenever a prompt may begin that could not before."""
    _under_way: int = 0
    _is_waiting: bool = False
    """Whether a prompt waits for others to end."""
    _alone: int = 0
    _is_wanted: bool = False
    _kept_back: list[Judged] = field(default_factory=list)

    @property
    def are_over(self) -> bool:
        """Whether prompts may begin and end as they like, for the time being: a judge that is asked
        for the first time later in a run is in doubt as well."""
        return self.replies is None or self._alone >= MOST_ALONE or self.replies.is_settled

    def may_begin(self, under_way: int) -> bool:
        self._under_way = under_way
        self._is_waiting = not (under_way == 0 or self._is_wanted or self.are_over)
        return not self._is_waiting

    @property
    def patience_s(self) -> float | None:
        """How long a prompt waits for others, which may hang, before another begins all the same;
        None for ever."""
        return PATIENCE_S if self._is_waiting else None

    def begin(self) -> None:
        self._is_wanted = False
        if not self.are_over:
            self._alone += 1

    @property
    def are_few(self) -> bool:
        return not self.are_over

    def have_doubts_of(self, model: str) -> bool:
        return self.replies is not None and self.replies.has_doubts_of(model)

    def begin_another(self) -> bool:
        if not self._is_waiting or self._under_way >= MOST_TOGETHER:
            return False
        self._is_wanted = True
        self.on_change()
        return True

    def end(self) -> None:
        """No other begins any more."""
        self._is_waiting = False

    def keep_back(self, judged: Judged) -> None:
        self._kept_back.append(judged)

    def take(self) -> list[Judged]:
        """What was kept back, in input order."""
        kept, self._kept_back = sorted(self._kept_back, key=lambda each: each[0]), []
        return kept
