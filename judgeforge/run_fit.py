"""The reliability of a run's judges, learnt once from the first prompts and then frozen.

The first prompts of the input are judged with what is assumed of any judge, then the fit is made
and they are ranked with it like all that follow. So results depend neither on how many prompts are
in flight nor on the order in which they end, and rows that are appended later use the same fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from judgeforge.errors import InterruptedRunError
from judgeforge.judged import JudgedPrompt
from judgeforge.judging_config import JudgingConfig
from judgeforge.reliability import PRIOR, Reliability, fit_reliability


def can_be_fitted(judging: JudgingConfig) -> bool:
    """One judge that scores everything once shows nothing of its own reliability."""
    judges = judging.judges
    several = len(judges) > 1 or any(judge.repeats > 1 for judge in judges)
    compares = any(judge.protocol == "pairwise" or judge.pairs for judge in judges)
    return judging.fit_prompts > 0 and (several or compares)


class RunFit:
    """Holds the first ``prompts`` prompts back until all of them are judged.

    ``known``: the reliability, where it is known already; then nothing is held. ``learnt_from``:
    ids of the prompts that it was learnt from. ``keep`` is called once with the fit and these ids,
    before anything is ranked with it.
    """

    def __init__(
        self,
        prompts: int,
        known: Reliability | None,
        *,
        learnt_from: Collection[str] = (),
        keep: Callable[[Reliability, tuple[str, ...]], None],
    ) -> None:
        self._wanted = prompts
        self._reliability = known
        self._learnt_from = dict.fromkeys(learnt_from)
        self._keep = keep
        self._held: list[tuple[int, JudgedPrompt]] = []
        self._begun = self._under_way = 0
        self._given_up = False
        self._closed = known is not None
        self._ready = asyncio.Event()
        if known is not None:
            self._ready.set()

    def was_learnt_from(self, prompt_id: str) -> bool:
        """Then it is judged with the prior, as it was at first: what is asked must be the same."""
        return prompt_id in self._learnt_from

    def begin(self, prompt_id: str) -> bool:
        """Whether the prompt that begins now is one to learn from; then ``hold`` or ``drop`` it."""
        if self._closed:
            return False
        self._learnt_from[prompt_id] = None
        self._begun += 1
        self._under_way += 1
        self._closed = self._begun >= self._wanted
        return True

    def hold(self, position: int, judged: JudgedPrompt) -> None:
        self._held.append((position, judged))
        self.drop()

    def drop(self) -> None:
        """One prompt less is waited for."""
        self._under_way -= 1
        self._fit_if_complete()

    def close(self) -> None:
        """No further prompt begins."""
        self._closed = True
        self._fit_if_complete()

    def give_up(self) -> None:
        """The run is stopping: nothing is fitted on what happens to be there."""
        self._given_up = True
        self._ready.set()

    async def reliability(self) -> Reliability:
        """Wait for the fit. Raises InterruptedRunError when the run stops without one."""
        await self._ready.wait()
        return self.known()

    def known(self) -> Reliability:
        if self._reliability is None:
            raise InterruptedRunError("the run is stopping")
        return self._reliability

    def take_held(self) -> list[tuple[int, JudgedPrompt]]:
        """Position and prompt, in input order, once they can be ranked; nothing before."""
        if self._reliability is None:
            return []
        held, self._held = self._held, []
        return held

    def _fit_if_complete(self) -> None:
        if not self._closed or self._under_way or self._given_up or self._ready.is_set():
            return
        if not self._held:
            # Nothing to learn from, and nothing to keep: the next start learns from what it has.
            self._reliability = PRIOR
            self._ready.set()
            return
        self._held.sort(key=lambda held: held[0])
        fitted = fit_reliability([judged.judgments for _, judged in self._held])
        self._keep(fitted, tuple(self._learnt_from))
        self._reliability = fitted
        self._ready.set()
