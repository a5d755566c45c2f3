"""One raw row -> what is needed of it, or the named reason why it is not a prompt."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, Protocol, cast

from judgeforge.config.run import Fields, LastAnswer
from judgeforge.inputs.checked_row import CheckedRow, canonical
from judgeforge.inputs.completions import (
    last_answer,
    read_completions,
    refuse_steps,
    require_two,
)
from judgeforge.inputs.lines import from_json_text
from judgeforge.inputs.messages import read_messages
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.picture_columns import read_pictures
from judgeforge.inputs.rows import (
    RawRow,
    RowProblemError,
    bad,
    column_names,
    is_nan,
    kind_of,
    text_of,
)
from judgeforge.inputs.shapes.shape import pictures_in
from judgeforge.inputs.tools import read_tools, tool_names
from judgeforge.records import Prompt, ReadyCompletion, SkipReason
from judgeforge.text.messages import Message, about_message_tokens
from judgeforge.text.visible import quotable
from judgeforge.text.wording import about_tokens

_LONGEST_ID = 1000
_DEEPEST_METADATA = 100


class StatedCheck(Protocol):
    """A check of an answer by code, as far as a row can break it."""

    @property
    def name(self) -> str: ...

    @property
    def needs_reference(self) -> bool: ...


class StatedCriteria(Protocol):
    """The criteria of a row, as far as the row can break them."""

    @property
    def text(self) -> str:
        """Canonical JSON."""
        ...

    @property
    def needs_reference(self) -> str | None:
        """The check that does."""
        ...


def _no_checks(_: object) -> Sequence[StatedCheck]:
    return ()


@dataclass(frozen=True, slots=True)
class RowChecks:
    context_tokens: int | None = None
    """The smallest context of the sampled models; None where it is unknown."""
    output_tokens: int = 0
    """Of the context, kept free for the answer."""
    judged_tokens: int | None = None
    """The most that any judge can be shown beside its rubric and reply; None where unknown."""
    needs_completions: bool = False
    """Nothing is sampled: a row brings at least two usable, distinct completions."""
    adds_completions: bool = False
    """Others are sampled beside those that a row brings, so that one of these is enough."""
    metadata_checks: tuple[str, ...] = ()
    """Keys of the metadata from which the rubric takes checks."""
    read_checks: Callable[[object], Sequence[StatedCheck]] = _no_checks
    """Reads the value of such a key; a ValueError says what is allowed there."""
    reference_check: str | None = None
    """The rubric's own check, if any, that compares every row with its reference."""
    read_criteria: Callable[[object], StatedCriteria | None] | None = None
    """Reads a row's own criteria; a ValueError says what is wrong. None: they are left alone."""
    needs_criteria: bool = False
    """A row without criteria of its own cannot be judged."""
    last_answer: LastAnswer = "refuse"
    """What becomes of the answer that a prompt's messages end in."""
    look_at: Callable[[int, Sequence[Message], Sequence[ReadyCompletion]], None] | None = None
    """Shown the line, the prompt and the completions of every row that brings some, also where
    these are too few or equal."""
    without_tools: str | None = None
    """Why tools cannot be offered to a model that is sampled; None where they can."""
    without_pictures: str | None = None
    """Why a model of the run cannot be shown pictures; None where all can."""


