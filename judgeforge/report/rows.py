"""The rows of a run folder, prompt by prompt; of all prompts only one is in memory.

The files are in the order of the input and the rows of a prompt stand together. Where somebody
changed that, rows that find no partner come alone, so that each is still counted once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError

Row = dict[str, Any]

COMPLETIONS, JUDGMENTS, PAIRS, LOG = (
    f"{name}.jsonl" for name in ("completions", "judgments", "pairs", "log")
)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one prompt in one file, and the byte at which they begin."""

    prompt_id: str
    offset: int = 0
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PromptRows:
    prompt_id: str
    completions: Group
    judgments: Group
    pairs: Group


def prompts_of(folder: Path) -> Iterator[PromptRows]:
    """Raises StoreError where a file cannot be read or a line is none that a run writes."""
    judgments, pairs = (_Follower(_groups(folder / name)) for name in (JUDGMENTS, PAIRS))
    for group in _groups(folder / COMPLETIONS):
        name = group.prompt_id
        yield PromptRows(name, group, judgments.take(name), pairs.take(name))
    for rest in judgments.rest():
        name = rest.prompt_id
        yield PromptRows(name, Group(name), rest, pairs.take(name))
    for rest in pairs.rest():
        name = rest.prompt_id
        yield PromptRows(name, Group(name), Group(name), rest)


def group_at(file: Path, offset: int) -> Group:
    """The rows of the prompt whose first line begins at byte ``offset``."""
    return next(_groups(file, offset), Group(""))


def logged(folder: Path) -> Iterator[Row]:
    """The lines of the log; one that a kill cut or that others wrote is passed over, and so is a
    log that is gone."""
    try:
        with (folder / LOG).open("rb") as lines:
            for line in lines:
                row = _object_or_none(line)
                if row is not None:
                    yield row
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{folder / LOG}: cannot be read: {error}") from error


def _parsed(line: bytes) -> object:
    """Decoded here, which spares a look at each line for its encoding."""
    return json.loads(line.decode("utf-8", "surrogatepass"))


def _object_or_none(line: bytes) -> Row | None:
    try:
        row = _parsed(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


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
    for start, row in _rows(file, offset):
        name = str(row["prompt_id"])
        if group is not None and name == group.prompt_id:
            group.rows.append(row)
            continue
        if group is not None:
            yield group
        group = Group(name, start, [row])
    if group is not None:
        yield group


def _rows(file: Path, offset: int) -> Iterator[tuple[int, Row]]:
    number = 0
    try:
        with file.open("rb") as lines:
            lines.seek(offset)
            for line in lines:
                number += 1
                row = _parsed(line)
                if not isinstance(row, dict) or "prompt_id" not in row:
                    raise ValueError("no row of a prompt")
                yield offset, row
                offset += len(line)
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error}") from error
    except ValueError as error:
        raise StoreError(
            f"{file}:{number}: damaged ({error}). If it was changed by hand, delete it and start "
            "`judgeforge run` on the folder again: it is written anew from the journal."
        ) from error
