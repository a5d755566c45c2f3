"""The reliability of a run's judges, learnt once from the first prompts and then frozen.

The first prompts of the input are judged with what is assumed of any judge, then the fit is made
and they are ranked with it like all that follow. So results depend neither on how many prompts are
in flight nor on the order in which they end, and rows that are appended later use the same fit.
A start that has to end before all of them are judged makes a provisional fit, so that there are
pairs; the next one ranks these prompts again, so results do not depend on such a stop either.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from judgeforge.config.judges import JudgingConfig
from judgeforge.errors import InterruptedRunError
from judgeforge.inputs.reading import read_prompts
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.reliability.unseen import unmeasured
from judgeforge.records import UNNAMED, JudgedPrompt, Prompt
from judgeforge.runs.preparation.extra_judgments import bought, first_prompts
from judgeforge.runs.start import Start
from judgeforge.store.evidence_rows import read_completion, read_judgment
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.fit import FrozenFit, read_fit
from judgeforge.store.journal import short_digest
from judgeforge.store.own_criteria import criteria_in

if TYPE_CHECKING:
    from judgeforge.judging.elsewhere.file import Verdicts

JudgeAgain = Callable[[JudgedPrompt], JudgedPrompt | FinishedPrompt]
"""What others say of a prompt now takes the place of what they said before."""


class RunFit:
    """Waits for the prompts before position ``until`` of the input, then makes the fit of them.

    Each prompt that begins is announced (``begin``), and each to learn from again when it has
    ended (``ended``). ``close`` says that no more begin, ``give_up`` that the run is stopping. All
    else is one future: ``to_ask_with`` and ``to_rank_with`` wait for the fit, and after that
    ``take_held`` gives the prompts that can be ranked with it.

    ``known``: the reliability, where it is known already; then nothing is held. ``learnt_from``:
    ids of prompts that were judged before anything was known. ``recalled``: prompts that an earlier
    start judged and that are to be ranked again, with their positions. ``cut_short``: the input may
    have more prompts to learn from than this start reads. ``judgments``: digest of what others have
    judged. ``of_writers``: whether the records of the writers are learnt, too. ``keep`` is called
    once with the fit, before anything is ranked with it.
    """

    def __init__(
        self,
        until: int,
        known: Reliability | None,
        *,
        learnt_from: Collection[str] = (),
        recalled: Sequence[tuple[int, JudgedPrompt]] = (),
        cut_short: bool = False,
        judgments: str = "",
        of_writers: bool = False,
        keep: Callable[[FrozenFit], None],
    ) -> None:
        self._until, self._of_writers = until, of_writers
        self._learnt_from = dict.fromkeys(learnt_from)
        self._keep, self._judgments = keep, judgments
        self._judged = list(recalled)
        self.recalled = frozenset(position for position, _ in recalled)
        """Positions of prompts that are ranked again as soon as there is a fit."""
        self.on_judged: Callable[[int, JudgedPrompt], None] = lambda *_: None
        """Told of each prompt that is judged and then waits until there is a fit."""
        self._has_learnt = False
        """Whether this start has judged a prompt to learn from."""
        self._under_way = 0
        self._provisional = known is None and cut_short
        self._closed = known is not None
        self._fit: asyncio.Future[FrozenFit | None] = asyncio.get_running_loop().create_future()
        """None: the run stops without one."""
        if known is not None:
            self._fit.set_result(FrozenFit(reliability=known))

    @property
    def until(self) -> int:
        """The position before which prompts are learnt from; 0 where the fit is known."""
        return 0 if self._fit.done() else self._until

    def begin(self, position: int, prompt_id: str) -> bool:
        """Whether the prompt that begins now is one to learn from. They begin in input order."""
        if position >= self._until:
            self.close()
        if self._closed:
            return False
        self._learnt_from[prompt_id] = None
        self._under_way += 1
        self._closed = position == self._until - 1
        return True

    def ended(self, position: int, judged: JudgedPrompt | FinishedPrompt | None) -> None:
        """A prompt to learn from is judged, has an outcome without that, or (None) could not be
        judged in this start."""
        if isinstance(judged, JudgedPrompt):
            self._judged.append((position, judged))
            self._has_learnt = True
            self.on_judged(position, judged)
        self._provisional = self._provisional or judged is None
        self._under_way -= 1
        self._make_if_complete()

    def close(self, position: int | None = None) -> None:
        """No prompt begins from ``position`` on; None at the end of the input."""
        if not self._closed and position is not None and position < self._until:
            self._provisional = True
        self._closed = True
        self._make_if_complete()

    def give_up(self) -> None:
        """The run is stopping: nothing is fitted on what happens to be there."""
        if not self._fit.done():
            self._fit.set_result(None)

    def learns_from(self, prompt_id: str) -> bool:
        """Also where it is judged again, since the same must be asked then."""
        return prompt_id in self._learnt_from

    async def to_ask_with(self, prompt_id: str) -> Reliability:
        """What a cascade goes by: the prior for a prompt to learn from, also where it is judged
        again, since the same must be asked then; all others wait for the fit.

        Raises InterruptedRunError when the run stops without a fit that lasts: what is asked must
        not depend on where the run was stopped.
        """
        if prompt_id in self._learnt_from:
            return PRIOR
        fit = await self.made()
        if fit.provisional:
            raise InterruptedRunError("the run is stopping")
        return fit.reliability

    async def to_rank_with(self) -> Reliability:
        """Wait for the fit. Raises InterruptedRunError when the run stops without one."""
        return (await self.made()).reliability

    def take_held(self) -> Sequence[tuple[int, JudgedPrompt]]:
        """Once there is a fit: the prompts that waited for it with their positions, in input
        order."""
        held, self._judged = self._judged, []
        return held

    async def lasts(self) -> bool:
        """Whether the fit, once it is made, is more than provisional."""
        return not (await self.made()).provisional

    async def made(self) -> FrozenFit:
        """Wait for it. Raises InterruptedRunError when the run stops without one."""
        # Shielded: a waiting task may be cancelled, and the others go on waiting.
        fit = await asyncio.shield(self._fit)
        if fit is None:
            raise InterruptedRunError("the run is stopping")
        return fit

    def _make_if_complete(self) -> None:
        if not self._closed or self._under_way or self._fit.done():
            return
        if self._provisional and not self._has_learnt:
            self.give_up()  # what an earlier start learnt from the same prompts stays
            return
        self._judged.sort(key=lambda held: held[0])
        self._fit.set_result(self._make())

    def _make(self) -> FrozenFit:
        learnt = [judged for position, judged in self._judged if position < self._until]
        if not learnt:
            # Nothing to learn from, and nothing to keep: the next start learns from what it has.
            return FrozenFit(reliability=PRIOR, provisional=self._provisional)
        fit = FrozenFit(
            reliability=fit_reliability(
                [judged.judgments for judged in learnt],
                writers={one.id: one.model for judged in learnt for one in judged.completions}
                if self._of_writers
                else None,
                same_writer=share_of_same_writer(learnt),
            ),
            learnt_from=tuple(self._learnt_from),
            provisional=self._provisional,
            judgments=self._judgments,
        )
        self._keep(fit)
        return fit


def share_of_same_writer(prompts: Iterable[JudgedPrompt]) -> float | None:
    """Of two completions of a prompt, over all of them, 0 to 1; None where none of them says who
    wrote it."""
    same = pairs = 0
    for judged in prompts:
        known = [one.model for one in judged.completions if one.model != UNNAMED]
        same += sum(math.comb(number, 2) for number in Counter(known).values())
        pairs += math.comb(len(known), 2)
    return same / pairs if pairs else None


def fit_so_far(start: Start) -> FrozenFit | None:
    """What is known of the judges before the first prompt; None where the run is to learn it."""
    config, calibration = start.config, start.prepared.calibration
    if calibration is not None:
        return FrozenFit(reliability=calibration.instrument(config.pairing).reliability)
    if not _can_be_fitted(config.judging, start.prepared.verdicts):
        return FrozenFit(reliability=unmeasured(len(config.judging.judges)))
    fit = read_fit(start.folder.reliability_file)
    # Judges that others have asked are learnt with those of the run, and all on one scale.
    return None if fit is None or fit.judgments != start.prepared.judgments_digest else fit


def go_on_fitting(
    start: Start,
    known: FrozenFit | None,
    *,
    judge_again: JudgeAgain,
    keep: Callable[[FrozenFit], None],
) -> RunFit:
    """A provisional fit is learnt anew as soon as there is a prompt to do.

    What was ranked with one is ranked again: its judgments come from the journal, nothing is asked.
    So are the prompts to learn from of which others have judged something else by now.
    """
    work, limit, wanted = start.work, start.options.limit, first_prompts(start.config)
    provisional = known is not None and known.provisional
    learns = known is None or (provisional and work.todo > 0)
    until = work.end_of_first_prompts(wanted)
    again = set(work.provisional) if learns or not provisional else set[int]()
    if learns:
        again |= {position for position in work.stale if position < until}
    return RunFit(
        until,
        None if known is None or learns else known.reliability,
        learnt_from=() if known is None else known.learnt_from,
        recalled=[
            (position, judged)
            for position, judged in recall(start, again, judge_again)
            if isinstance(judged, JudgedPrompt)
        ],
        judgments=start.prepared.judgments_digest,
        of_writers=start.config.judging.writer_prior,
        cut_short=limit is not None and work.may_lack_first_prompts(wanted, limit),
        keep=keep,
    )


def _can_be_fitted(judging: JudgingConfig, verdicts: Verdicts | None) -> bool:
    """One judge that scores everything once shows nothing about its own reliability, unless some
    prompts ask it again; a reward model shows at least on which scale it speaks."""
    judges = judging.judges
    others = () if verdicts is None else verdicts.by_judge
    several = len(judges) + len(others) > 1 or any(judge.repeats > 1 for judge in judges)
    rewards = any(judge.facts.rewards for judge in judges)
    compares = any(judge.shows == "two" for judge in judges)
    compares = compares or (verdicts is not None and verdicts.compares)
    learnable = several or compares or rewards or judging.writer_prior
    return judging.fit_prompts > 0 and (learnable or bought(judging) is not None)


def recall(
    start: Start, wanted: Collection[int], judge_again: JudgeAgain
) -> Iterator[tuple[int, JudgedPrompt | FinishedPrompt]]:
    """The finished prompts at these positions, in input order, with what is judged of them now."""
    work, journal = start.work, start.journal
    if not wanted:
        return
    rows = read_prompts(
        start.config.prompts,
        start.prepared.row_checks,
        limit=max(wanted) + 1,
        is_done=lambda _: True,
    )
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
            own = criteria_in(lines)
            yield position, judge_again(JudgedPrompt(row, completions, judgments, own))


def recall_rest(
    start: Start, fit: RunFit, judge_again: JudgeAgain
) -> Iterator[tuple[int, JudgedPrompt | FinishedPrompt]]:
    """Those of which others have judged something else by now, without what ``fit`` has held."""
    return recall(start, set(start.work.stale) - fit.recalled, judge_again)
