"""The values that flow through a run, from the prompt to its pairs or its skip.

All are frozen; none knows how it was made. Fields are facts, which programs decide by; ``flags``,
``missing``, ``note`` and ``detail`` are words for people, which nothing is decided by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from judgeforge.text.messages import Message, Record, SparseRecord, ToolCall

Given = Literal["chosen", "rejected"]
"""Which side a completion was in a preference set of others."""
Finish = Literal[
    "stop", "length", "refusal", "content_filter", "empty", "failed", "too_long", "given", "unknown"
]  # fmt: skip
"""How a text ended. ``unknown``: it may be whole; ``failed``, ``too_long``: it never began."""
UNNAMED = "given"  # the writer of a completion whose row names none


class ReadyCompletion(SparseRecord):
    """A completion that the input row brought along."""

    only_where_set = frozenset({"model", "tool_calls", "reasoning", "given"})

    text: str
    model: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    given: Given | None = None


class Prompt(Record):
    """One checked row of the input."""

    id: str
    messages: tuple[Message, ...]
    line: int
    file: str | None = None
    """Line or row number from 1, and in which file, where the input has several."""
    digest: str
    """SHA-256 (hex) of everything in the row that can change a result."""
    reference: str | None = None
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
    completions: tuple[ReadyCompletion, ...] = ()
    tools: str | None = None
    criteria: str | None = None
    """Canonical JSON of lists, tools in OpenAI's shape; None where the row has none."""


class Completion(SparseRecord):
    """One answer to a prompt, usable or not."""

    only_where_set = frozenset({"tool_calls", "given", "principle", "near_duplicate_of"})

    id: str
    prompt_id: str
    index: int
    model: str
    text: str
    """"" where it only calls tools."""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish
    cut: bool = False
    """Ended by ``max_tokens`` and not to be used."""
    unsure: str | None = None
    """Why it is not known to be whole, and so not to be used."""
    failure: str | None = None
    """Why there is no answer (``finish`` failed) or it was withheld (content_filter)."""
    duplicate_of: str | None = None
    """Id of the completion that reads the same and is judged for both."""
    near_duplicate_of: str | None = None
    """Id of an earlier one that it nearly repeats: judged on its own, and no pair with that one."""
    signs: tuple[str, ...] = ()
    """Of having been written for its judge instead of its reader, sorted."""
    reasoning: str | None = None
    given: Given | None = None
    principle: str | None = None
    """The system message that was drawn for it and sent with the prompt."""
    call: str | None = None
    """Key of the call that brought it; None for completions that came with the input."""
    answered_model: str | None = None
    """What the server calls the model that answered; None where it does not say."""
    input_tokens_read: int | None = None
    """Those that the server counted of the input, where so few cannot be all that was sent."""
    cost_usd: float | None = 0.0
    """None where the price of the model is unknown."""

    @property
    def is_usable(self) -> bool:
        """Can be judged: whole, not refused, not empty, and not the same as an earlier one."""
        whole = self.finish in {"stop", "given", "length", "unknown"}
        return whole and not self.cut and self.unsure is None and self.duplicate_of is None

    @property
    def is_empty(self) -> bool:
        """Neither words nor a tool call."""
        return not self.tool_calls and not self.text.strip()

    def message(self, *, with_reasoning: bool = False) -> Message:
        return Message(
            role="assistant",
            content=None if self.tool_calls and not self.text else self.text,
            tool_calls=self.tool_calls,
            reasoning_content=self.reasoning if with_reasoning else None,
        )

    @property
    def call_keys(self) -> tuple[str, ...]:
        return (self.call,) if self.call else ()

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader should know of it, in words, as completions.jsonl has it."""
        failed = "withheld" if self.finish == "content_filter" else "failed"
        only = ["only thoughts came"] if self.is_empty and self.reasoning else []
        return (
            *(["cut"] if self.cut else only),
            *([f"not known to be whole: {self.unsure}"] if self.unsure is not None else []),
            *([f"{failed}: {self.failure}"] if self.failure is not None else []),
            *([f"duplicate:{self.duplicate_of}"] if self.duplicate_of is not None else []),
            *([f"nearly:{self.near_duplicate_of}"] if self.near_duplicate_of is not None else []),
            *([f"prompt may be cut: {read} tokens"] if (read := self.input_tokens_read) else []),
            *map(suspicious_flag, self.signs),
        )


def suspicious_flag(sign: str) -> str:
    return f"suspicious:{sign}"


class Question(Record):
    """One thing that a judge can be asked about completions of one prompt."""

    judge: str
    """The judge's label."""
    completion_ids: tuple[str, ...]
    repeat: int = 0
    """Equal questions with different ``repeat`` are asked again, not answered from the cache."""


