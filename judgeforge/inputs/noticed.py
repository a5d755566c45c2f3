"""What reading rows saw beside their words, and which fields it could not keep.

Nothing that a row gives is dropped in silence: what no pair can hold is counted here by its name,
for ``check`` and for the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from judgeforge.records import Prompt
from judgeforge.text.visible import quotable
from judgeforge.text.wording import counted, listed

_SHOWN = 8
_MOST_NAMES, _OTHERS = 1000, "other fields"


@dataclass(slots=True)
class Noticed:
    left_out: Counter[str] = field(default_factory=Counter)
    """Fields of messages, by how many messages have them."""
    numbered_calls: int = 0
    """Tool calls without an id."""
    empty_systems: int = 0
    """System messages that say nothing."""
    with_tools: int = 0
    """Rows, as all that follow."""
    with_calls: int = 0
    with_thoughts: int = 0
    with_earlier_thoughts: int = 0
    """In the turns of the prompt."""
    with_pictures: int = 0
    spared: int = 0
    """Rows that count since they are done, and would be skipped otherwise."""

    def leave_out(self, field: str) -> None:
        """A field of one message. Of more names than any person reads, only the number counts."""
        known = field in self.left_out or len(self.left_out) < _MOST_NAMES
        self.left_out[field if known else _OTHERS] += 1

    def add(self, prompt: Prompt) -> None:
        turns, ready = prompt.messages, prompt.completions
        self.with_tools += prompt.tools is not None
        calls = thoughts = earlier = pictures = False
        for turn in turns:
            calls = calls or bool(turn.tool_calls)
            earlier = earlier or turn.reasoning_content is not None
            pictures = pictures or isinstance(turn.content, tuple)
        for one in ready:
            calls, thoughts = calls or bool(one.tool_calls), thoughts or one.reasoning is not None
        self.with_calls += calls
        self.with_thoughts += thoughts or earlier
        self.with_earlier_thoughts += earlier
        self.with_pictures += pictures and has_pictures(prompt)

    def sights(self) -> list[str]:
        """What there is beside words: a sentence where there is any."""
        kinds = {
            "tools": self.with_tools,
            "tool calls": self.with_calls,
            "thoughts": self.with_thoughts,
            "pictures": self.with_pictures,
        }
        there = [f"{counted(rows, 'row')} with {kind}" for kind, rows in kinds.items() if rows]
        return [f"the input has {listed(there)}"] if there else []

    def losses(self) -> list[str]:
        """What was not kept, or not as it was: a sentence for each kind."""
        return list(self._losses())

    def _losses(self) -> Iterator[str]:
        if self.left_out:
            names = (
                f"`{quotable(name)}` ({counted(number, 'message')})"
                for name, number in self.left_out.most_common()
            )
            yield f"fields of messages that no pair has are left out: {listed(names, _SHOWN)}"
        if self.numbered_calls:
            calls = counted(self.numbered_calls, "tool call")
            yield f"{calls} without an id got one, call_1, call_2 and so on within a row"
        if self.empty_systems:
            yield f"{counted(self.empty_systems, 'empty system message')} left out"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a row needs beside the row."""

    folder: Path | None = None
    """Where the paths of pictures start; None where there are no files."""
    noticed: Noticed = field(default_factory=Noticed)


def has_pictures(prompt: Prompt) -> bool:
    return any(turn.pictures for turn in prompt.messages)
