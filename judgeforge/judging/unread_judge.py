"""A judge of which no reply could be read yet: what came back, and what to say of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.model import REPLY_FORMS, ModelConfig
from judgeforge.errors import CallError, StatusError
from judgeforge.records import Judgment, MissingKind
from judgeforge.text.redaction import redact
from judgeforge.text.visible import excerpt
from judgeforge.text.wording import counted, listed

MOST_UNREADABLE, LEAST_PROMPTS = 16, 2
"""Replies in a row, and the prompts they are about: one odd prompt ends no run."""
MOST_WITHHELD = 12
"""Prompts about which refusals came and what a filter withheld, and nothing else: that may be about
them, so a few tell nothing. Fewer than go alone (runs/first_prompts.py)."""
_WRITTEN = 200
"""Characters of a reply that are quoted."""
_UNREADABLE = frozenset({"unread", "cut", "input_cut"})
_WITHHELD = frozenset({"refused", "withheld"})
Put = Callable[[], Awaitable[Judgment]]
"""Asks a question, in the form that its model is asked in at present."""


@dataclass(slots=True)
class Seen:
    """What came back for one question."""

    replies: int = 0
    written: str = ""
    refusal: StatusError | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one question: a judgment, or the refusal that would stop the run."""

    seen: Seen
    found: Judgment | CallError

    @property
    def is_read(self) -> bool:
        return isinstance(self.found, Judgment) and self.found.missing is None

    @property
    def is_unreadable(self) -> bool:
        return isinstance(self.found, Judgment) and self.found.missing_kind in _UNREADABLE

    @property
    def is_withheld(self) -> bool:
        return isinstance(self.found, Judgment) and self.found.missing_kind in _WITHHELD

    @property
    def may_be_of_the_form(self) -> bool:
        """Where a reply was cut, more room is what helps."""
        if self.seen.refusal is not None:
            return True
        return isinstance(self.found, Judgment) and self.found.missing_kind == "unread"

    def result(self) -> Judgment:
        if isinstance(self.found, CallError):
            raise self.found
        return self.found


@dataclass(slots=True)
class UnreadJudge:
    """A model with a protocol, as long as no reply of it could be read."""

    asking: int = 0
    tried: int = 0
    refused: int = 0
    unreadable: int = 0
    """Replies."""
    prompts: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)
    """Prompts."""
    written: str = ""
    problem: str = ""
    kind: MissingKind | None = None
    """Of the last one."""
    is_told: bool = False

    @property
    def is_hopeless(self) -> bool:
        return self.unreadable >= MOST_UNREADABLE and len(self.prompts) >= LEAST_PROMPTS

    @property
    def is_withheld(self) -> bool:
        return len(self.withheld) >= MOST_WITHHELD

    @property
    def is_in_doubt(self) -> bool:
        return self.asking > 0 or self.refused > 0 or self.unreadable > 0

    def learn(self, outcome: Outcome, prompt_id: str) -> None:
        """From one that is not read."""
        self.tried += 1
        if outcome.seen.refusal is not None:
            self.refused += 1
        elif outcome.is_withheld and isinstance(outcome.found, Judgment):
            self.withheld.add(prompt_id)
            self.problem = outcome.found.missing or ""
        elif isinstance(outcome.found, Judgment) and outcome.is_unreadable:
            self.unreadable += outcome.seen.replies
            self.prompts.add(prompt_id)
            self.written = outcome.seen.written
            self.problem = outcome.found.missing or ""
            self.kind = outcome.found.missing_kind

    def in_words(self, judge: JudgeConfig, model: ModelConfig) -> str:
        """What came of it so far, and what may help."""
        if self.is_withheld:
            return (
                f"no judge has brought a judgment so far, and judge `{judge.label}` (model "
                f"`{judge.model}`, {judge.protocol}) only refusals about each of "
                f"{counted(len(self.withheld), 'prompt')} ({self.problem}). What may help: "
                "another model, a filter of its provider that lets more through, or other prompts "
                "in front."
            )
        return (
            f"none of the first {counted(self.unreadable, 'reply', 'replies')} of judge "
            f"`{judge.label}` (model `{judge.model}`, {judge.protocol}) could be read "
            f"({self.problem}). It wrote: {quoted(self.written)}. "
            f"What may help: {', '.join(_settings(judge, model, self.kind))}, or another model."
        )


SEEN: ContextVar[Seen | None] = ContextVar("seen", default=None)


async def outcome_of(put: Put) -> Outcome:
    """Raises CallError where the run is to stop for anything but how the question was asked."""
    seen = Seen()
    before = SEEN.set(seen)
    try:
        return Outcome(seen, await put())
    except CallError as error:
        if error is not seen.refusal:
            raise
        return Outcome(seen, error)
    finally:
        SEEN.reset(before)


def quoted(written: str) -> str:
    return f"\u201c{excerpt(redact(written), _WRITTEN)}\u201d" if written.strip() else "nothing"


def _settings(judge: JudgeConfig, model: ModelConfig, kind: MissingKind | None) -> list[str]:
    """Those that could be meant, the likeliest first."""
    if kind == "input_cut":
        return ["a longer context of its server", "`context_tokens` of the model"]
    if kind == "cut":
        return [_more_tokens(judge)]
    if judge.facts.rewards:
        return [
            "a reward model with one output",
            "`doctor --ask`, which shows what comes back",
        ]
    if not model.facts.writes:
        return ["another `rubric`"]
    asked, settings = model.reply_forms, list[str]()
    if len(asked) > 1:
        forms = listed(asked, len(asked))
        settings.append(f"another server (`structured` was tried as {forms})")
    elif not model.facts.in_process:
        others = " or ".join(form for form in REPLY_FORMS if form not in asked)
        settings.append(f"`structured: {others}` (its server may ignore {asked[0]})")
    settings.append(_more_tokens(judge))
    if model.thinking_tags is None:
        settings.append("`thinking_tags` of the model, if it thinks aloud")
    return settings


def _more_tokens(judge: JudgeConfig) -> str:
    return f"more `max_tokens` of the judge (now {judge.max_tokens})"