MissingKind = Literal[
    "refused",  # by the judge
    "withheld",  # by a content filter: the reply, or the request before it
    "failed",  # there was no reply
    "unsuited",  # not asked: the judge reads nothing of this kind
    "too_long",  # what is judged does not fit into the judge's context
    "input_cut",  # the server counted too few tokens to have read all that was sent
    "cut",  # the reply ended at the judge's ``max_tokens``
    "unread",  # the reply is not what was asked for, also when asked again
    "reading_failed",  # reading the reply raised what nothing had foreseen
    "undecided",  # a check that code could not decide
    "left_to_judges",  # the same, of a prompt that judges decide instead
]


class Judgment(SparseRecord):
    """What one judge said of one or several completions of a prompt.

    Scores are 0 to 1, higher is better. The evidence depends on how many were shown together:

    - one (pointwise, decisions, checks): ``score``, the weighted mean of the criteria that this
      judgment covers, ``weight``, the sum of their weights in the rubric, and ``criteria``;
    - two to be compared (pairwise, decisions): ``verdict`` and, where the judge gave them,
      ``strength`` and ``probabilities`` of "a", "b" and "tie"; "a" is the one shown first, and
      ``criteria``, where each was asked on its own, run from 0 ("b") to 1 ("a");
    - all in one request (listwise): ``scores``, one for each completion in the order shown.

    A judgment that could not be obtained has ``missing``, ``missing_kind`` and none of these.
    """

    only_where_set = frozenset({"rewards", "reward_sd", "own_answer"})

    id: str
    prompt_id: str
    completion_ids: tuple[str, ...]  # in the order in which the judge saw them
    judge: str
    protocol: str
    """A name of the table ``judgeforge.ranking.protocols.PROTOCOLS``."""
    repeat: int = 0
    criteria: Mapping[str, float] = Field(default_factory=dict)
    score: float | None = None
    score_sd: float | None = None
    """Of ``score``, where the judge's own probabilities (tokens, decisions) state one."""
    weight: float = 1.0
    verdict: Literal["a", "b", "tie"] | None = None
    strength: float | None = None
    """How clear the verdict is, 0 (hardly) to 1 (beyond doubt)."""
    probabilities: Mapping[str, float] | None = None
    scores: tuple[float, ...] | None = None
    rewards: tuple[float, ...] = ()
    """Of a reward model: one a completion, of any size; comparable within the prompt only."""
    reward_sd: float | None = None
    """Of each reward, where the model's own P(A is better than B) states one."""
    failed_required: tuple[str, ...] = ()
    """Required criteria that code found not met: a veto, see ``ranking.rank``."""
    own_family: tuple[str, ...] = ()
    """Those that come from the judge's own model family."""
    rationale: str | None = None
    note: str | None = None
    """What a reader should know of it (such as a fallback)."""
    call: str | None = None
    """Key of the call that gave it, or of the last one."""
    calls: tuple[str, ...] = ()  # keys of all, where there were several
    answered_model: str | None = None
    """What the server calls the model that answered, or the models; None where it does not say."""
    input_tokens_read: int | None = None
    """Tokens of the input that the server counted, where so few cannot be all that was sent."""
    cost_usd: float | None = 0.0
    """Of all its calls, without ``own_answer``."""
    own_answer: tuple[str, float | None] | None = None
    """Key and cost of what the judge answered to the prompt itself, once for all its judgments."""
    missing: str | None = None
    missing_kind: MissingKind | None = None
    """Why there is no judgment: in words, and for programs (None where no reason was stated)."""

    @property
    def call_keys(self) -> tuple[str, ...]:
        return self.calls or ((self.call,) if self.call else ())


class RubricId(Record):
    name: str
    version: int
    sha256: str


class Provenance(Record):
    chosen_id: str
    rejected_id: str
    judgment_ids: tuple[str, ...]
    rubric: RubricId
    judges: tuple[str, ...]
    calls: tuple[str, ...]
    missing_judges: tuple[str, ...] = ()
    """Judges that were asked about one of the two and gave no judgment."""
    answered_models: tuple[str, ...] = ()
    """What the servers call the models that answered, as far as they say."""
    cost_usd: float | None
    judgeforge_version: str


