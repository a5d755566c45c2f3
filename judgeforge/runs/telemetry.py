"""The spans of a run and of its prompts, and each verdict as an event, where the user has an SDK.

A prompt's span goes from its first call to its pairs, or the reason why it has none; while prompts
wait for the fit of the judges, theirs stay open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgeforge.calls.telemetry import conventions as names
from judgeforge.calls.telemetry.recording import Telemetry, Told
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import JudgedPrompt, Judgment, Prompt
from judgeforge.runs.prompt_work import TakesThrough
from judgeforge.runs.result import RunResult
from judgeforge.runs.start import Start
from judgeforge.store.evidence_rows import read_judgment
from judgeforge.store.finished_prompt import FinishedPrompt

if TYPE_CHECKING:
    from judgeforge.judging.escalation import OnceKnown

_UNFINISHED = "unfinished"


@dataclass(slots=True)
class RunTold:
    """Of a start; does nothing without an SDK."""

    span: Told | None = None

    def ended(self, result: RunResult) -> RunResult:
        if self.span is not None:
            self.span.say(_outcome(result))
        return result


@contextmanager
def telling_run(telemetry: Telemetry | None, start: Start) -> Iterator[RunTold]:
    """A span around all that a start does, below the caller's own."""
    if telemetry is None:
        yield RunTold()
        return
    attributes = {
        names.OPERATION: names.WORKFLOW_RUN,
        names.WORKFLOW: names.SCOPE,
        names.FOLDER: start.folder.path.name,
        names.RUBRIC: start.prepared.rubric.identity.name,
    }
    with telemetry.span(names.RUN_SPAN, attributes) as told:
        try:
            yield RunTold(told)
        finally:
            for prompt in telemetry.unfinished.values():
                prompt.say({names.OUTCOME: _UNFINISHED})
                telemetry.end(prompt)
            telemetry.unfinished.clear()


@contextmanager
def telling_batch(telemetry: Telemetry | None, step: int | None, prompts: int) -> Iterator[None]:
    """A span around the judging of a trainer's batch, below that of the trainer."""
    if telemetry is None:
        yield
        return
    with telemetry.span(names.REWARD_SPAN, {names.STEP: step, names.PROMPTS: prompts}):
        yield


def _outcome(result: RunResult) -> Mapping[str, Any]:
    stopped, did = result.stopped_by, result.manifest.get("last_run", {})
    return {
        names.EXIT_CODE: result.exit_code,
        names.ERROR_TYPE: None if stopped is None else type(stopped).__name__,
        names.PROMPTS: did.get("prompts"),
        names.PAIRS: did.get("pairs"),
        names.COST: did.get("cost_usd"),
    }


def traced(work: TakesThrough, telemetry: Telemetry | None, rubric: str) -> TakesThrough:
    """The work, told of; ``work`` itself where there is nobody to tell."""
    return work if telemetry is None else _TracedWork(work, telemetry, rubric)


def tell_end(telemetry: Telemetry | None, prompt_id: str, finished: FinishedPrompt) -> None:
    """How a prompt ended, once: one that is ranked again was told of when it was judged."""
    if telemetry is None:
        return
    told = telemetry.unfinished.pop(prompt_id, None)
    if told is not None:
        _end(telemetry, told, finished)


