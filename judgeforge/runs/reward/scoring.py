"""One group of completions -> a score for each, kept as a finished prompt of the folder.

The score is that of ``completions.jsonl``: the posterior mean of a completion's quality on the
rubric's scale, 0 to 1, by what is known of the judges. What that is stays the same from the fit on:
it is given (labels, another folder) or learnt from the first groups, and then frozen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from judgeforge.calls.money.claims import claiming
from judgeforge.calls.telemetry.recording import Telemetry
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.records import Completion, JudgedPrompt, Judgment, Prompt
from judgeforge.runs.fit import fit_so_far
from judgeforge.runs.preparation.extra_judgments import is_measured
from judgeforge.runs.preparation.worklist import TODO
from judgeforge.runs.prompt_work import PromptWork
from judgeforge.runs.start import Start
from judgeforge.runs.telemetry import tell_end, traced
from judgeforge.runs.wiring import Parts
from judgeforge.store.evidence_rows import read_judgment
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.fit import FrozenFit
from judgeforge.store.journal import short_digest

LOWEST = 0.0
"""Of what says nothing, and of what was written for its judge instead of its reader."""


Judged = JudgedPrompt | FinishedPrompt


@dataclass(frozen=True, slots=True)
class Score:
    completion_id: str | None
    """None where its prompt is not valid."""
    value: float | None
    """None where there is none: then ``why`` says what kept it."""
    sd: float | None = None
    why: str | None = None


class Scoring:
    def __init__(
        self, start: Start, parts: Parts, telemetry: Telemetry | None, *, learn_from: int
    ) -> None:
        """``learn_from``: groups from which the judges are learnt, where nothing is known yet."""
        self._telemetry = telemetry
        self._start, self._record = start, parts.record
        self._pipeline, self._cached = parts.pipeline, parts.files.cached_calls
        self._door = parts.door
        self._work: PromptWork = replace(parts.work, least=1)
        self._judging = traced(self._work, telemetry, self._work.rubric.name)
        self._done = {prompt_id for prompt_id, _ in start.journal.entries()}
        known = fit_so_far(start)
        self._fit, self._wanted = known, learn_from
        self._learnt_from = dict.fromkeys(known.learnt_from) if known else {}
        self._held: list[Sequence[Judgment]] = []
        """What the judges are to be learnt from."""
        if known is None:
            self._learn_again()

    @property
    def reliability(self) -> Reliability:
        return PRIOR if self._fit is None else self._fit.reliability

    @property
    def is_frozen(self) -> bool:
        return self._fit is not None

    async def judge(self, prompt: Prompt) -> Judged:
        """Everything that is paid. Raises BudgetExhaustedError, StoreError, and CallError where
        that stops a run."""
        admission, first = self._pipeline.admission, self._pipeline.first
        claim = await admission.admit(prompt)
        claim.goes_first = not first.are_over
        first.begin()
        judged: Judged | None = None
        try:
            with claiming(claim):
                judged = await self._judged(prompt)
        finally:
            admission.ended(claim, finished=judged is not None)
        return judged

    async def _judged(self, prompt: Prompt) -> Judged:
        # What is asked of a group must not depend on when it is asked again.
        learns = self._fit is None or prompt.id in self._learnt_from
        asked_with = PRIOR if learns else self.reliability

        async def known() -> Reliability:
            return asked_with

        more = learns and is_measured(len(self._held), prompt.id)
        return await self._judging.judge(prompt, known, is_measured=more)

    def conclude(self, batch: Sequence[tuple[Prompt, Judged]]) -> list[list[Score]]:
        """In the order of each prompt's completions. The judges are learnt from whole batches, and
        all rewards of a batch rest on the same knowledge of them."""
        for _, judged in batch:
            if isinstance(judged, JudgedPrompt):
                self._learn(judged)
        self._freeze()
        return [self._concluded(prompt, judged) for prompt, judged in batch]

    def _concluded(self, prompt: Prompt, judged: Judged) -> list[Score]:
        if isinstance(judged, FinishedPrompt):
            self._finish(prompt, judged)
            return _unjudged(prompt, judged)
        ranking = self._work.ranked(judged, self.reliability)
        finished = self._work.concluded(judged, ranking)
        tell_end(self._telemetry, prompt.id, finished)
        self._finish(prompt, finished)
        return [_score(one, judged, ranking) for one in judged.completions]

    def _finish(self, prompt: Prompt, finished: FinishedPrompt) -> None:
        """Once: the same group may come again, in another epoch or another training."""
        if prompt.id in self._done:
            return
        self._done.add(prompt.id)
        work = self._start.work
        work.places.append(TODO)
        work.digests.append(short_digest(prompt.digest))
        self._record.finish(len(work.places) - 1, finished)
        self._cached.keep(self._door.cached_calls)

    def _learn(self, judged: JudgedPrompt) -> None:
        if self._fit is None and judged.prompt.id not in self._learnt_from:
            self._learnt_from[judged.prompt.id] = None
            self._held.append(judged.judgments)

    def _freeze(self) -> None:
        """Once as many groups are judged as the judges are learnt from."""
        if self._fit is not None or len(self._held) < self._wanted:
            return
        fit = FrozenFit(
            # The model that is trained wrote all of them.
            reliability=fit_reliability(self._held, same_writer=1.0),
            learnt_from=tuple(self._learnt_from),
        )
        self._record.keep_fit(fit)
        self._fit, self._held = fit, []

    def _learn_again(self) -> None:
        """What an earlier training of the folder judged before there was a fit."""
        for prompt_id, entry in self._start.journal.entries():
            if lines := self._start.journal.lines(entry.offset)["judgments"]:
                self._learnt_from[prompt_id] = None
                self._held.append([read_judgment(json.loads(line)) for line in lines])
        self._freeze()


def _unjudged(prompt: Prompt, finished: FinishedPrompt) -> list[Score]:
    detail = json.loads(finished.lines["skips"][0])["detail"]
    rows = [json.loads(line) for line in finished.lines["completions"]]
    return [
        Score(f"{prompt.id}.c{number}", *_lowest(row["finish"] == "empty", row["flags"], detail))
        for number, row in enumerate(rows)
    ]


def _score(one: Completion, judged: JudgedPrompt, ranking: Ranking) -> Score:
    ids = ranking.completion_ids
    found = one.id if one.id in ids else one.duplicate_of
    if found in ids:
        place = ids.index(found)
        sd = ranking.covariance[place][place] ** 0.5
        return Score(one.id, round(ranking.score(place), 10), round(sd, 10))
    about = [j.missing for j in judged.judgments if j.missing and one.id in j.completion_ids]
    why = f"not judged: {max(about, key=about.count)}" if about else "no judge was asked about it"
    original = next((c for c in judged.completions if c.id == one.duplicate_of), one)
    flags = [flag for flag in original.flags if original.signs]
    return Score(one.id, *_lowest(original.is_empty, flags, why))


def _lowest(
    is_empty: bool, flags: Sequence[str], why: str
) -> tuple[float | None, float | None, str]:
    """The lowest for an answer of which no judge is asked since it is none, or is meant for the
    judge: with no reward at all nothing would keep a policy from it."""
    if is_empty:
        return LOWEST, None, "the answer is empty"
    signs = [flag for flag in flags if flag.startswith("suspicious")]
    if signs:
        return LOWEST, None, f"written for its judge: {', '.join(signs)}"
    return None, None, why
