"""One reply as the cache keeps it: a text that says what it answers, and whether it is whole."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from judgeforge.calls.call import Call, key_of
from judgeforge.errors import StoreError
from judgeforge.text.wording import first_problem

ENTRY_VERSION = 2
"""Since 2 the checksum covers cost and tokens; entries of 1 stay usable."""

_Count = Annotated[int, Field(ge=0)]


class DamagedEntryError(ValueError):
    """The text is not an entry, or not the one that was written; the message says why."""


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
    """The canonical request. It may contain half a character, which is not text to pydantic."""
    reply: str
    cost_usd: Annotated[float, Field(ge=0)] | None
    tokens: list[_Count] = Field(min_length=2, max_length=2)
    """Of the input and of the output."""
    latency_s: float = Field(ge=0)
    checksum: int

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


def read_entry(text: object, *, key: str, request: str | None = None) -> Entry:
    """``request``: that of ``key``, where it is known; it need not be hashed again then.

    Raises DamagedEntryError where it is not the one that was written under ``key``, or
    NewerEntryError before anything else of the entry is looked at.
    """
    if not isinstance(text, str):
        raise DamagedEntryError("it is not text")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedEntryError(f"it cannot be read: {error}") from error
    version = value.get("version") if isinstance(value, dict) else None
    if type(version) is int and version > ENTRY_VERSION:
        raise NewerEntryError(version)
    try:
        entry = Entry.model_validate(value)
    except ValidationError as error:
        raise DamagedEntryError(f"it cannot be read: {first_problem(error)}") from error
    is_asked = request is not None and entry.request == request
    if not is_asked and (not isinstance(entry.request, str) or key_of(entry.request) != key):
        raise DamagedEntryError("it contains the reply to another request")
    if entry.checksum != _checksum(key, entry.stored, entry.version):
        raise DamagedEntryError("its checksum does not match")
    return entry


def _stored_at_once(text: str, call: Call) -> StoredReply | None:
    """The reply in the text of an entry, in a third of the time that ``read_entry`` takes. None
    where that has to look: at half a character, a newer version, damage."""
    try:
        entry = Entry.model_validate_json(text)
    except (ValidationError, UnicodeEncodeError):
        return None
    if entry.version > ENTRY_VERSION or entry.request != call.request:
        return None
    stored = entry.stored
    is_whole = entry.checksum == _checksum(call.key, stored, entry.version)
    return stored if is_whole else None


def _checksum(key: str, stored: StoredReply, version: int) -> int:
    covered = f"{key}{stored.reply}"
    if version > 1:
        cost = None if stored.cost_usd is None else float(stored.cost_usd)
        covered += f"{cost!r} {stored.input_tokens} {stored.output_tokens}"
    return zlib.crc32(covered.encode("utf-8", "surrogatepass"))


def read_stored(
    call: Call, text: str | None, on_damage: Callable[[str, str], None]
) -> StoredReply | None:
    """The reply in the entry of a call; None where there is none, or it is damaged."""
    if text is None:
        return None
    try:
        known = _stored_at_once(text, call)
        return known or read_entry(text, key=call.key, request=call.request).stored
    except NewerEntryError as error:
        # Counting it as absent would pay for it again, and overwrite what a newer one wrote.
        why = f"the reply cache has a row of a newer judgeforge ({error})"
        advice = "Upgrade judgeforge, or set `cache.dir` to another folder."
        raise StoreError(f"{why}. {advice}") from error
    except DamagedEntryError as error:
        on_damage(call.key, str(error))
        return None
