"""Which workers take prompts, how many each has, and who gets the next one.

Equal prompts (``duplicate_prompts: keep``) lead to equal requests. Within one process such requests
are sent once and shared; between processes nothing would tell the second that the first is on its
way. So as long as one of them is under way, the others go to the same process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from judgeforge.calls.money.claims import Claim
from judgeforge.records import Completion, Prompt
from judgeforge.store.finished_prompt import FinishedPrompt


@dataclass(slots=True, eq=False)
class UnderWay:
    """A prompt that a worker has, or will have."""

    number: int
    prompt: Prompt
    claim: Claim
    sampled: tuple[Completion, ...]
    done: asyncio.Future[FinishedPrompt | None]
    worker: str = ""


@dataclass(slots=True)
class Crew:
    """``has_equal``: whether the input may have prompts that are equal."""

    has_equal: bool
    busy: dict[str, int] = field(default_factory=dict)

    def hand_out(self, one: UnderWay, under_way: Iterable[UnderWay]) -> str:
        """Who takes it: the worker that has an equal one, or else the one with the fewest."""
        one.worker = self._with_equal(one, under_way) or min(self.busy, key=self.busy.__getitem__)
        self.busy[one.worker] += 1
        return one.worker

    def _with_equal(self, one: UnderWay, under_way: Iterable[UnderWay]) -> str | None:
        if not self.has_equal:
            return None
        others = (other for other in under_way if other is not one and not other.done.done())
        equal = (other.worker for other in others if is_equal(other.prompt, one.prompt))
        return next((worker for worker in equal if worker in self.busy), None)


def is_equal(one: Prompt, other: Prompt) -> bool:
    """Whether the models are asked the same for both."""
    return one.messages == other.messages
