"""One paid reply as the text of a row of the cache: written once, checked at every reading."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from judgeforge.text.wording import first_problem

ENTRY_VERSION = 2
"""Since 2 the checksum covers cost and tokens; entries of 1 stay usable."""

_Count = Annotated[int, Field(ge=0)]


class DamagedEntryError(ValueError):
    """The text is no entry, or not the one that was written; the message says why."""


class NewerEntryError(Exception):
    """A newer judgeforge wrote the entry; this one does not judge it."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"version {version}, this one knows {ENTRY_VERSION}")


@dataclass(frozen=True, slots=True)
class StoredReply:
    reply: str
    """The provider's own bytes, as text."""
    cost_usd: float | None
    input_tokens: int
    output_tokens: int
    latency_s: float


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    version: int = Field(ge=1)
    request: Any
    """The canonical request. It may hold half a character, which pydantic takes for no text."""
    reply: str
    cost_usd: Annotated[float, Field(ge=0)] | None
    tokens: list[_Count] = Field(min_length=2, max_length=2)
    """Of the input and of the output."""
    latency_s: float = Field(ge=0)
    checksum: int

    def is_whole(self, key: str) -> bool:
        return self.checksum == _checksum(key, self.stored, self.version)

    @property
    def stored(self) -> StoredReply:
        input_tokens, output_tokens = self.tokens
        return StoredReply(self.reply, self.cost_usd, input_tokens, output_tokens, self.latency_s)


def write_entry(stored: StoredReply, *, key: str, request: str) -> str:
    return json.dumps(
        {
            "version": ENTRY_VERSION,
            "request": request,
            "reply": stored.reply,
            "cost_usd": stored.cost_usd,
            "tokens": [stored.input_tokens, stored.output_tokens],
            "latency_s": round(stored.latency_s, 4),
            "checksum": _checksum(key, stored, ENTRY_VERSION),
        }
    )


def read_entry(text: str) -> Entry:
    """An entry in its shape; whether it is whole is asked of it. Raises DamagedEntryError, or
    NewerEntryError before anything else of the entry is looked at.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedEntryError(f"it cannot be read: {error}") from error
    version = value.get("version") if isinstance(value, dict) else None
    if type(version) is int and version > ENTRY_VERSION:
        raise NewerEntryError(version)
    try:
        return Entry.model_validate(value)
    except ValidationError as error:
        raise DamagedEntryError(f"it cannot be read: {first_problem(error)}") from error


def _checksum(key: str, stored: StoredReply, version: int) -> int:
    covered = zlib.crc32(stored.reply.encode("utf-8", "surrogatepass"), zlib.crc32(key.encode()))
    if version == 1:
        return covered
    cost = None if stored.cost_usd is None else float(stored.cost_usd)
    numbers = f"{cost!r} {stored.input_tokens} {stored.output_tokens}"
    return zlib.crc32(numbers.encode(), covered)
