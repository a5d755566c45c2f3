"""What is judged, as text between tags: turns and answers with their tool calls and pictures.

Whatever a row or a model wrote stands verbatim between tags that end in a code which occurs
nowhere in it; the tags themselves are ours alone, numbers included. A turn or an answer of words
alone is these words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from judgeforge.records import Completion, Prompt
from judgeforge.text.messages import ImagePart, ImageUrl, Message, Part, TextPart, ToolCall
from judgeforge.text.tool_calls import call_text


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    text: str
    calls: tuple[ToolCall, ...] = ()
    thought: str | None = None
    """What the model thought before it answered; None where judges are not to see it."""

    @classmethod
    def of(cls, completion: Completion) -> ShownAnswer:
        return cls(completion.text, completion.tool_calls, completion.reasoning or None)


def as_shown(answer: str | ShownAnswer) -> ShownAnswer:
    """A text is an answer of words alone."""
    return ShownAnswer(answer) if isinstance(answer, str) else answer


def answers_by_id(completions: Mapping[str, Completion]) -> dict[str, ShownAnswer]:
    """All completions of a prompt by their ids, in an order that does not depend on how they
    came."""
    in_order = sorted(completions.values(), key=lambda one: (one.index, one.id))
    return {one.id: ShownAnswer.of(one) for one in in_order}


@dataclass(frozen=True, slots=True)
class Material:
    """A prompt with answers to it, in the order shown."""

    prompt: Prompt
    answers: tuple[ShownAnswer, ...]

    @property
    def has_tools(self) -> bool:
        called = (one.tool_calls for one in self.prompt.messages)
        return bool(self.prompt.tools or any(called) or any(one.calls for one in self.answers))

    @property
    def has_thoughts(self) -> bool:
        return any(answer.thought for answer in self.answers)

    @property
    def pictures(self) -> tuple[ImageUrl, ...]:
        """In the order in which their numbers stand in the turns."""
        return tuple(picture for turn in self.prompt.messages for picture in turn.pictures)

    def written(self) -> list[str]:
        """All that a row or a model wrote: no code of a tag may stand in it.

        Words come first, in the order in which they always stood, so that prompts of words alone
        keep their code.
        """
        turns = self.prompt.messages
        words = [turn.text for turn in turns]
        words += [self.prompt.reference or "", *(answer.text for answer in self.answers)]
        calls = [call for turn in turns for call in turn.tool_calls]
        calls += [call for answer in self.answers for call in answer.calls]
        thoughts = [answer.thought for answer in self.answers if answer.thought]
        tools = [*_tools(self.prompt.tools)] if self.prompt.tools else []
        names = [turn.name for turn in turns if turn.name]
        return [*words, *tools, *map(call_text, calls), *thoughts, *names]

    def turns(self, code: str) -> list[tuple[str, str]]:
        """What each part of the conversation is, and its text; tools come first."""
        tools = [("tools", "\n".join(_tools(self.prompt.tools)))] if self.prompt.tools else []
        return [*tools, *_Turns(code).read(self.prompt.messages)]

    def shown_answers(self, code: str) -> list[str]:
        return answer_texts(self.answers, code)


def answer_texts(answers: Sequence[ShownAnswer], code: str) -> list[str]:
    """As they stand between the tags of this code."""
    return [_answer(answer, code) for answer in answers]


def with_pictures(text: str, pictures: Sequence[ImageUrl]) -> str | tuple[Part, ...]:
    """The text alone, or followed by its pictures, each after its number."""
    if not pictures:
        return text
    parts: list[Part] = [TextPart(text=text)]
    for number, picture in enumerate(pictures, start=1):
        parts += [TextPart(text=f"Picture {number}:"), ImagePart(image_url=picture)]
    return tuple(parts)


def pictures_between(before: str, pictures: Sequence[ImageUrl], after: str) -> tuple[Part, ...]:
    """The same, with text after the pictures: no ``after`` changes what stands before it."""
    return (*with_pictures(before, pictures), TextPart(text=after.lstrip("\n")))


class _Turns:
    """Numbers pictures and calls through the whole conversation."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._pictures = 0
        self._calls: dict[str, int] = {}
        self._number = 0

    def read(self, messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
        for message in messages:
            parts = [*self._spoken_by(message), *self._said(message), *self._called(message)]
            yield self._kind(message), "\n".join(parts)

    def _kind(self, message: Message) -> str:
        if message.role != "tool":
            return message.role
        number = self._calls.get(message.tool_call_id or "")
        return f"result-of-call-{number}" if number else "result"

    def _spoken_by(self, message: Message) -> Iterator[str]:
        """Of a tool the call tells it."""
        if message.name and message.role != "tool":
            yield _between("speaker", self._code, message.name)

    def _said(self, message: Message) -> Iterator[str]:
        if not isinstance(message.content, tuple):
            if message.content or not message.tool_calls:
                yield message.content or ""
            return
        for part in message.content:
            if isinstance(part, TextPart):
                yield part.text
            else:
                self._pictures += 1
                yield f"<picture-{self._pictures}-{self._code}>"

    def _called(self, message: Message) -> Iterator[str]:
        for call in message.tool_calls:
            self._number += 1
            self._calls[call.id] = self._number
            yield _between(f"call-{self._number}", self._code, call_text(call))


def _answer(answer: ShownAnswer, code: str) -> str:
    thought = [_between("thought", code, answer.thought)] if answer.thought else []
    said = [answer.text] if answer.text or not answer.calls else []
    calls = [_between("call", code, call_text(call)) for call in answer.calls]
    return "\n".join([*thought, *said, *calls])


def _between(kind: str, code: str, text: str) -> str:
    return f"<{kind}-{code}>\n{text}\n</{kind}-{code}>"


def _tools(written: str) -> Iterator[str]:
    """One line for each tool; text that is not a list of tools stays as it is."""
    try:
        tools = json.loads(written)
    except (ValueError, RecursionError):
        yield written
        return
    for tool in tools if isinstance(tools, list) else [tools]:
        function = tool.get("function", tool) if isinstance(tool, dict) else tool
        yield json.dumps(function, ensure_ascii=False)
