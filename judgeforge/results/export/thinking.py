"""Thoughts in the form that a trainer's chat template wants: a field, words, or nothing.

Templates that know thoughts read `reasoning_content` and put their own marks around it. Others drop
the field without a word: for them the thought begins the content, between the marks that most
models write. Thoughts of earlier turns are context, which templates leave out; only a field keeps
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast, get_args

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.judged_prompts import JudgedCompletions
from judgeforge.text.messages import Message, TextPart
from judgeforge.text.wording import did_you_mean

Thinking = Literal["field", "inline", "drop"]
OPENED, CLOSED = "<think>\n", "\n</think>"


def chosen_thinking(name: str) -> Thinking:
    """Raises ConfigError for another word."""
    for known in get_args(Thinking):
        if name == known:
            return cast("Thinking", known)
    known_ones = ", ".join(get_args(Thinking))
    raise ConfigError(
        f"--thinking {name}: must be one of {known_ones}{did_you_mean(name, get_args(Thinking))}"
    )


def with_thinking(pair: PreferencePair, thinking: Thinking) -> PreferencePair:
    """The same object where nothing is to change."""
    if thinking == "field":
        return pair
    changed = {
        "prompt": without_thoughts(pair.prompt),
        "chosen": answer_with_thinking(pair.chosen, thinking),
        "rejected": answer_with_thinking(pair.rejected, thinking),
    }
    return pair.model_copy(update=changed)


def judged_with_thinking(judged: JudgedCompletions, thinking: Thinking) -> JudgedCompletions:
    """The same object where nothing is to change."""
    if thinking == "field":
        return judged
    answers = [answer_with_thinking([one.message], thinking)[0] for one in judged.completions]
    changed = zip(judged.completions, answers, strict=True)
    return replace(
        judged,
        prompt=without_thoughts(judged.prompt),
        completions=tuple(replace(one, message=answer) for one, answer in changed),
    )


def answer_with_thinking(side: Sequence[Message], thinking: Thinking) -> tuple[Message, ...]:
    if thinking == "field":
        return tuple(side)
    return tuple(map(_inline, side)) if thinking == "inline" else without_thoughts(side)


def without_thoughts(messages: Sequence[Message]) -> tuple[Message, ...]:
    return tuple(
        one.model_copy(update={"reasoning_content": None}) if one.reasoning_content else one
        for one in messages
    )


def has_earlier_thoughts(pair: PreferencePair | JudgedCompletions) -> bool:
    return any(turn.reasoning_content for turn in pair.prompt)


def _inline(message: Message) -> Message:
    if not message.reasoning_content:
        return message
    thought = f"{OPENED}{message.reasoning_content.strip()}{CLOSED}"
    content = message.content
    said = (
        (TextPart(text=f"{thought}\n\n"), *content)
        if isinstance(content, tuple)
        else "\n\n".join([thought, *([content] if content else [])])
    )
    return message.model_copy(update={"reasoning_content": None, "content": said})
