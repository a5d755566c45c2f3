"""A model writes the criteria of a prompt, once: the request is the same in every start, and its
reply comes from the cache ever after.

It is shown the conversation, the reference and, if wanted, two answers that differ, all of it as
material between tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from judgeforge.calls.call import Answer, Asks
from judgeforge.calls.providers.base import ChatRequest
from judgeforge.config.model import ModelConfig, ReplyForm
from judgeforge.config.rubric import WriteConfig
from judgeforge.errors import CallError, UnreadableJudgeError
from judgeforge.judging.judge_prompts import repair_message, writing_messages
from judgeforge.judging.material import ShownAnswer
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.own_criteria.written import WRITTEN_SCHEMA, read_written
from judgeforge.judging.replies.in_words import said_by
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.rubric import Criterion
from judgeforge.judging.unread_judge import quoted
from judgeforge.records import Completion, Prompt
from judgeforge.store.own_criteria import KeptCriteria
from judgeforge.text.messages import Message
from judgeforge.text.wording import shortened

_LONGEST_REFUSAL = 200
_FEWEST = 3


MOST_UNWRITTEN = 8
"""Prompts from the first of a start on: a model that wrote criteria for none of them is not asked
about all others, whose completions would be paid for nothing."""


class NotWrittenError(Exception):
    """No criteria could be had for a prompt; the message says why."""


@dataclass(slots=True)
class _Begin:
    """How the first prompts of a start went."""

    has_written: bool = False
    without: int = 0
    written: str = ""
    """What came last."""


@dataclass(frozen=True, slots=True)
class CriteriaWriter:
    config: WriteConfig
    model: ModelConfig
    rubrics: OwnRubrics
    asks: Asks
    begin: _Begin = field(default_factory=_Begin)

    async def write(self, prompt: Prompt, answers: Sequence[Completion] = ()) -> KeptCriteria:
        """``answers``: those of which two are shown, where contrast is wanted.

        Raises NotWrittenError, and CallError where that stops the run: UnreadableJudgeError where
        nothing that the model wrote in this start could be read.
        """
        try:
            kept = await self._write(prompt, answers)
        except NotWrittenError as error:
            self.begin.without += not isinstance(error.__cause__, CallError)
            if self.begin.has_written or self.begin.without < MOST_UNWRITTEN:
                raise
            raise UnreadableJudgeError(
                f"model `{self.config.model}` (rubric.write) wrote no criteria that could be used "
                f"for any of the first {self.begin.without} prompts ({error}). It wrote: "
                f"{quoted(self.begin.written)}. What may help: "
                f"`structured` of the model, more `rubric.write.max_tokens` (now "
                f"{self.config.max_tokens}), or another model. Then start the same command again: "
                "nothing that was paid is lost.",
                model=self.config.model,
            ) from error
        self.begin.has_written = True
        return kept

    async def _write(self, prompt: Prompt, answers: Sequence[Completion]) -> KeptCriteria:
        shown = contrasting(answers) if self.config.contrast else ()
        messages, code = messages_for(self.config, self.rubrics, prompt, shown)
        attempt = _Attempt(code)
        try:
            for form, repair in self._ways():
                if await self._ask(messages, form, attempt, repair=repair):
                    return self._kept(attempt)
        except CallError as error:
            if error.stops_run:
                raise
            raise NotWrittenError(f"the call failed: {error}") from error
        raise NotWrittenError(f"unreadable, also when asked again: {attempt.problem}")

    def _ways(self) -> Iterator[tuple[ReplyForm, bool]]:
        """Forms of reply in the order in which they are tried, and whether the last problem is
        told."""
        first, *others = self.model.reply_forms
        yield first, False
        yield first, True
        yield from ((form, False) for form in others)

    async def _ask(
        self, messages: Sequence[Message], form: ReplyForm, attempt: _Attempt, *, repair: bool
    ) -> bool:
        """Whether criteria could be read."""
        again: tuple[Message, ...] = ()
        if repair:
            said = attempt.answers[-1].reply.text.strip() or "(empty)"
            again = (Message(role="assistant", content=said), repair_message(attempt.problem))
        request = ChatRequest(
            messages=(*messages, *again),
            max_tokens=self.config.max_tokens,
            temperature=0.0,
            reply_schema=WRITTEN_SCHEMA,
            form=form,
        )
        answer = await self.asks.ask(self.config.model, request)
        attempt.answers.append(answer)
        reply = answer.reply
        self.begin.written = said_by(reply)
        if reply.finish == "length":
            raise NotWrittenError(
                f"the reply was cut at max_tokens = {self.config.max_tokens}; raise "
                "`rubric.write.max_tokens`"
            )
        if reply.finish == "refusal":
            raise NotWrittenError(f"the model refused: {shortened(reply.text, _LONGEST_REFUSAL)}")
        if reply.finish in {"content_filter", "failed"}:
            raise NotWrittenError(f"the provider withheld or broke off the reply ({reply.finish})")
        try:
            attempt.criteria = read_written(
                said_by(reply),
                most=self.config.most,
                taken=self.rubrics.taken,
                code=attempt.code,
            )
        except UnreadableReplyError as error:
            attempt.problem = str(error)
            return False
        return True

    def _kept(self, attempt: _Attempt) -> KeptCriteria:
        costs = [answer.cost_usd for answer in attempt.answers]
        stood_in = next((a.answered_by for a in attempt.answers if a.answered_by), None)
        return KeptCriteria(
            criteria=[
                one.model_dump(mode="json", exclude_defaults=True) for one in attempt.criteria
            ],
            written_by=stood_in or self.config.model,
            calls=tuple(answer.key for answer in attempt.answers),
            cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        )


@dataclass(slots=True)
class _Attempt:
    code: str
    answers: list[Answer] = field(default_factory=list)
    criteria: list[Criterion] = field(default_factory=list)
    problem: str = ""


def messages_for(
    config: WriteConfig, rubrics: OwnRubrics, prompt: Prompt, shown: Sequence[Completion] = ()
) -> tuple[tuple[Message, Message], str]:
    """What the writer is asked, and the code of the tags in it."""
    answers = [ShownAnswer(one.text, one.tool_calls) for one in shown]
    least = min(_FEWEST, config.most)
    return writing_messages(rubrics.shared, prompt, answers, least=least, most=config.most)


def contrasting(answers: Sequence[Completion]) -> Sequence[Completion]:
    """The two with the smallest share of words in common, the earlier ones of several; none where
    there are not two."""
    words = {one.id: frozenset(one.text.lower().split()) for one in answers}

    def alike(pair: tuple[Completion, Completion]) -> float:
        first, second = (words[one.id] for one in pair)
        return len(first & second) / max(1, len(first | second))

    return min(combinations(answers, 2), key=alike, default=())
