"""The answers that a row brings: texts, objects, messages, and the one that a conversation ends in.

An answer is one message of the assistant, in whatever form it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.config.run import LastAnswer
from judgeforge.inputs.lines import from_json_text
from judgeforge.inputs.messages import messages_of
from judgeforge.inputs.rows import (
    RowProblemError,
    bad,
    column_names,
    kind_of,
    or_unread,
    text_of,
)
from judgeforge.inputs.shapes.shape import GivenAnswer
from judgeforge.inputs.turns import turns_of
from judgeforge.records import Given, ReadyCompletion, SkipReason
from judgeforge.text.wording import listed

_TEXTS = ("response", "answer", "content")
"""Keys under which an object has its text, where it has none called `text`."""


def last_answer(prompt: object, wanted: LastAnswer) -> tuple[object, list[GivenAnswer]]:
    """A prompt without the answer that its messages end in, and that answer where it is wanted."""
    if wanted == "refuse":
        return prompt, []
    turns = turns_of(messages_of(prompt) if isinstance(prompt, str) else prompt)
    if not isinstance(turns, list) or not turns or not _is_answer(turns[-1]):
        return prompt, []
    answer = GivenAnswer([turns[-1]], "the last answer")
    return turns[:-1], [answer] if wanted == "completion" else []


def read_completions(value: object, *more: GivenAnswer) -> tuple[ReadyCompletion, ...]:
    """Raises RowProblemError for one that is not an answer."""
    value = from_json_text(value, "completions")
    if value is None:
        value = []
    if not isinstance(value, list):
        bad(f"`completions` must be a list, found {kind_of(value)}{or_unread('completions')}")
    return tuple(_completion(one, n) for n, one in enumerate([*value, *more], start=1))


def require_two(ready: Sequence[ReadyCompletion], *, sampled: bool) -> None:
    """Raises RowProblemError where there is nothing to compare."""
    if len({one.text for one in ready if one.text.strip()}) >= 2:
        return
    if len(ready) > 1 and all(one.given for one in ready):
        sides = " and ".join(f"`{one.given}`" for one in ready)
        same = len({one.text for one in ready}) == 1
        what = "are the same text" if same else "must both have a text"
        detail = f"{sides} {what}, so there is nothing to compare"
    else:
        cause = "" if ready or sampled else ", and the configuration samples none (`sampling`)"
        detail = f"`completions` must have at least two different texts{cause}; add some"
        detail += or_unread("completions") if ready else ""
    raise RowProblemError(SkipReason.TOO_FEW_COMPLETIONS, detail)


def _completion(value: object, number: int) -> ReadyCompletion:
    what, given, model = f"completion {number}", None, None
    if isinstance(value, GivenAnswer):
        what, given, model = f"`{value.name}`", value.given, value.model
        value = value.value
    if isinstance(value, str):
        return _ready(text_of(value, what), model, what, given)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        value = value[0]
    if not isinstance(value, Mapping):
        bad(
            f"{what} must be a string, an object with `text`, or an assistant's message, found "
            f"{kind_of(value)}{or_unread('completions')}"
        )
    if value.get("text") is None and ("role" in value or "from" in value):
        text = _said(value, what)
    else:
        text = text_of(value[_text_key(value, what)], f"the text of {what}")
    return _ready(text, value.get("model") if model is None else model, what, given)


def _ready(text: str, model: object, what: str, given: Given | None) -> ReadyCompletion:
    return ReadyCompletion.model_construct(
        text=text,
        model=None if model is None else text_of(model, f"the model of {what}"),
        given=given,
    )


def _text_key(value: Mapping[str, Any], what: str) -> str:
    if value.get("text") is not None:
        return "text"
    found = [key for key in _TEXTS if value.get(key) is not None]
    if len(found) > 1:
        each = listed((f"`{key}`" for key in found), most=3)
        bad(f"{what} has its text under {each}; call the one to be judged `text`")
    if not found:
        names = column_names(value)
        bad(
            f"{what} must be a string or an object with `text`, found an object with {names}"
            f"{or_unread('completions')}"
        )
    return found[0]


def _said(message: Mapping[str, Any], what: str) -> str:
    turns = turns_of([message])
    turn = turns[0] if isinstance(turns, list) else message
    if not _is_answer(turn):
        bad(f"{what} must be a message of the assistant")
    return text_of(turn.get("content"), f"the content of {what}")


def _is_answer(turn: object) -> bool:
    return isinstance(turn, Mapping) and turn.get("role") == "assistant"
