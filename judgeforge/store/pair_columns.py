"""Which columns the pairs of a folder have beyond those that all pairs have.

Tables have a column for all rows or for none. So what any pair has, all lines have, as null where
there is nothing, and what no pair has stands nowhere. Messages stay as they are; whether any of
them has parts, calls or thoughts decides the type of their column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Row = dict[str, Any]
Kind = Literal["string", "int64", "float64", "bool", "json"] | list[str]
"""Of a value of the metadata: a scalar, a list of one type of scalars, or (json) anything else."""

SIDES = ("prompt", "chosen", "rejected")
THOUGHT = "reasoning_content"
MESSAGE_KEYS = ("tool_calls", "tool_call_id", "name", THOUGHT)
"""Of a message, where there are any."""

# Within a text quotes stand after backslashes, so these bytes are keys. A plain line has one
# `name`, that of its rubric.
_MARK = re.compile(
    b'"(?:tools|metadata|own_criteria|audit|type|tool_calls|tool_call_id|%b)":' % THOUGHT.encode()
)
_NAME = b'"name":'


@dataclass(slots=True)
class PairColumns:
    """Fed with all pairs; then ``complete`` and ``written`` make rows alike."""

    tools: bool = False
    pictures: bool = False
    """Whether any message shows one."""
    parts: bool = False
    """Whether the content of any message is a list of parts."""
    message_keys: set[str] = field(default_factory=set)
    """Those of ``MESSAGE_KEYS`` that any message has."""
    own_criteria: bool = False
    metadata: dict[str, Kind | None] = field(default_factory=dict)
    """Key -> kind of its values; None while all are null."""
    audit: bool = False
    """Whether they are pairs by design."""

    @property
    def is_plain(self) -> bool:
        return not (self.completes or self.parts or self.message_keys or self.audit)

    @property
    def completes(self) -> bool:
        """Whether lines lack something that others have."""
        return self.tools or self.own_criteria or bool(self.metadata)

    @property
    def optional(self) -> tuple[str, ...]:
        """The columns of a pair that are there beside those that all pairs have."""
        there = {
            "tools": self.tools,
            "metadata": bool(self.metadata),
            "own_criteria": self.own_criteria,
        }
        return tuple(name for name, is_there in there.items() if is_there)

    def add_line(self, line: bytes) -> None:
        if _MARK.search(line) or line.count(_NAME) > 1:
            self.add(json.loads(line))

    def add(self, row: Mapping[str, Any]) -> None:
        self.add_prompt(row, [row[side] for side in SIDES if row.get(side)])

    def add_prompt(
        self, row: Mapping[str, Any], conversations: Iterable[Sequence[Mapping[str, Any]]]
    ) -> None:
        """The same of any row that has ``tools`` and ``metadata``, and of its conversations."""
        self.tools = self.tools or row.get("tools") is not None
        self.audit = self.audit or bool(row.get("audit"))
        self.own_criteria = self.own_criteria or row.get("own_criteria") is not None
        for key, value in (row.get("metadata") or {}).items():
            self.metadata[key] = _together(self.metadata.get(key), value)
        for conversation in conversations:
            for message in conversation:
                self._add_message(message)

    def _add_message(self, message: Mapping[str, Any]) -> None:
        if len(message) > 2:
            self.message_keys.update(key for key in MESSAGE_KEYS if message.get(key))
        content = message.get("content")
        if isinstance(content, list | tuple):
            self.parts = True
            self.pictures = self.pictures or any(part["type"] == "image_url" for part in content)

    def written(self, line: bytes) -> bytes:
        """A line of pairs.jsonl with all columns; the same bytes where none is optional."""
        if not self.completes:
            return line
        row = self.complete(json.loads(line))
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def complete(self, row: Mapping[str, Any]) -> Row:
        """A row, as pairs or prompts have them, with all columns of its table."""
        completed = dict(row)
        if self.tools:
            completed["tools"] = row.get("tools")
        if self.metadata:
            given = row.get("metadata") or {}
            completed["metadata"] = {key: given.get(key) for key in self.metadata}
        if self.own_criteria:
            completed["own_criteria"] = row.get("own_criteria")
        return completed


def columns_of(lines: Iterable[bytes]) -> PairColumns:
    columns = PairColumns()
    for line in lines:
        columns.add_line(line)
    return columns


def _together(known: Kind | None, value: object) -> Kind | None:
    """The kind of a column that has values of ``known`` kind and this one."""
    found = _kind(value)
    if known is None or found is None or known == found:
        return found if known is None else known
    numbers = {"int64", "float64"}
    if {str(known), str(found)} <= numbers:
        return "float64"
    if known == [] or found == []:
        other = found if known == [] else known
        return other if isinstance(other, list) else "json"
    return "json"


def _kind(value: object) -> Kind | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -(2**63) <= value < 2**63 else "json"
    if isinstance(value, float | str):
        return "float64" if isinstance(value, float) else "string"
    if isinstance(value, list | tuple):
        return _kind_of_list(value)
    return "json"


def _kind_of_list(values: Sequence[object]) -> Kind:
    kinds = list(_distinct(_kind(value) for value in values))
    if not kinds:
        return []
    only = kinds[0]
    return [only] if len(kinds) == 1 and isinstance(only, str) and only != "json" else "json"


def _distinct(kinds: Iterable[Kind | None]) -> Iterator[Kind | None]:
    seen: list[Kind | None] = []
    for kind in kinds:
        if kind not in seen:
            seen.append(kind)
            yield kind