def check_row(
    row: RawRow, fields: Fields, checks: RowChecks, reading: Reading | None = None
) -> CheckedRow:
    """Check everything that can be told from the row alone, and the pictures that it names.

    Raises RowProblemError.
    """
    columns, reading = row.columns, reading or Reading()
    if fields.prompt not in columns:
        within = any(isinstance(value, Mapping) for value in columns.values())
        path = ", or what stands within one with `COLUMN.KEY`" if within else ""
        bad(
            f"there is no `{quotable(fields.prompt)}`; the row has {column_names(columns)}. "
            f"Name the column with `fields: {{prompt: COLUMN}}`{path}"
        )
    given_id = row_id(columns, fields)
    tools = read_tools(_column(columns, fields.tools))
    asked, answered = last_answer(columns[fields.prompt], checks.last_answer)
    pictures = read_pictures(pictures_in(columns, fields), reading)
    messages = read_messages(asked, reading, tool_names(tools), pictures)
    reference = _reference(_column(columns, fields.reference))
    metadata = _with_kept(_metadata(_column(columns, fields.metadata)), row.kept)
    _check_verifiable(metadata, checks, has_reference=reference is not None)
    refuse_steps(columns, fields)
    ready = read_completions(_column(columns, fields.completions), reading, answered)
    if ready and checks.look_at is not None:
        checks.look_at(row.line, messages, ready)
    if (ready and not checks.adds_completions) or checks.needs_completions:
        require_two(ready, sampled=not checks.needs_completions, answered=bool(answered))
    parts = {
        "messages": messages,
        "line": row.line,
        "reference": reference,
        "metadata": metadata,
        "completions": ready,
        "tools": tools,
        "criteria": _criteria(
            _column(columns, fields.criteria), checks, has_reference=reference is not None
        ),
    }
    return CheckedRow(given_id, parts)


def row_id(columns: Mapping[str, Any], fields: Fields) -> str | None:
    """The id that the row gives, a number as its decimal text; None without one.

    Raises RowProblemError for a wrong one.
    """
    value = _column(columns, fields.id)
    if value is None:
        return None
    value = _number_as_text(value, "id")
    if not isinstance(value, str):
        bad(f"`id` must be a string or a number, found {kind_of(value)}", unread="id")
    text = text_of(value, "`id`")
    if not text.strip():
        bad("`id` is empty; give one, or leave it out and it is made from the content")
    if len(text) > _LONGEST_ID:
        bad(f"`id` is longer than {_LONGEST_ID} characters; shorten it")
    return text


def _column(columns: Mapping[str, Any], name: str | None) -> Any:  # noqa: ANN401
    """None for a column that is absent, or that the configuration does not read."""
    return None if name is None else columns.get(name)


def _reference(value: object) -> str | None:
    """Answers that are numbers are numbers in many sets; NaN stands for no value there."""
    if value is None or is_nan(value):
        return None
    value = _number_as_text(value, "reference")
    if not isinstance(value, str):
        path = "COLUMN.0" if isinstance(value, list) else "COLUMN.KEY"
        within = f"; `fields: {{reference: {path}}}` reads what stands within it"
        within = within if isinstance(value, list | dict) else ""
        problem = f"`reference` must be a string or a number, found {kind_of(value)}{within}"
        bad(problem, unread="reference")
    return text_of(value, "`reference`")


def _number_as_text(value: object, field: str) -> object:
    """In decimal digits; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        bad(f"`{field}` must be a string or a number, found {value}")
    return f"{Decimal(repr(value)) if isinstance(value, float) else value:f}"


def _metadata(value: object) -> Mapping[str, Any]:
    value = from_json_text(value, "metadata")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        bad(f"`metadata` must be an object, found {kind_of(value)}", unread="metadata")
    return _as_json(value, "`metadata`", "; change or remove that value", unread="metadata")


def _as_json(
    value: Mapping[str, Any], what: str, advice: str, unread: str | None = None
) -> Mapping[str, Any]:
    """Raises RowProblemError for what JSON cannot have."""
    try:
        return _json_object(value)
    except UnicodeEncodeError:
        raise RowProblemError(
            SkipReason.INVALID_ENCODING,
            f"{what} contains half a surrogate pair; write the whole character",
        ) from None
    except (ValueError, TypeError, RecursionError) as error:
        bad(f"{what} cannot be written as JSON ({error}){advice}", unread=unread)


def _with_kept(metadata: Mapping[str, Any], kept: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the columns that go into the pairs; NaN stands for no value in many tables."""
    if not kept:
        return metadata
    beside = {name: value for name, value in kept.items() if not is_nan(value)}
    for name in beside.keys() & metadata.keys():
        if metadata[name] != beside[name]:
            bad(
                f"`{quotable(name)}` is a column and a key of `metadata`, and they differ; "
                "take one of them out"
            )
    kept_values = {name: _kept(name, value) for name, value in beside.items()}
    return {**kept_values, **metadata}