@dataclass(frozen=True, slots=True)
class _TracedWork(TakesThrough):
    work: TakesThrough
    telemetry: Telemetry
    rubric: str

    async def judge(
        self, prompt: Prompt, reliability: OnceKnown, *, is_measured: bool = False
    ) -> JudgedPrompt | FinishedPrompt:
        telemetry = self.telemetry
        told = telemetry.begin(names.PROMPT_SPAN, {names.PROMPT: prompt.id})
        try:
            with telemetry.inside(told), telemetry.keeping_spans() as spans:
                found = await self.work.judge(prompt, reliability, is_measured=is_measured)
        except BaseException as error:
            telemetry.end(told, error)
            raise
        telemetry.far.tell([key for key in _calls(found) if key not in spans], told)
        self._tell_verdicts(found, spans, told)
        if isinstance(found, FinishedPrompt):
            _end(telemetry, told, found)
        else:
            telemetry.unfinished[prompt.id] = told
        return found

    def _tell_verdicts(
        self, found: JudgedPrompt | FinishedPrompt, spans: Mapping[str, Any], told: Told
    ) -> None:
        calls, judgments = _judged(found)
        for judgment in judgments:
            for completion, attributes in _verdicts(judgment, self.rubric):
                if not self.telemetry.shows_content:
                    attributes.pop(names.EVALUATION_EXPLANATION, None)
                about = spans.get(calls.get(completion or "") or "")
                self.telemetry.evaluation(about, told, attributes)

    def conclude(self, judged: JudgedPrompt, reliability: Reliability) -> FinishedPrompt:
        finished = self.work.conclude(judged, reliability)
        tell_end(self.telemetry, judged.prompt.id, finished)
        return finished


def _judged(
    found: JudgedPrompt | FinishedPrompt,
) -> tuple[Mapping[str, str | None], Iterable[Judgment]]:
    """The call of each completion, and the verdicts: of a prompt that a worker has finished, and of
    one that is skipped, as its lines have them."""
    if isinstance(found, JudgedPrompt):
        return {one.id: one.call for one in found.completions}, found.judgments
    completions = map(json.loads, found.lines["completions"])
    judgments = map(json.loads, found.lines["judgments"])
    return {row["id"]: row.get("call") for row in completions}, map(read_judgment, judgments)


def _calls(found: JudgedPrompt | FinishedPrompt) -> Iterable[str]:
    """The keys of all calls that brought something, each once."""
    if isinstance(found, JudgedPrompt):
        keys = [key for one in found.completions for key in one.call_keys]
        return dict.fromkeys([*keys, *(key for one in found.judgments for key in one.call_keys)])
    lines = (*found.lines["completions"], *found.lines["judgments"])
    rows = map(json.loads, lines)
    return dict.fromkeys(
        key for row in rows for key in (row.get("calls") or [row.get("call")]) if key
    )


def _end(telemetry: Telemetry, told: Told, finished: FinishedPrompt) -> None:
    reason = finished.skip_reason
    outcome = "pairs" if reason is None else reason.value
    told.say({names.OUTCOME: outcome, names.PAIRS: finished.pairs, names.SKIP: reason})
    telemetry.prompt_ended(outcome)
    telemetry.end(told)


def _verdicts(judgment: Judgment, rubric: str) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """One for each completion that has a number of its own, else one; with the id of it."""
    ids = judgment.completion_ids
    base: dict[str, Any] = {
        names.EVALUATION_NAME: rubric,
        names.JUDGE: judgment.judge,
        names.PROTOCOL: judgment.protocol,
        names.JUDGMENT: judgment.id,
        names.COMPLETIONS: ids,
        names.EVALUATION_EXPLANATION: judgment.rationale,
    }
    base |= {names.CRITERION + name: value for name, value in judgment.criteria.items()}
    alone = ids[0] if len(ids) == 1 else None
    if judgment.missing is not None:
        yield alone, {**base, names.ERROR_TYPE: judgment.missing_kind or "_OTHER"}
    elif judgment.verdict is not None:
        value = _first_is_better(judgment.probabilities)
        yield (
            None,
            {**base, names.EVALUATION_LABEL: judgment.verdict, names.EVALUATION_VALUE: value},
        )
    elif judgment.score is not None:
        label = "fail" if judgment.failed_required else None
        yield alone, {**base, names.EVALUATION_VALUE: judgment.score, names.EVALUATION_LABEL: label}
    else:
        for completion, value in zip(ids, judgment.scores or judgment.rewards, strict=False):
            one = {names.COMPLETIONS: (completion,), names.EVALUATION_VALUE: value}
            yield completion, {**base, **one}


def _first_is_better(probabilities: Mapping[str, float] | None) -> float | None:
    if probabilities is None:
        return None
    return probabilities.get("a", 0.0) + probabilities.get("tie", 0.0) / 2
