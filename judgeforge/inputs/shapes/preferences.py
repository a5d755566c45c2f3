"""Preference sets of others: rows with ``chosen`` and ``rejected``, whose answers are judged anew.

The sides are texts, messages, whole conversations that begin with the prompt, or transcripts (HH).
Without a column for the prompt, it is what both conversations begin with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile
from typing import Any, get_args

from judgeforge.config.run import Fields
from judgeforge.inputs.messages_in_text import messages_of
from judgeforge.inputs.rows import bad, kind_of
from judgeforge.inputs.shapes.alpaca import INPUTS, first_of, instruction_turns
from judgeforge.inputs.shapes.shape import (
    Columns,
    GivenAnswer,
    Shape,
    names_its_prompt,
    names_its_sides,
    one_turn,
    with_system,
)
from judgeforge.inputs.shapes.transcripts import looks_like_transcript, transcript_turns
from judgeforge.inputs.turns import listed_turns, turns_of
from judgeforge.records import Given

_SIDES: tuple[Given, ...] = get_args(Given)
_PROMPTS = ("prompt", "question", "instruction", "input", "conversations", "messages", "context")
"""Columns that may have the prompt; the first is it wherever it is there."""
_OTHER_NAMES = (
    ("preferred_output", "non_preferred_output"),  # hosted preference tuning: OpenAI, Together
    ("chosen_response", "rejected_response"),  # argilla
)
_MODELS = ("{}_model", "{}-model", "model_{}")


def columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
    sides = _sides(names, fields)
    if not sides:
        return ()
    prompt = _prompt_column(names, fields)
    is_alpaca = prompt == "instruction" and not names_its_prompt(fields)
    beside = [first_of(INPUTS, names)] if is_alpaca else []
    models = [column for side in _SIDES if (column := _model_column(names, side))]
    wanted = [*sides.values(), *([prompt] if prompt else []), *beside, "system", *models]
    return tuple(name for name in wanted if name in names)


def read(row: Columns, fields: Fields) -> dict[str, Any]:
    filled = [name for name, value in row.items() if value is not None]
    sides = _sides(row, fields)
    if not sides:
        bad("the row lacks one of its two sides")
    names = list(sides.values())
    source = _prompt_column(filled, fields)
    prompt = None if source is None else _prompt(source, row, fields)
    prompt, answers = split(prompt, [conversation(row.get(name), name) for name in names], names)
    given = [
        GivenAnswer(answer, name, side, row.get(_model_column(filled, side) or ""))
        for (side, name), answer in zip(sides.items(), answers, strict=True)
    ]
    about = row.get(source or "")
    tools = {"tools": about["tools"]} if isinstance(about, Mapping) and "tools" in about else {}
    return {"prompt": with_system(prompt, row), "completions": given, **tools}


def conversation(value: object, name: str) -> str | list[Any]:
    """What a side holds: a text, or turns. Raises RowProblemError."""
    if isinstance(value, str):
        if looks_like_transcript(value):
            return list(transcript_turns(value, keep_empty_answer=True))
        found = messages_of(value)
        if found is None:
            return value
        value = found
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list) or not value:
        bad(f"`{name}` must be a text or messages, found {kind_of(value)}")
    turns = listed_turns(value)
    if not all(isinstance(turn, Mapping) for turn in turns):
        bad(
            f"`{name}` must be a text or messages, found a list that begins with "
            f"{kind_of(turns[0])}; a path names one of a list, as `{name}.0` the first"
        )
    return turns


def split(
    prompt: object, sides: Sequence[str | list[Any]], names: Sequence[str]
) -> tuple[object, list[object]]:
    """The prompt, and the answer of each side without it. Raises RowProblemError."""
    whole = [side for side in sides if isinstance(side, list) and not _is_answer(side)]
    if not whole:
        if prompt is None:
            bad(
                f"the row has no prompt, and {_both(names)} are answers alone; name the column of "
                "the prompt with `fields: {prompt: COLUMN}`"
            )
        return prompt, list(sides)
    if len(whole) < len(sides):
        bad(f"of {_both(names)}, one is a whole conversation and the other an answer alone")
    common = _common_turns(whole)
    for name, side in zip(names, whole, strict=True):
        rest = side[len(common) :]
        if not _is_answer(rest):
            bad(
                f"`{name}` has {len(rest)} turns after what it has in common with the other "
                "side; both must be the same conversation, up to one last answer of the assistant"
            )
    if prompt is not None and not _agrees(prompt, common):
        bad(
            f"the row's prompt is not what {_both(names)} begin with; take one of them out, or "
            "read the prompt from another column with `fields: {prompt: COLUMN}`"
        )
    return common, [side[len(common) :] for side in whole]


def _common_turns(conversations: Sequence[list[Any]]) -> list[Any]:
    """What all begin with; the last turn of each is its answer, whatever it is."""
    shortest = min(len(each) for each in conversations) - 1
    first, *others = conversations
    pairs = zip(first[:shortest], *others, strict=False)
    same = takewhile(lambda turns: all(turn == turns[0] for turn in turns[1:]), pairs)
    return [turns[0] for turns in same]


def _is_answer(turns: Sequence[Any]) -> bool:
    return len(turns) == 1 and isinstance(turns[0], Mapping) and turns[0].get("role") == "assistant"


def _agrees(prompt: object, common: Sequence[Any]) -> bool:
    """Whether a prompt is the beginning of a conversation, or a turn of the user in it."""
    if not isinstance(prompt, list) or not all(isinstance(turn, Mapping) for turn in prompt):
        return False
    said = [_words(turn) for turn in prompt]
    there = [_words(turn) for turn in common]
    if len(said) == 1 and prompt[0].get("role") == "user":
        return said[0] in [_words(turn) for turn in common if turn.get("role") == "user"]
    return there in (said, said[:-1]) or said == there[-len(said) :]


def _words(turn: Mapping[str, Any]) -> object:
    content = turn.get("content")
    return content.strip() if isinstance(content, str) else content


def _prompt(source: str, row: Columns, fields: Fields) -> object:
    if source == "instruction" and not names_its_prompt(fields):
        return instruction_turns(row, fields)
    return asked(row.get(source))


def asked(value: object) -> object:
    """A column that has a prompt, as turns. Raises RowProblemError."""
    if isinstance(value, Mapping) and "messages" in value:
        value = value["messages"]
    if not isinstance(value, str):
        return turns_of(value)
    if looks_like_transcript(value):
        return transcript_turns(value)
    turns = messages_of(value)
    return one_turn(value) if turns is None else turns_of(turns)


def _prompt_column(names: Collection[str], fields: Fields) -> str | None:
    """Raises RowProblemError where several columns could have the prompt."""
    if names_its_prompt(fields):
        return fields.prompt if fields.prompt in names else None
    found = [name for name in _PROMPTS if name in names]
    if "instruction" in found:
        found = [name for name in found if name not in INPUTS]
    if len(found) > 1 and found[0] != _PROMPTS[0]:
        each = " or ".join(f"`{name}`" for name in found)
        bad(f"the prompt could be {each}; say which: `fields: {{prompt: {found[0]}}}`")
    return found[0] if found else None


def _sides(names: Collection[str], fields: Fields) -> dict[Given, str]:
    """Side -> its column; nothing where one of the two is not there, or is not to be read."""
    if fields.chosen is None or fields.rejected is None:
        return {}
    known = [(fields.chosen, fields.rejected), *([] if names_its_sides(fields) else _OTHER_NAMES)]
    for each in known:
        if all(name in names for name in each):
            return dict(zip(_SIDES, each, strict=True))
    return {}


def _model_column(names: Collection[str], side: str) -> str | None:
    return next((name for form in _MODELS if (name := form.format(side)) in names), None)


def _both(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


SHAPE = Shape("preferences", columns, read, _SIDES, brings_answers=True)
