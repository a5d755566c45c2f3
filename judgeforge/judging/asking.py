"""Asking a judge for replies in a schema: one request a rubric, each with at most one repair.

How much of a judge's context is left for what it judges follows from what it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from judgeforge.calls.call import Answer, Asks, gather_or_cancel
from judgeforge.calls.providers.base import ChatRequest, ModelReply, ReplySchema
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import CallError
from judgeforge.judging.judge import (
    REPLY_WITHHELD,
    Missing,
    call_failure,
    cut_prompt_note,
    fallback_note,
    reading_failure,
)
from judgeforge.judging.judge_prompts import repair_message, system_text
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Judgment, Message
from judgeforge.text.wording import about_tokens, shortened

R = TypeVar("R")

_LONGEST_REFUSAL = 200


@dataclass(frozen=True, slots=True)
class Form(Generic[R]):
    """What is shown to the judge, the schema it replies in, and how the reply is read."""

    messages: tuple[Message, ...]
    schema: ReplySchema
    read: Callable[[ModelReply], R]
    """Raises UnreadableReplyError."""
    part: str | None = None
    """The criterion that this asks about, where each is asked on its own."""
    top_logprobs: int | None = None
    """How many alternatives of each token are asked for."""


@dataclass(frozen=True, slots=True)
class Replies(Generic[R]):
    """What came of all requests of one question."""

    readings: tuple[R, ...]
    """One for each form; none where ``missing`` is set."""
    calls: tuple[str, ...]
    cost_usd: float | None
    missing: Missing | None
    answered_by: tuple[str, ...] = ()
    """Fallbacks that answered in place of the judge's model."""
    answered_model: str | None = None
    input_tokens_read: int | None = None
    """See ``Judgment``."""

    def add_to(
        self, judgment: Judgment, evidence: Callable[[Sequence[R]], dict[str, object]]
    ) -> Judgment:
        """The judgment with its provenance, and with what ``evidence`` makes of the readings."""
        provenance: dict[str, object] = {
            "call": self.calls[-1] if self.calls else None,
            "calls": self.calls if len(self.calls) > 1 else (),
            "cost_usd": self.cost_usd,
            "answered_model": self.answered_model,
            "input_tokens_read": self.input_tokens_read,
        }
        told = self.missing.fields() if self.missing else self._read_by(evidence)
        fields = provenance | told
        if self.answered_by:
            fields["note"] = fallback_note(self.answered_by, fields.get("note"))
        if self.input_tokens_read is not None:
            fields["note"] = cut_prompt_note(self.input_tokens_read, fields.get("note"))
        return judgment.model_copy(update=fields)

    def _read_by(self, evidence: Callable[[Sequence[R]], dict[str, object]]) -> dict[str, object]:
        try:
            return evidence(self.readings)
        except Exception as error:  # noqa: BLE001 (named in the judgment, which is then missing)
            return reading_failure(error).fields()


def rubrics_asked(judge: JudgeConfig, rubric: Rubric) -> list[tuple[str | None, Rubric]]:
    """The rubrics that one question is asked by, each with the name of its only criterion."""
    if judge.criteria == "together":
        return [(None, rubric)]
    return [(part.criteria[0].name, part) for part in rubric.separately()]


async def ask_all(
    gateway: Asks, judge: JudgeConfig, forms: Sequence[Form[R]], repeat: int
) -> Replies[R]:
    """Ask every form; where one stays without a readable reply, the whole is missing.

    Raises CallError only where it stops the run, and BudgetExhaustedError.
    """
    attempts = await gather_or_cancel(_attempt(gateway, judge, form, repeat) for form in forms)
    answers = [answer for attempt in attempts for answer in attempt.answers]
    costs = [answer.cost_usd for answer in answers]
    missing = next((a.missing.of_criterion(a.part) for a in attempts if a.missing), None)
    return Replies(
        readings=tuple(a.reading for a in attempts if a.reading is not None and not missing),
        calls=tuple(answer.key for answer in answers),
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        missing=missing,
        answered_by=tuple(dict.fromkeys(a.answered_by for a in answers if a.answered_by)),
        answered_model=", ".join(dict.fromkeys(filter(None, (a.answered_model for a in answers))))
        or None,
        input_tokens_read=min((n for a in attempts for n in a.tokens_read), default=None),
    )


def context_room(judge: JudgeConfig, rubric: Rubric, context_tokens: int) -> int:
    """Tokens for prompt, reference and completions of one request; below 0 where nothing fits."""
    asked = (system_text(judge.protocol, one) for _, one in rubrics_asked(judge, rubric))
    longest = max(map(about_tokens, asked), default=0)
    reply = 0 if judge.facts.decides else judge.max_tokens
    return context_tokens - longest - reply


def joined_rationale(parts: Sequence[str | None], rationales: Sequence[str]) -> str:
    """One text of the rationales; those about one criterion begin with its name."""
    return "\n".join(
        f"{part}: {rationale}" if part else rationale
        for part, rationale in zip(parts, rationales, strict=True)
    )


@dataclass(slots=True)
class _Attempt(Generic[R]):
    part: str | None
    answers: list[Answer] = field(default_factory=list)
    tokens_read: list[int] = field(default_factory=list)
    """Of answers whose server may have cut the input."""
    reading: R | None = None
    missing: Missing | None = None


async def _attempt(gateway: Asks, judge: JudgeConfig, form: Form[R], repeat: int) -> _Attempt[R]:
    attempt: _Attempt[R] = _Attempt(form.part)
    try:
        problem = await _ask_once(gateway, judge, form, form.messages, repeat, attempt)
        if problem is None:
            return attempt
        said = Message(
            role="assistant", content=attempt.answers[-1].reply.text.strip() or "(empty)"
        )
        again = (*form.messages, said, repair_message(problem))
        problem = await _ask_once(gateway, judge, form, again, repeat, attempt)
        if problem is not None:
            reason = f"unreadable reply, also when asked again: {problem}"
            attempt.missing = Missing("unread", reason)
    except CallError as error:
        if error.stops_run:
            raise
        attempt.missing = call_failure(error)
    return attempt


async def _ask_once(
    gateway: Asks,
    judge: JudgeConfig,
    form: Form[R],
    messages: tuple[Message, ...],
    repeat: int,
    attempt: _Attempt[R],
) -> str | None:
    """Fill the attempt, or say what is wrong with the reply."""
    request = ChatRequest(
        messages=messages,
        max_tokens=judge.max_tokens,
        temperature=judge.asked_temperature,
        reply_schema=form.schema,
        top_logprobs=form.top_logprobs,
    )
    answer = await gateway.ask(judge.model, request, sample=repeat)
    attempt.answers.append(answer)
    tokens = answer.input_tokens_read(request)
    attempt.tokens_read += [] if tokens is None else [tokens]
    attempt.missing = _no_judgment(answer.reply, judge)
    if attempt.missing is not None:
        return None
    try:
        attempt.reading = form.read(answer.reply)
    except UnreadableReplyError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (named in the judgment, which is then missing)
        attempt.missing = reading_failure(error)
    return None


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
    if reply.finish == "content_filter":
        return Missing("withheld", REPLY_WITHHELD)
    return None
