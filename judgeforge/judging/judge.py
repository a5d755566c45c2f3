"""What a judge is: it says what it can be asked, and answers one question at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Protocol

from judgeforge.calls.call import Asks
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import (
    CallError,
    FlaggedInputError,
    OverlongRequestError,
    TooLongError,
    UnsuitedRequestError,
)
from judgeforge.judging.layout import NEWEST_LAYOUT, Layout
from judgeforge.judging.own_prompts import OF_THE_HOUSE, OwnPrompt
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Completion, Judgment, MissingKind, Prompt, Question

REPLY_WITHHELD = "the provider's content filter withheld the judge's reply"


class Judge(Protocol):
    """One configured judge, by the protocol that its configuration names."""

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        """One round of asking this judge about these completions of one prompt.

        The same arguments always give equal questions; each ``repeat`` is drawn independently.
        """
        ...

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        """Ask one question of ``questions``; ``completions`` (by id) includes those it is about.

        A judgment that cannot be obtained is missing and says why; it is never guessed. Raises
        CallError only where it stops the run, and BudgetExhaustedError.
        """
        ...


class JudgeKind(Protocol):
    """A class in ``judging/protocols/`` that the table ``ranking.protocols.PROTOCOLS`` names."""

    def __call__(
        self,
        judge: JudgeConfig,
        rubric: Rubric,
        gateway: Asks,
        *,
        layout: Layout,
        own: OwnPrompt = ...,
    ) -> Judge: ...


def make_judge(
    judge: JudgeConfig,
    rubric: Rubric,
    gateway: Asks,
    *,
    layout: Layout = NEWEST_LAYOUT,
    own: OwnPrompt = OF_THE_HOUSE,
) -> Judge:
    """``layout``: of its requests. ``own``: what it is asked in other words, which protocols that
    are answered in words take."""
    kind: JudgeKind = resolve_name(judge.facts.judge or "")
    if own == OF_THE_HOUSE:
        return kind(judge, rubric, gateway, layout=layout)
    return kind(judge, rubric, gateway, layout=layout, own=own)


def blank_judgment(
    prompt: Prompt,
    question: Question,
    judge: JudgeConfig,
    rubric: Rubric,
    said: Mapping[str, object] = MappingProxyType({}),
) -> Judgment:
    """Everything about a judgment that is known before the judge says anything. ``said``: the
    fields of what it said."""
    about = {
        "id": judgment_id(prompt.id, question),
        "prompt_id": prompt.id,
        "completion_ids": question.completion_ids,
        "repeat": question.repeat,
    }
    blank = _blank(judge.label, judge.protocol, rubric.judged_weight)
    return blank.model_copy(update={**about, **said})


@lru_cache(maxsize=64)
def _blank(judge: str, protocol: str, weight: float) -> Judgment:
    return Judgment(
        id="", prompt_id="", completion_ids=(), judge=judge, protocol=protocol, weight=weight
    )


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a judgment could not be obtained: for programs, and in words."""

    kind: MissingKind
    reason: str

    def of_criterion(self, name: str | None) -> Missing:
        """The same, where criteria are asked about one by one."""
        return Missing(self.kind, f"criterion `{name}`: {self.reason}") if name else self

    def fields(self) -> dict[str, object]:
        """As fields of the judgment."""
        return {"missing": self.reason, "missing_kind": self.kind}


def call_failure(error: CallError) -> Missing:
    """Why no reply could be obtained."""
    if isinstance(error, UnsuitedRequestError):
        return Missing("unsuited", f"not asked: {error}")
    if isinstance(error, TooLongError | OverlongRequestError):
        return Missing("too_long", f"too long for the judge: {error}")
    if isinstance(error, FlaggedInputError):
        return Missing("withheld", f"{REPLY_WITHHELD}: {error}")
    return Missing("failed", f"call failed: {error}")


def reading_failure(error: Exception) -> Missing:
    """A reader met something unforeseen.

    The reply is paid for and stored, so the error would return with every start: one judgment is
    missing instead, and names the error.
    """
    what = f"{type(error).__name__}: {error}"
    return Missing("reading_failed", f"reading the judge's reply failed unexpectedly: {what}")


def input_cut(tokens: int) -> Missing:
    """The judge may never have seen the rubric or the answer."""
    return Missing(
        "input_cut",
        f"the server counted {tokens:,} tokens of a longer input, so it cannot have read all of "
        "it. Give it a longer context, or set `context_tokens` of the model to what it has",
    )


def fallback_note(answered_by: Sequence[str], note: object) -> str:
    """The ``note`` of a judgment to which fallbacks answered in place of the judge's model."""
    stood_in = f"answered by fallback {', '.join(answered_by)}"
    return f"{stood_in}; {note}" if note else stood_in


def cut_prompt_note(tokens: int, note: object) -> str:
    """The ``note`` of a judgment whose server counted too few tokens of the input."""
    counted = f"the server counted {tokens:,} tokens of a longer input"
    cut = f"{counted}: it may have cut it, or counts a part of it only"
    return f"{cut}; {note}" if note else cut


def form_note(form: str, note: object) -> str:
    """The ``note`` of a judgment that was asked for in another form than the usual one."""
    asked = f"asked with structured: {form}"
    return f"{asked}; {note}" if note else asked


def judgment_id(prompt_id: str, question: Question) -> str:
    """``p1.c0.big.r0`` of one completion, ``p1.c2-c0.big.r0`` of several in the order shown.

    It depends on the question alone, and differs for each question about a prompt.
    """
    shown = "-".join(i.removeprefix(f"{prompt_id}.") for i in question.completion_ids)
    return f"{prompt_id}.{shown}.{question.judge}.r{question.repeat}"


def drawn_order(judge: JudgeConfig, completion_ids: Iterable[str], repeat: int) -> tuple[str, ...]:
    """The completions in an order that the judge's ``seed`` draws, whatever order they came in."""

    def place(completion_id: str) -> bytes:
        drawn = f"{judge.seed}/{judge.label}/{repeat}/{completion_id}"
        return hashlib.sha256(drawn.encode("utf-8", "surrogatepass")).digest()

    return tuple(sorted(completion_ids, key=place))
