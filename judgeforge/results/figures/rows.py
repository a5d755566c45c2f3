"""The rows of a run folder, prompt by prompt; of all prompts only one is in memory.

The files are in the order of the input and the rows of a prompt stand together. Where that
was changed, rows that find no partner come alone, so that each is still counted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import Row, read_placed_rows


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one prompt in one file, their lines, and the byte at which they begin."""

    prompt_id: str
    offset: int = 0
    rows: list[Row] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PromptRows:
    prompt_id: str
    completions: Group
    judgments: Group
    pairs: Group


def prompts_of(folder: RunFolder) -> Iterator[PromptRows]:
    """Raises StoreError where a file cannot be read or a line is not one that a run writes."""
    judgments, pairs = _Follower(_groups(folder.judgments)), _Follower(_groups(folder.pairs))
    for group in _groups(folder.completions):
        name = group.prompt_id
        yield PromptRows(name, group, judgments.take(name), pairs.take(name))
    for rest in judgments.rest():
        name = rest.prompt_id
        yield PromptRows(name, Group(name), rest, pairs.take(name))
    for rest in pairs.rest():
        yield PromptRows(rest.prompt_id, Group(rest.prompt_id), Group(rest.prompt_id), rest)


def group_at(file: Path, offset: int) -> Group:
    """The rows of the prompt whose first line begins at byte ``offset``."""
    return next(_groups(file, offset), Group(""))


class _Follower:
    """Gives the group of a prompt if it is the next one in the file."""

    def __init__(self, groups: Iterator[Group]) -> None:
        self._groups = groups
        self._next = next(groups, None)

    def take(self, prompt_id: str) -> Group:
        if self._next is None or self._next.prompt_id != prompt_id:
            return Group(prompt_id)
        taken, self._next = self._next, next(self._groups, None)
        return taken

    def rest(self) -> Iterator[Group]:
        while self._next is not None:
            yield self.take(self._next.prompt_id)


def _groups(file: Path, offset: int = 0) -> Iterator[Group]:
    group: Group | None = None
    for start, line, row in read_placed_rows(file, needs="prompt_id", offset=offset):
        name = str(row["prompt_id"])
        if group is None or name != group.prompt_id:
            if group is not None:
                yield group
            group = Group(name, start)
        group.rows.append(row)
        group.lines.append(line)
    if group is not None:
        yield group
