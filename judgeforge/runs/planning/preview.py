"""What models would be sent about one prompt: a run's own code asks, and no model answers.

An answer that is still to be written has words in its place that say so. What depends on replies
(criteria that a model writes, answers of a judge's own, what is asked again) is told in notes. See
decision 0078.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from judgeforge.calls.call import Answer
from judgeforge.calls.providers.base import (
    Body,
    ChatRequest,
    DecisionRequest,
    ModelReply,
    ModelRequest,
    asked_messages,
    open_provider,
)
from judgeforge.calls.providers.pictures import without_pictures
from judgeforge.config.run import RunConfig
from judgeforge.errors import CallError, InputError
from judgeforge.inputs.cleaning.clean_prompts import read_clean_prompts
from judgeforge.judging.panel import Panel
from judgeforge.judging.verification import deciding
from judgeforge.ranking.rules import first_tier
from judgeforge.records import Completion, Prompt, Skip
from judgeforge.runs.own_criteria import OwnCriteriaWork
from judgeforge.runs.preparation.preparation import Preparation, prepare
from judgeforge.sampling.sampling import ready_completions, sample_completions, usable
from judgeforge.text.messages import Message
from judgeforge.text.visible import quotable
from judgeforge.text.wording import did_you_mean, listed

_MOST_SEEN = 10_000
"""Ids among which a misspelled one is looked for."""
_SHOWN = 5
Purpose = Literal["completion", "criteria", "judgment"]


@dataclass(frozen=True, slots=True)
class PreviewedRequest:
    purpose: Purpose
    by: str
    """The name of the model under ``models:``, or the label of the judge."""
    model: str
    endpoint: str
    """Path below the address of the server."""
    body: Body
    """As it would be sent, with a hash in the place of each picture's data."""
    messages: tuple[Message, ...]
    questions: tuple[str, ...] = ()
    """What a decision model is asked beside the messages."""
    times: int = 1
    """How many requests of the prompt are like this one: other answers, orders, repeats."""


@dataclass(frozen=True, slots=True)
class Preview:
    prompt: Prompt
    requests: tuple[PreviewedRequest, ...]
    notes: tuple[str, ...]


def preview(config: RunConfig, prompt_id: str | None = None) -> Preview:
    """Of the first prompt that can be used, or of the one with this id. No key is needed.

    Raises ConfigError for what is wrong with the configuration, InputError where there is no such
    prompt or it would be skipped.
    """
    prepared = prepare(config, with_keys=False)
    prompt = _chosen(prepared, prompt_id)
    return asyncio.run(previewed(prepared, prompt))


def _chosen(prepared: Preparation, prompt_id: str | None) -> Prompt:
    first: Skip | None = None
    seen: list[str] = []
    for row in read_clean_prompts(prepared.config.prompts, prepared.row_checks):
        name = row.prompt_id if isinstance(row, Skip) else row.id
        if prompt_id is not None and name != prompt_id:
            seen += [name] if len(seen) < _MOST_SEEN else []
        elif isinstance(row, Prompt):
            return row
        elif prompt_id is not None:
            raise InputError(f"prompt {name} would be skipped as {row.reason}: {row.detail}")
        else:
            first = first or row
    if prompt_id is not None:
        near = did_you_mean(prompt_id, seen) or f"; there are {listed(seen, _SHOWN)}"
        raise InputError(f"no prompt has the id `{quotable(prompt_id)}`{near}")
    why = "" if first is None else f"; the first of them: {first.detail}"
    raise InputError(f"no row of the input can be used{why}")