def _kept(name: str, value: object) -> object:
    where = f"`{quotable(name)}`, which `prompts.keep` names,"
    advice = "; change that value, or do not keep the column"
    return _as_json({name: value}, where, advice)[name]


def _check_verifiable(
    metadata: Mapping[str, Any], checks: RowChecks, *, has_reference: bool
) -> None:
    """What the rubric verifies by code must be there and right before completions are paid for."""
    compares = checks.reference_check
    for key in checks.metadata_checks:
        stated = metadata.get(key)
        if stated is None or stated == {}:
            continue
        try:
            ready = checks.read_checks(stated)
        except ValueError as error:
            bad(f"`metadata.{quotable(key)}`: {error}")
        compares = compares or next((one.name for one in ready if one.needs_reference), None)
    if compares and not has_reference:
        bad(f"the check `{compares}` needs a `reference`, and the row has none; add one")


def _criteria(value: object, checks: RowChecks, *, has_reference: bool) -> str | None:
    if checks.read_criteria is None:
        return None
    try:
        found = checks.read_criteria(None if is_nan(value) else value)
    except ValueError as error:
        raise RowProblemError(SkipReason.INVALID_CRITERIA, f"`criteria`: {error}") from None
    if found is None:
        if checks.needs_criteria:
            raise RowProblemError(
                SkipReason.NO_CRITERIA,
                "the row has no `criteria`, and with `per_prompt: only` nothing else is judged; "
                "add some, let a model write them (`rubric.write`), or use `per_prompt: add`",
            )
        return None
    if found.needs_reference and not has_reference:
        raise RowProblemError(
            SkipReason.INVALID_CRITERIA,
            f"`criteria`: the check `{found.needs_reference}` needs a `reference`, and the row has "
            "none; add one",
        )
    return found.text


def _json_object(value: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        _refuse_depth(value)
        canonical(value).encode()
    except TypeError:
        plain = json.loads(json.dumps(value, default=_as_text))
        canonical(plain).encode()
        return cast("Mapping[str, Any]", plain)
    return value


def _refuse_depth(value: object) -> None:
    """Raises ValueError for what can be read here but not written where calls are nested."""
    level = [value]
    for _ in range(_DEEPEST_METADATA):
        level = [
            inner
            for each in level
            if isinstance(each, Mapping | list)
            for inner in (each.values() if isinstance(each, Mapping) else each)
        ]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {_DEEPEST_METADATA} levels")


def _as_text(value: object) -> str:
    """Values that tables have and JSON does not."""
    if isinstance(value, date | time | Decimal):
        return str(value)
    raise TypeError(f"a value is {kind_of(value)}")


def check_length(prompt: Prompt, checks: RowChecks) -> None:
    """Whether a prompt fits into what the models can take in, as far as that is known.

    Raises RowProblemError.
    """
    room, judged = checks.context_tokens, checks.judged_tokens
    if room is None and judged is None:
        return
    asked = about_message_tokens(prompt.messages, prompt.tools or "")
    if room is not None and asked + checks.output_tokens > room:
        raise RowProblemError(
            SkipReason.TOO_LONG,
            f"about {asked} tokens and {checks.output_tokens} for the answer do not fit into "
            f"context_tokens = {room}; shorten the prompt",
        )
    # Completions come on top, so what leaves no room for any is not worth sampling them.
    shown = asked + about_tokens(prompt.reference or "", prompt.criteria or "")
    if judged is not None and shown >= judged:
        raise RowProblemError(
            SkipReason.TOO_LONG,
            f"about {shown} tokens and a completion do not fit into context_tokens of any judge, "
            f"where rubric and reply leave {max(0, judged)}; shorten the prompt",
        )