class PreferencePair(SparseRecord):
    """A line of ``pairs.jsonl``: TRL's conversational preference format plus its reasons."""

    only_where_set = frozenset({"tools", "metadata", "own_criteria", "audit"})

    id: str
    prompt_id: str
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    score_chosen: float
    score_rejected: float
    score_margin: float
    confidence: float
    """P(chosen is better than rejected)."""
    p_tie: float | None = None
    """P(both are equally good); the rest is P(rejected is better). None in older rows."""
    chosen_model: str
    rejected_model: str
    strategy: str
    provenance: Provenance
    tools: str | None = None
    """JSON text. A run of which any row has tools has it on all lines, null for the others."""
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What ``prompts.keep`` names, null where a row has none."""
    audit: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Of a pair by design: whether it was ``judged``, and how often such pairs are right."""
    own_criteria: str | None = None
    """Of the prompt's own, as JSON text (store/own_criteria.py)."""


class SkipReason(StrEnum):
    """Why a prompt ended without pairs. The list is closed."""

    INVALID_ROW = "invalid_row"
    INVALID_CRITERIA = "invalid_criteria"
    NO_CRITERIA = "no_criteria"
    CRITERIA_NOT_WRITTEN = "criteria_not_written"
    INVALID_ENCODING = "invalid_encoding"
    EMPTY_PROMPT = "empty_prompt"
    WRONG_ROLES = "wrong_roles"
    TOO_LONG = "too_long"
    CONTROL_CHARACTERS = "control_characters"
    DUPLICATE_ID = "duplicate_id"
    DUPLICATE_PROMPT = "duplicate_prompt"
    NEAR_DUPLICATE = "near_duplicate"  # of an earlier prompt (`prompts.near_duplicates`)
    CONTAMINATED = "contaminated"  # asks what an evaluation set asks (`prompts.contamination`)
    CHANGED_DURING_RUN = "changed_during_run"
    CALL_FAILED = "call_failed"
    """Retries are used up, or the provider refused this very request."""
    TOO_FEW_COMPLETIONS = "too_few_completions"  # fewer than two usable and distinct ones
    NOT_JUDGED = "not_judged"  # sampled only: nobody has judged it yet
    TOO_FEW_JUDGED = "too_few_judged"
    TIE = "tie"
    ALIKE = "alike"  # pairs could only be made of answers that are nearly the same
    BELOW_CONFIDENCE = "below_confidence"
    BELOW_MARGIN = "below_margin"
    LENGTH_RATIO = "length_ratio"
    ABOVE_MAX_ERROR = "above_max_error"  # more of those kept would be wrong than `max_error`
    WRONG_WRITERS = "wrong_writers"  # no pair has its sides from those whom the rules name
    BELOW_CHOSEN_SCORE = "below_chosen_score"
    NOT_AMONG_BEST = "not_among_best"  # better ones of other prompts are as many as `best` keeps
    TOKEN_DIFFERENCE = "token_difference"  # noqa: S105 (no password)
    NOT_SHOWN_BETTER = "not_shown_better"  # by design: the audit does not show that chosen is

    @property
    def was_ranked(self) -> bool:
        """Outcomes of a prompt whose completions were judged, so that it can be ranked again."""
        doubted = (self.TIE, self.BELOW_CONFIDENCE, self.ABOVE_MAX_ERROR, self.TOO_FEW_JUDGED)
        refused = (self.BELOW_MARGIN, self.LENGTH_RATIO, self.BELOW_CHOSEN_SCORE)
        newer = (self.ALIKE, self.WRONG_WRITERS, self.TOKEN_DIFFERENCE, self.NOT_AMONG_BEST)
        return self in (*doubted, *refused, *newer)

    @property
    def is_failure(self) -> bool:
        """Outcomes of a prompt that went as asked do not count against ``max_skip_share``."""
        as_asked = (self.NOT_JUDGED, self.NOT_SHOWN_BETTER, self.NEAR_DUPLICATE, self.CONTAMINATED)
        return self is self.TOO_FEW_JUDGED or not (self.was_ranked or self in as_asked)


class Skip(SparseRecord):
    only_where_set = frozenset({"prompt", "tools", "metadata", "own_criteria", "audit"})

    prompt_id: str
    line: int
    reason: SkipReason
    detail: str
    prompt: tuple[Message, ...] = ()
    """What was asked, where the prompt has completions: these can be used without a pair, too."""
    tools: str | None = None
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
    audit: Mapping[str, JsonValue] = Field(default_factory=dict)
    own_criteria: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedPrompt:
    prompt: Prompt
    completions: Sequence[Completion]
    """All of them, also those that could not be used."""
    judgments: Sequence[Judgment]
    own_criteria: str | None = None
