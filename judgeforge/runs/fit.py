"""The reliability of a run's judges, learnt once from the first prompts and then frozen.

The first prompts of the input are judged with what is assumed of any judge, then the fit is made
and they are ranked with it like all that follow. So results depend neither on how many prompts are
in flight nor on the order in which they end, and rows that are appended later use the same fit.
A start that has to end before all of them are judged makes a provisional fit, so that there are
pairs; the next one ranks these prompts again, so results do not depend on such a stop either.

What a run folder knows of its judges when a start begins, and how that start goes on from it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterator, Sequence

from judgeforge.config.judges import JudgingConfig
from judgeforge.config.run import RunConfig
from judgeforge.errors import InterruptedRunError
from judgeforge.inputs.reading import read_prompts
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.records import JudgedPrompt, Prompt
from judgeforge.runs.planning.preparation import Preparation
from judgeforge.runs.planning.worklist import Worklist
from judgeforge.store.evidence_rows import read_completion, read_judgment
from judgeforge.store.fit import FrozenFit, read_fit
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal, short_digest


def can_be_fitted(judging: JudgingConfig) -> bool:
    """One judge that scores everything once shows nothing of its own reliability."""
    judges = judging.judges
    several = len(judges) > 1 or any(judge.repeats > 1 for judge in judges)
    compares = any(judge.shows == "two" for judge in judges)
    return judging.fit_prompts > 0 and (several or compares)


class RunFit:
    """Holds the prompts before position ``until`` of the input back until all of them are judged.

    ``known``: the reliability, where it is known already; then nothing is held. ``learnt_from``:
    ids of prompts that were judged before anything was known. ``recalled``: prompts that an earlier
    start judged and that are to be ranked again, with their positions. ``cut_short``: the input may
    have more prompts to learn from than this start reads. ``keep`` is called once with the fit,
    before anything is ranked with it.
    """

    def __init__(
        self,
        until: int,
        known: Reliability | None,
        *,
        learnt_from: Collection[str] = (),
        recalled: Sequence[tuple[int, JudgedPrompt]] = (),
        cut_short: bool = False,
        keep: Callable[[FrozenFit], None],
    ) -> None:
        self._until = until
        self._reliability = known
        self._learnt_from = dict.fromkeys(learnt_from)
        self._keep = keep
        self._held = list(recalled)
        self._has_learnt = False
        """Whether this start has judged a prompt to learn from."""
        self._under_way = 0
        self._provisional = known is None and cut_short
        self._given_up = False
        self._closed = known is not None
        self._ready = asyncio.Event()
        if known is not None:
            self._ready.set()

    def was_learnt_from(self, prompt_id: str) -> bool:
        """Then it is judged with the prior, as it was at first: what is asked must be the same."""
        return prompt_id in self._learnt_from

    def begin(self, position: int, prompt_id: str) -> bool:
        """Whether the prompt that begins now is one to learn from.

        Then ``hold``, ``drop`` or ``lose`` it. Prompts begin in input order.
        """
        if position >= self._until:
            self.close()
        if self._closed:
            return False
        self._learnt_from[prompt_id] = None
        self._under_way += 1
        self._closed = position == self._until - 1
        return True

    def hold(self, position: int, judged: JudgedPrompt) -> None:
        self._held.append((position, judged))
        self._has_learnt = True
        self.drop()

    def lose(self) -> None:
        """A prompt to learn from could not be judged in this start."""
        self._provisional = True
        self.drop()

    def drop(self) -> None:
        """One prompt less is waited for."""
        self._under_way -= 1
        self._fit_if_complete()

    def close(self, position: int | None = None) -> None:
        """No prompt begins from ``position`` on; None at the end of the input."""
        if not self._closed and position is not None and position < self._until:
            self._provisional = True
        self._closed = True
        self._fit_if_complete()

    def give_up(self) -> None:
        """The run is stopping: nothing is fitted on what happens to be there."""
        self._given_up = True
        self._ready.set()

    async def to_ask_with(self) -> Reliability:
        """Wait for the fit. Raises InterruptedRunError when the run stops without one that lasts:
        what is asked must not depend on where the run was stopped."""
        await self._ready.wait()
        if self._provisional:
            raise InterruptedRunError("the run is stopping")
        return self.known()

    async def to_rank_with(self) -> Reliability:
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
        if self._provisional and not self._has_learnt:
            self.give_up()  # what an earlier start made of the same prompts stays as it is
            return
        self._held.sort(key=lambda held: held[0])
        learnt = [judged.judgments for position, judged in self._held if position < self._until]
        if learnt:
            self._freeze(fit_reliability(learnt))
        else:
            # Nothing to learn from, and nothing to keep: the next start learns from what it has.
            self._reliability = PRIOR
        self._ready.set()

    def _freeze(self, fitted: Reliability) -> None:
        ids = tuple(self._learnt_from)
        fit = FrozenFit(reliability=fitted, learnt_from=ids, provisional=self._provisional)
        self._keep(fit)
        self._reliability = fitted


def fit_so_far(config: RunConfig, prepared: Preparation, folder: RunFolder) -> FrozenFit | None:
    """What is known of the judges before the first prompt; None where the run is to learn it."""
    if prepared.calibration is not None:
        return FrozenFit(reliability=prepared.calibration.instrument(config.pairing).reliability)
    if not can_be_fitted(config.judging):
        return FrozenFit(reliability=PRIOR)
    return read_fit(folder.reliability_file)


def go_on_fitting(
    known: FrozenFit | None,
    config: RunConfig,
    prepared: Preparation,
    journal: Journal,
    work: Worklist,
    *,
    limit: int | None,
    keep: Callable[[FrozenFit], None],
) -> RunFit:
    """A provisional fit is learnt anew as soon as there is a prompt to do.

    What was ranked with one is ranked again: its judgments come from the journal, nothing is asked.
    """
    provisional = known is not None and known.provisional
    learns = known is None or (provisional and work.todo > 0)
    wanted = config.judging.fit_prompts
    ranks_again = learns or not provisional
    recalled = list(_recall(config, prepared, journal, work)) if ranks_again else []
    return RunFit(
        work.end_of_first_prompts(wanted),
        None if known is None or learns else known.reliability,
        learnt_from=() if known is None else known.learnt_from,
        recalled=recalled,
        cut_short=limit is not None and work.may_lack_first_prompts(wanted, limit),
        keep=keep,
    )


def _recall(
    config: RunConfig, prepared: Preparation, journal: Journal, work: Worklist
) -> Iterator[tuple[int, JudgedPrompt]]:
    """The prompts that were ranked with a provisional fit, in input order."""
    if not work.provisional:
        return
    wanted, last = set(work.provisional), work.provisional[-1]
    rows = read_prompts(config.prompts, prepared.row_checks, limit=last + 1, is_done=lambda _: True)
    for position, row in enumerate(rows):
        # A row that changes meanwhile keeps what it has; the next start finds the change.
        if (
            position in wanted
            and isinstance(row, Prompt)
            and short_digest(row.digest) == work.digests[position]
        ):
            lines = journal.lines(work.places[position])
            completions = [read_completion(json.loads(line)) for line in lines["completions"]]
            judgments = [read_judgment(json.loads(line)) for line in lines["judgments"]]
            yield position, JudgedPrompt(row, completions, judgments)
