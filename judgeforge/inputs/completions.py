"""Completions that a row brings along: texts, objects with ``text``, or assistant's messages.

What a model wrote is judged as it is: its calls may name a tool that is none, with arguments that
are not JSON. That is for judges and checks to say, and makes no row a bad one.
"""

from __future__ import annotations

from collections.abc import Mapping

from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.openai_messages import read_content, read_thought
from judgeforge.inputs.rows import RowProblemError, bad, column_names, kind_of, or_unread, text_of
from judgeforge.inputs.tools import read_tool_calls
from judgeforge.records import ReadyCompletion, SkipReason
from judgeforge.text.messages import Message, TextPart
from judgeforge.text.tool_calls import same_calls_key

_OF_A_COMPLETION = frozenset(
    {"text", "model", "role", "content", "tool_calls", "given"}
    | {"reasoning", "reasoning_content", "thinking"}
)


def read_completions(
    value: object, reading: Reading, *, needs_completions: bool
) -> tuple[ReadyCompletion, ...]:
    """``needs_completions``: none are sampled. Raises RowProblemError."""
    if value is None:
        value = []
    if not isinstance(value, list):
        bad(f"`completions` must be a list, found {kind_of(value)}{or_unread('completions')}")
    if not value and not needs_completions:
        return ()
    ready = tuple(_completion(one, number, reading) for number, one in enumerate(value, start=1))
    if len({_said(one) for one in ready if one.text.strip() or one.tool_calls}) < 2:
        cause = "" if ready else ", and the configuration samples none (`sampling`)"
        raise RowProblemError(
            SkipReason.TOO_FEW_COMPLETIONS,
            f"`completions` must have at least two different texts{cause}; add some",
        )
    return ready


def _said(one: ReadyCompletion) -> tuple[str, str]:
    """The order of keys in arguments tells no two apart, as when completions are compared."""
    return (one.text, same_calls_key(one.tool_calls))


def _completion(value: object, number: int, reading: Reading) -> ReadyCompletion:
    what = f"completion {number}"
    if isinstance(value, str):
        return ReadyCompletion.model_construct(text=text_of(value, what))
    if not isinstance(value, Mapping) or (value.get("text") is None and not _is_message(value)):
        bad(
            f"{what} must be a string or an object with `text`, found {_found(value)}"
            f"{or_unread('completions')}"
        )
    if value.get("role") not in (None, "assistant"):
        bad(f"{what} is a message of another role than assistant; take it out")
    for field, each in value.items():
        if field not in _OF_A_COMPLETION and each not in (None, "", [], {}):
            reading.noticed.left_out[f"completions.{field}"] += 1
    calls = read_tool_calls(value.get("tool_calls"), what, reading, strictly=False)
    model = value.get("model")
    return ReadyCompletion.model_construct(
        text=_text(value, what, has_calls=bool(calls), reading=reading),
        model=None if model is None else text_of(model, f"the model of {what}"),
        tool_calls=calls,
        reasoning=read_thought(value, "assistant", what),
        given=value.get("given"),
    )


def _is_message(value: Mapping[str, object]) -> bool:
    return value.get("content") is not None or bool(value.get("tool_calls"))


def _text(value: Mapping[str, object], what: str, *, has_calls: bool, reading: Reading) -> str:
    text = value.get("text")
    if text is not None:
        return text_of(text, f"the text of {what}")
    content = value.get("content")
    if content is None and has_calls:
        return ""
    if isinstance(content, str):
        return text_of(content, f"the content of {what}")
    parts = read_content(content, "assistant", what, reading)
    if isinstance(parts, tuple) and any(not isinstance(part, TextPart) for part in parts):
        bad(f"{what} has a picture, which judges cannot compare; take it out")
    return Message.model_construct(role="assistant", content=parts).text


def _found(value: object) -> str:
    names = f" with {column_names(value)}" if isinstance(value, Mapping) else ""
    return f"{kind_of(value)}{names}"
