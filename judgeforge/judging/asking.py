"""Judges that write: one request a rubric in a schema, each with at most one repair.

How much of a judge's context is left for what it judges follows from what it is sent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from judgeforge.calls.call import Answer, Asks, gather_or_cancel
from judgeforge.calls.input_read import is_a_context
from judgeforge.calls.providers.base import ChatRequest, ModelReply, ReplySchema
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import CallError
from judgeforge.judging.judge import (
    REPLY_WITHHELD,
    Missing,
    blank_judgment,
    call_failure,
    cut_prompt_note,
    fallback_note,
    input_cut,
    reading_failure,
)
from judgeforge.judging.judge_prompts import JudgePrompt, RowPrompts, repair_message, system_text
from judgeforge.judging.layout import CODE_OF_A_REQUEST, NEWEST_LAYOUT, Layout
from judgeforge.judging.material import ShownAnswer, answers_by_id
from judgeforge.judging.own_answers import OwnAnswers
from judgeforge.judging.own_prompts import OF_THE_HOUSE, OwnPrompt
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Completion, Judgment, Prompt, Question
from judgeforge.text.messages import Message
from judgeforge.text.wording import about_tokens, shortened

R = TypeVar("R")

_LONGEST_REFUSAL = 200


@dataclass(frozen=True, slots=True)
class Form(Generic[R]):
    """What is shown to the judge, the schema it replies in, and how the reply is read."""

    prompt: JudgePrompt
    schema: ReplySchema
    read: Callable[[ModelReply], R]
    """Raises UnreadableReplyError."""
    top_logprobs: int | None = None
    """How many alternatives of each token are asked for."""


class WritingJudge(ABC, Generic[R]):
    """A protocol says what it asks (``questions``), shows (``form``) and learns (``evidence``)."""

    template: ClassVar[str]
    """The protocol whose templates it asks with; another one may be built on it."""

    def __init__(
        self,
        judge: JudgeConfig,
        rubric: Rubric,
        gateway: Asks,
        *,
        layout: Layout = NEWEST_LAYOUT,
        own: OwnPrompt = OF_THE_HOUSE,
    ) -> None:
        self._judge, self._rubric, self._gateway = judge, rubric, gateway
        self._layout: Layout = layout
        self._own = own
        self._answers = OwnAnswers(judge, gateway) if own.commit_first else None
        self._asked = rubrics_asked(judge, rubric)
        self._parts = [part for part, _ in self._asked]
        self._row: _Row | None = None
        """The last: questions about a row are put one after another."""

    @abstractmethod
    def form(self, rubric: Rubric, asked: JudgePrompt, shown: int) -> Form[R]:
        """One request about this many completions, by the whole rubric or one part."""

    @abstractmethod
    def evidence(self, readings: Sequence[R]) -> dict[str, object]:
        """Fields of the judgment, from one reading for each rubric asked."""

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        """As ``Judge.ask``; where one request stays without a readable reply, all is missing."""
        if self._row is None or self._row.completions is not completions:
            self._row = _Row(prompt, completions, answers_by_id(completions))
        row = self._row
        shown = [row.answers[i] for i in question.completion_ids]
        own = None if self._answers is None else await self._answers.of(prompt)
        said = own.text if own else None
        attempts = await gather_or_cancel(
            self._attempt(
                self.form(rubric, self._prompt(row, part, rubric, shown, said), len(shown)),
                part,
                question.repeat,
            )
            for part, rubric in self._asked
        )
        answers = [answer for attempt in attempts for answer in attempt.answers]
        keys = tuple([answer.key for answer in answers])
        costs = [answer.cost_usd for answer in answers]
        models = dict.fromkeys(filter(None, [answer.answered_model for answer in answers]))
        stood_in = tuple(dict.fromkeys(filter(None, [answer.answered_by for answer in answers])))
        tokens_read = min([n for attempt in attempts for n in attempt.tokens_read], default=None)
        fields: dict[str, object] = {
            "call": keys[-1] if keys else None,
            "calls": keys if len(keys) > 1 else (),
            "cost_usd": None if None in costs else sum([cost or 0.0 for cost in costs]),
            "answered_model": ", ".join(models) or None,
            "input_tokens_read": tokens_read,
            **self._outcome(attempts),
        }
        if stood_in:
            fields["note"] = fallback_note(stood_in, fields.get("note"))
        if tokens_read is not None:
            fields["note"] = cut_prompt_note(tokens_read, fields.get("note"))
        if own is not None:
            fields["own_answer"] = own.made_by
            notes = [own.problem, fields.get("note")]
            fields["note"] = "; ".join(str(one) for one in notes if one) or None
        return blank_judgment(prompt, question, self._judge, self._rubric, fields)

    def _prompt(
        self,
        row: _Row,
        part: str | None,
        rubric: Rubric,
        shown: Sequence[ShownAnswer],
        own_answer: str | None,
    ) -> JudgePrompt:
        key, of_row = (part, len(shown), own_answer), self._layout != CODE_OF_A_REQUEST
        prompts = row.prompts.get(key) if of_row else None
        if prompts is None:
            prompts = row.prompts[key] = RowPrompts(
                self.template,
                rubric,
                row.prompt,
                tuple(row.answers.values()) if of_row else tuple(shown),
                len(shown),
                layout=self._layout,
                own=self._own,
                own_answer=own_answer,
            )
        return prompts.showing(shown)

    def _outcome(self, attempts: Sequence[_Attempt[R]]) -> dict[str, object]:
        missing = next((a.missing.of_criterion(a.part) for a in attempts if a.missing), None)
        if missing:
            return missing.fields()
        try:
            return self.evidence([a.reading for a in attempts if a.reading is not None])
        except Exception as error:  # noqa: BLE001 (named in the judgment, which is then missing)
            return reading_failure(error).fields()

    async def _attempt(self, form: Form[R], part: str | None, repeat: int) -> _Attempt[R]:
        attempt: _Attempt[R] = _Attempt(part)
        messages: tuple[Message, ...] = form.prompt.messages
        try:
            problem = await self._ask_once(form, messages, repeat, attempt)
            if problem is None:
                return attempt
            said = attempt.answers[-1].reply.text.strip() or "(empty)"
            again = (Message(role="assistant", content=said), repair_message(problem))
            problem = await self._ask_once(form, (*messages, *again), repeat, attempt)
            if problem is not None:
                reason = f"unreadable reply, also when asked again: {problem}"
                attempt.missing = Missing("unread", reason)
        except CallError as error:
            if error.stops_run:
                raise
            attempt.missing = call_failure(error)
        return attempt

    async def _ask_once(
        self, form: Form[R], messages: tuple[Message, ...], repeat: int, attempt: _Attempt[R]
    ) -> str | None:
        """Fill the attempt, or say what is wrong with the reply."""
        request = ChatRequest(
            messages=messages,
            max_tokens=self._judge.max_tokens,
            temperature=self._judge.temperature_of(repeat),
            reply_schema=form.schema,
            top_logprobs=form.top_logprobs,
            shared=form.prompt.shared,
        )
        answer = await self._gateway.ask(self._judge.model, request, sample=repeat)
        attempt.answers.append(answer)
        tokens = answer.input_tokens_read(request)
        attempt.tokens_read += [] if tokens is None else [tokens]
        attempt.missing = _no_judgment(answer.reply, self._judge) or (
            None if tokens is None or not is_a_context(tokens) else input_cut(tokens)
        )
        if attempt.missing is not None and attempt.missing.kind != "cut":
            return None
        try:
            attempt.reading = form.read(answer.reply)
            attempt.missing = None
        except UnreadableReplyError as error:
            return None if attempt.missing is not None else str(error)
        except Exception as error:  # noqa: BLE001 (named in the judgment, which is then missing)
            attempt.missing = reading_failure(error)
        return None


def rubrics_asked(judge: JudgeConfig, rubric: Rubric) -> list[tuple[str | None, Rubric]]:
    """The rubrics that one question is asked by, each with the name of its only criterion."""
    if judge.criteria == "together":
        return [(None, rubric)]
    return [(part.criteria[0].name, part) for part in rubric.separately()]


def context_room(
    judge: JudgeConfig, rubric: Rubric, context_tokens: int, own: OwnPrompt = OF_THE_HOUSE
) -> int:
    """Tokens for prompt, reference and completions of one request; below 0 where nothing fits."""
    if judge.facts.rewards:  # it is shown the conversation alone
        return context_tokens
    asked = (system_text(judge.protocol, one, own) for _, one in rubrics_asked(judge, rubric))
    longest = max(map(about_tokens, asked), default=0)
    reply = judge.max_tokens if judge.facts.needs == "words" else 0
    return context_tokens - longest - reply


def joined_rationale(parts: Sequence[str | None], rationales: Sequence[str]) -> str:
    """One text of the rationales; those about one criterion begin with its name."""
    return "\n".join(
        f"{part}: {rationale}" if part else rationale
        for part, rationale in zip(parts, rationales, strict=True)
    )


@dataclass(slots=True)
class _Row:
    """What all questions about the completions of a prompt have in common."""

    prompt: Prompt
    completions: Mapping[str, Completion]
    answers: Mapping[str, ShownAnswer]
    """By id, in an order that does not depend on how they came."""
    prompts: dict[tuple[str | None, int, str | None], RowPrompts] = field(default_factory=dict)
    """By the part of the rubric, the number shown, and what the judge answered itself."""


@dataclass(slots=True)
class _Attempt(Generic[R]):
    part: str | None
    """The criterion that is asked about, where each is asked on its own."""
    answers: list[Answer] = field(default_factory=list)
    reading: R | None = None
    missing: Missing | None = None
    tokens_read: list[int] = field(default_factory=list)
    """Of answers whose server may have cut the input."""


def _no_judgment(reply: ModelReply, judge: JudgeConfig) -> Missing | None:
    if reply.finish == "length":
        return Missing(
            "cut",
            f"the judge's reply was cut at max_tokens = {judge.max_tokens}; "
            f"raise `max_tokens` of judge `{judge.label}`",
        )
    if reply.finish == "refusal":
        told = shortened(reply.text, _LONGEST_REFUSAL)
        return Missing("refused", f"the judge refused: {told}")
    if reply.finish == "failed":
        return Missing("failed", f"the server broke off the judge's reply: {reply.end}")
    if reply.finish == "content_filter":
        return Missing("withheld", REPLY_WITHHELD)
    return None
