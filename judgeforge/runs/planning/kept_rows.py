"""The first prompts of an input, as the reading before the first call has found them.

They are not read a second time when their turn comes, as long as the file is as it was then. Only
prompts of words are kept, and no more of them than take little memory.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from judgeforge.records import Prompt, ReadyCompletion
from judgeforge.text.messages import Message

MOST_PROMPTS = 1_000
MOST_CHARACTERS = 2**20


@dataclass(slots=True)
class KeptRows:
    source: Path | None
    """The file that is read; nothing is kept of an input that is no file."""
    behind: int = 0
    """Every prompt to do before this position is among those that are kept."""
    _characters: int = 0
    _prompts: deque[tuple[int, Prompt]] = field(default_factory=deque)
    _is_full: bool = False
    _state: tuple[int, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        self._state = None if self.source is None else _state(self.source)
        self._is_full = self._state is None

    def offer(self, position: int, prompt: Prompt) -> None:
        """The next prompt that is to do."""
        if self._is_full:
            return
        size = _characters(prompt)
        if size is None or self._characters + size > MOST_CHARACTERS:
            self._is_full = True
            return
        self._characters += size
        self._prompts.append((position, prompt))
        self.behind = position + 1
        self._is_full = len(self._prompts) == MOST_PROMPTS

    def take(self) -> Iterator[tuple[int, Prompt]]:
        """Those that are kept, in order, until the file is changed: what comes behind the last one
        that is given is to be read again."""
        while self._prompts and self.source is not None and _state(self.source) == self._state:
            yield self._prompts.popleft()
        if self._prompts:
            self.behind = self._prompts[0][0]
            self._prompts.clear()


def _state(source: Path) -> tuple[int, ...] | None:
    with suppress(OSError):
        found = os.stat(source)  # noqa: PTH116 (before each prompt: Path takes three times as long)
        return found.st_ino, found.st_size, found.st_mtime_ns
    return None


def _characters(prompt: Prompt) -> int | None:
    """None for one that is not of words alone: a picture is read from a file of its own."""
    if not (all(map(_is_plain, prompt.messages)) and all(map(_is_plain, prompt.completions))):
        return None
    size = sum(len(turn.content or "") for turn in prompt.messages)
    size += sum(len(one.text) + len(one.reasoning or "") for one in prompt.completions)
    size += sum(len(text or "") for text in (prompt.reference, prompt.tools, prompt.criteria))
    return size + (len(str(prompt.metadata)) if prompt.metadata else 0)


def _is_plain(turn: Message | ReadyCompletion) -> bool:
    return not turn.tool_calls and (isinstance(turn, ReadyCompletion) or type(turn.content) is str)