@dataclass(slots=True)
class _Noted:
    """Implements ``Asks``: notes what is asked, and has no reply but for completions."""

    config: RunConfig
    purpose: Purpose = "completion"
    by: str = ""
    asked: list[PreviewedRequest] = field(default_factory=list)

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        del sample
        number = sum(one.purpose == "completion" for one in self.asked) + 1
        self.asked.append(self._noted(model, request))
        is_own = isinstance(request, ChatRequest) and request.reply_schema is None
        if self.purpose == "completion":
            text = f"[answer {number}, which `{model}` is still to write]"
        elif self.purpose == "judgment" and is_own:  # with `commit_first`
            text = f"[what `{self.by}` is still to answer itself]"
        else:
            raise CallError("no model answers a preview", model=model)
        return Answer("", ModelReply(text, "stop", None), cost_usd=None, cached=False)

    def _noted(self, model: str, request: ModelRequest) -> PreviewedRequest:
        settings = self.config.models[model]
        provider = open_provider(settings, None)
        return PreviewedRequest(
            purpose=self.purpose,
            by=self.by or model,
            model=model,
            endpoint=provider.endpoint,
            body=without_pictures(provider.body(settings, request)),
            messages=asked_messages(settings, request)
            if isinstance(request, ChatRequest)
            else request.messages,
            questions=tuple(one.instructions for one in request.questions)
            if isinstance(request, DecisionRequest)
            else (),
        )


async def previewed(prepared: Preparation, prompt: Prompt) -> Preview:
    """Of a prompt that is at hand."""
    config, door = prepared.config, _Noted(prepared.config)
    completions = await _completions(config, prompt, door)
    written = _counted(door.asked)
    judged = usable(completions)
    panel, rubric, notes = prepared.panel(Panel, door), prepared.rubric, list[str]()
    if (own := OwnCriteriaWork.of_run(prepared, door)) is not None:
        door.purpose, door.by = "criteria", ""
        found = await own.of(prompt, judged)
        panel, rubric = panel.by(found.rubric), found.rubric
        if found.problem is not None:
            notes.append("judges are asked about the criteria that a model is still to write, too")
    criteria = [one for one in door.asked if one.purpose == "criteria"][:1]
    asked = await _judgments(panel, prompt, judged, door)
    if asked and deciding(rubric, prompt):
        notes.append("judges are asked only where code cannot decide")
    return Preview(prompt, (*written, *criteria, *asked), (*notes, *_notes(config, bool(asked))))


async def _completions(config: RunConfig, prompt: Prompt, door: _Noted) -> list[Completion]:
    """As `runs/prompt_work.py` has them."""
    if config.sampling is None or not config.sampling.fresh(len(prompt.completions)):
        return ready_completions(prompt)
    return await sample_completions(prompt, config.sampling, door)


async def _judgments(
    panel: Panel, prompt: Prompt, completions: Sequence[Completion], door: _Noted
) -> list[PreviewedRequest]:
    """The first question to each judge, with how many it is asked in all."""
    found: list[PreviewedRequest] = []
    for judge in panel.judges:
        door.purpose, door.by, door.asked = "judgment", judge.label, []
        rounds = [panel.questions(judge.label, completions, n) for n in range(judge.repeats)]
        questions = [question for each in rounds for question in each]
        await panel.ask(prompt, completions, questions[:1])
        found += [replace(one, times=len(questions)) for one in door.asked]
    return found


def _counted(asked: Sequence[PreviewedRequest]) -> list[PreviewedRequest]:
    """Draws of a writer that read the same are shown once."""
    alike: dict[tuple[str, tuple[Message, ...], object], list[PreviewedRequest]] = {}
    for one in asked:
        alike.setdefault((one.model, one.messages, one.body.get("temperature")), []).append(one)
    return [replace(each[0], times=len(each)) for each in alike.values()]


def _notes(config: RunConfig, is_judged: bool) -> list[str]:
    judges = config.judging.judges
    notes = []
    if not is_judged:
        notes.append("no judge is asked about this prompt")
    later = [judge.label for judge in judges if judge.tier != first_tier(judges)]
    if later and config.judging.cascade is not None:
        notes.append(f"asked only where doubt is left (judging.cascade): {', '.join(later)}")
    if config.pairing.by_design:
        notes.append("judges are asked only about prompts that are drawn for the audit")
    return notes
