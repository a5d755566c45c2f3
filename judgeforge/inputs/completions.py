"""Completions that a row brings along: texts, objects with ``text``, or assistant's messages; and
the answer that a conversation ends in.

What a model wrote is judged as it is: its calls may name a tool that is none, with arguments that
are not JSON. That is for judges and checks to say, and makes no row a bad one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.config.run import Fields, LastAnswer
from judgeforge.inputs.lines import from_json_text
from judgeforge.inputs.messages_in_text import messages_of
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.openai_messages import read_content, read_thought
from judgeforge.inputs.rows import RowProblemError, bad, column_names, kind_of, text_of
from judgeforge.inputs.shapes.shape import STEP_LABELS, GivenAnswer
from judgeforge.inputs.tools import read_tool_calls
from judgeforge.inputs.turns import listed_turns, turns_of
from judgeforge.records import ReadyCompletion, SkipReason
from judgeforge.text.messages import Message, TextPart
from judgeforge.text.same_reading import text_as_read
from judgeforge.text.tool_calls import same_calls_key
from judgeforge.text.wording import listed

_OF_A_COMPLETION = frozenset(
    {"text", "model", "role", "content", "tool_calls", "response", "answer"}
    | {"reasoning", "reasoning_content", "thinking"}
)
_TEXTS = ("response", "answer", "content")
"""Keys under which an object has its text, where it has none called `text`."""


def last_answer(prompt: object, wanted: LastAnswer) -> tuple[object, list[GivenAnswer]]:
    """A prompt without the answer that its messages end in, and that answer where it is wanted."""
    if wanted == "refuse":
        return prompt, []
    turns = turns_of(messages_of(prompt) if isinstance(prompt, str) else prompt)
    if not isinstance(turns, list) or not turns or not _is_answer(turns[-1]):
        return prompt, []
    answer = GivenAnswer(turns[-1], "the last answer")
    return turns[:-1], [answer] if wanted == "completion" else []


def read_completions(
    value: object, reading: Reading, more: Sequence[GivenAnswer] = ()
) -> tuple[ReadyCompletion, ...]:
    """``more``: answers that stand elsewhere in the row. Raises RowProblemError."""
    value = from_json_text(value, "completions")
    if value is None:
        value = []
    if not isinstance(value, list):
        bad(f"`completions` must be a list, found {kind_of(value)}", unread="completions")
    each = enumerate([*value, *more], start=1)
    return tuple(_completion(one, number, reading) for number, one in each)


def refuse_steps(columns: Mapping[str, Any], fields: Fields) -> None:
    """What a set of stepwise labels (TRL's PRMTrainer, math-shepherd) calls completions are the
    steps of one answer: a judge would compare its beginning with its end. Raises RowProblemError.
    """
    if fields.completions is None or "completions" in fields.model_fields_set:
        return
    steps, labels = columns.get(fields.completions), columns.get(STEP_LABELS)
    if steps is None or labels is None:
        return
    try:
        steps, labels = from_json_text(steps, "completions"), from_json_text(labels, STEP_LABELS)
    except RowProblemError:  # another column of that name, or one that is told of where it is read
        return
    if not isinstance(steps, list) or not isinstance(labels, list) or len(steps) != len(labels):
        return
    if labels and all(isinstance(each, bool) for each in labels):
        bad(
            "`completions` are the steps of one answer, with a label for each in `labels`, and not "
            "answers to compare; `fields: {completions: null}` has answers sampled for the prompt, "
            "and `fields: {completions: completions}` says that they are answers all the same"
        )


def require_two(ready: Sequence[ReadyCompletion], *, sampled: bool, answered: bool = False) -> None:
    """``sampled``: rows need not bring any. ``answered``: the last one is the last answer.

    Raises RowProblemError with nothing to compare.
    """
    if len({_said(one) for one in ready if one.text.strip() or one.tool_calls}) >= 2:
        return
    unread = None
    if len(ready) > 1 and all(one.given for one in ready):
        what = "are the same" if len(set(map(_said, ready))) == 1 else "must both have a text"
        sides = " and ".join(f"`{one.given}`" for one in ready)
        detail = f"{sides} {what}, so there is nothing to compare"
    elif answered and len(ready) == 1:
        detail = (
            "the last answer is the only completion, so there is nothing to compare; add others "
            "as `completions`"
        )
        if sampled:
            detail += (
                ", have others sampled beside it (`sampling.add_to_ready`), or take it out to have "
                "all sampled (`prompts: {last_answer: drop}`)"
            )
    else:
        cause = "" if ready or sampled else ", and the configuration samples none (`sampling`)"
        detail = f"`completions` must have at least two different texts{cause}; add some"
        unread = "completions" if ready else None
    raise RowProblemError(SkipReason.TOO_FEW_COMPLETIONS, detail, unread=unread)


def _said(one: ReadyCompletion) -> tuple[str, str]:
    """Neither blanks nor the order of keys in arguments tell two apart, as when completions are
    compared."""
    return (text_as_read(one.text), same_calls_key(one.tool_calls))


def _completion(value: object, number: int, reading: Reading) -> ReadyCompletion:
    if isinstance(value, GivenAnswer):
        read = _answer(value.value, f"`{value.name}`", reading)
        model = read.model if value.model is None else value.model
        found = {"given": value.given, "model": _model(model, f"`{value.name}`")}
        return read.model_copy(update=found)
    return _answer(value, f"completion {number}", reading)


def _answer(value: object, what: str, reading: Reading) -> ReadyCompletion:
    if isinstance(value, str):
        return ReadyCompletion(text=text_of(value, what))
    if isinstance(value, list):
        value = _only_turn(value, what)
    if not isinstance(value, Mapping) or (value.get("text") is None and not _is_message(value)):
        bad(
            f"{what} must be a string or an object with `text`, found {_found(value)}",
            unread="completions",
        )
    if value.get("role") not in (None, "assistant"):
        bad(f"{what} is a message of another role than assistant; take it out")
    for field, each in value.items():
        if field not in _OF_A_COMPLETION and each not in (None, "", [], {}):
            reading.noticed.leave_out(f"completions.{field}")
    calls = read_tool_calls(value.get("tool_calls"), what, reading, strictly=False)
    return ReadyCompletion(
        text=_text(value, what, has_calls=bool(calls), reading=reading),
        model=_model(value.get("model"), what),
        tool_calls=calls,
        reasoning=read_thought(value, "assistant", what),
    )


def _only_turn(turns: list[Any], what: str) -> object:
    if len(turns) != 1:
        bad(f"{what} has {len(turns)} messages; it must be one message of the assistant")
    return listed_turns(turns)[0]


def _model(value: object, what: str) -> str | None:
    return None if value is None else text_of(value, f"the model of {what}")


def _is_answer(turn: object) -> bool:
    return isinstance(turn, Mapping) and turn.get("role") == "assistant"


def _is_message(value: Mapping[str, object]) -> bool:
    return any(value.get(key) is not None for key in _TEXTS) or bool(value.get("tool_calls"))


def _text(value: Mapping[str, object], what: str, *, has_calls: bool, reading: Reading) -> str:
    text = value.get("text")
    if text is not None:
        return text_of(text, f"the text of {what}")
    found = [key for key in _TEXTS if value.get(key) is not None]
    if not found and has_calls:
        return ""
    if len(found) > 1:
        each = listed((f"`{key}`" for key in found), most=3)
        bad(f"{what} has its text under {each}; call the one to be judged `text`")
    content = value[found[0]]
    if isinstance(content, str):
        return text_of(content, f"the {found[0]} of {what}")
    parts = read_content(content, "assistant", what, reading)
    if isinstance(parts, tuple) and any(not isinstance(part, TextPart) for part in parts):
        bad(f"{what} has a picture, which judges cannot compare; take it out")
    return Message.model_construct(role="assistant", content=parts).text


def _found(value: object) -> str:
    names = f" with {column_names(value)}" if isinstance(value, Mapping) else ""
    return f"{kind_of(value)}{names}"
