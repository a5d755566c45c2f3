"""Paid replies on disk: stored once, before they are used, and never trusted blindly.

A reply is written as the text of a row and checked whenever it is read. diskcache keeps the rows;
three of its defaults are turned off: values would be pickled (a planted row could run code), old
replies would be evicted at 1 GiB, and other users could read the files.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Annotated, Any

import diskcache
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from judgeforge.calls.call import Call, key_of
from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import force_name, make_folder
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


class _Rest(BaseModel):
    """What stands in an entry behind the request."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    reply: str
    cost_usd: Annotated[float, Field(ge=0)] | None
    tokens: list[_Count] = Field(min_length=2, max_length=2)
    latency_s: float = Field(ge=0)
    checksum: int


def _stored_at_once(text: object, call: Call) -> StoredReply | None:
    """The reply in the text of an entry, in a fifth of the time that ``read_entry`` takes: of the
    request, most of the text, nothing is read if it is the one that is asked. None where that has
    to look: at half a character, an earlier version, damage."""
    begin = f'{{"version": {ENTRY_VERSION}, "request": {encode_basestring_ascii(call.request)}, '
    if not isinstance(text, str) or not text.startswith(begin):
        return None
    try:
        rest = _Rest.model_validate_json("{" + text[len(begin) :])
    except (ValidationError, UnicodeEncodeError):
        return None
    of_input, of_output = rest.tokens
    stored = StoredReply(rest.reply, rest.cost_usd, of_input, of_output, rest.latency_s)
    is_whole = rest.checksum == _checksum(call.key, stored, ENTRY_VERSION)
    return stored if is_whole else None


def _checksum(key: str, stored: StoredReply, version: int) -> int:
    covered = zlib.crc32(stored.reply.encode("utf-8", "surrogatepass"), zlib.crc32(key.encode()))
    if version == 1:
        return covered
    cost = None if stored.cost_usd is None else float(stored.cost_usd)
    numbers = f"{cost!r} {stored.input_tokens} {stored.output_tokens}"
    return zlib.crc32(numbers.encode(), covered)


DATABASE: str = diskcache.core.DBNAME
_ALONE_S, _TOGETHER_S = 0.001, 0.004
"""How long a reply waits for others to share its transaction, after one that was alone and after
one that was shared. Few calls in flight are not held up; of many, each costs an eighth less
processor time at the longer wait, since what follows a transaction is done together as well."""
_NORMAL, _FULL = 1, 2
"""SQLite's synchronous: with a write-ahead log the first forces nothing onto the disk when a
transaction ends, the second all of it (https://www.sqlite.org/pragma.html#pragma_synchronous). The
database keeps the last one that was set, so it is always said."""
_TEXT_MODE = diskcache.core.MODE_RAW
_OF_A_TEAM = stat.S_ISGID | stat.S_IRWXG
"""A folder of mode 2770 or 2775: whatever is made in it is for its group."""
_FAILURES = (OSError, sqlite3.Error, diskcache.Timeout)


class RefusedRowError(Exception):
    """A row of the cache was not written by judgeforge."""


class JsonTextDisk(diskcache.Disk):  # type: ignore[misc]
    """Stores and fetches plain text only, always inside the database file."""

    def put(self, key: object) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise TypeError("cache keys are text")
        return key, True

    def get(self, key: object, raw: object) -> str:
        if not raw or not isinstance(key, str):
            raise RefusedRowError("its key is not text")
        return key

    def store(self, value: object, read: bool, key: object = None) -> tuple[int, int, None, str]:  # noqa: ARG002
        if read or not isinstance(value, str):
            raise TypeError("cache values are text")
        return 0, _TEXT_MODE, None, value

    def fetch(self, mode: object, filename: object, value: object, read: object) -> str:
        if mode != _TEXT_MODE or filename is not None or read or not isinstance(value, str):
            raise RefusedRowError(f"it has storage mode {mode}, judgeforge writes text only")
        return value


class ReplyCache:
    """Replies by call key.

    ``on_damage`` is told of every row that is corrupt or foreign; such a row counts as absent.
    ``forced_after``: where given, each transaction is on the disk before ``put`` returns, and this
    is done before it; both in a thread, so that calls in flight do not wait for the disk. Raises
    StoreError when the disk or the database fails.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_damage: Callable[[str, str], None],
        forced_after: Callable[[], None] | None = None,
    ) -> None:
        self._forced_after = forced_after
        self._thread = None if forced_after is None else ThreadPoolExecutor(1, "reply-cache")
        self._on_damage = on_damage
        self._pending: list[tuple[str, str]] = []
        self._written: asyncio.Future[None]
        """Of what is pending: all of it is stored, or nothing."""
        self._wait_s = _ALONE_S
        try:
            _make_private(folder)
            self._rows = diskcache.Cache(
                str(folder),
                disk=JsonTextDisk,
                eviction_policy="none",
                size_limit=2**62,
                cull_limit=0,
                statistics=0,
                sqlite_mmap_size=0,
                sqlite_cache_size=1000,
                sqlite_synchronous=_NORMAL if forced_after is None else _FULL,
            )
        except (*_FAILURES, RefusedRowError, StoreError) as error:
            raise StoreError(
                f"{folder}: the reply cache cannot be opened ({error}). Free or repair the folder, "
                "or set `cache.dir` to another one."
            ) from error

    def get(self, call: Call) -> StoredReply | None:
        try:
            text = self._rows.get(call.key)
        except RefusedRowError as error:
            self.report_damage(call, str(error))
            return None
        except _FAILURES as error:
            raise StoreError(
                f"{self._rows.directory}: the reply cache failed: {_why(error)}"
            ) from error
        if text is None:
            return None
        try:
            known = _stored_at_once(text, call)
            return known or read_entry(text, key=call.key, request=call.request).stored
        except NewerEntryError as error:
            # Counting it as absent would pay for it again, and overwrite what a newer one wrote.
            raise StoreError(
                f"the reply cache has a row of a newer judgeforge ({error}). Upgrade judgeforge, "
                "or set `cache.dir` to another folder."
            ) from error
        except DamagedEntryError as error:
            self.report_damage(call, str(error))
            return None

    def report_damage(self, call: Call, why: str) -> None:
        """The row counts as absent from now on: what is stored next takes its place."""
        self._on_damage(call.key, why)

    async def put(self, call: Call, stored: StoredReply) -> None:
        """Return once the reply is in the database (a kill of the process cannot lose it)."""
        if not self._pending:
            loop = asyncio.get_running_loop()
            self._written = loop.create_future()
            loop.call_later(self._wait_s, self._write_pending)
        self._pending.append((call.key, write_entry(stored, key=call.key, request=call.request)))
        await asyncio.shield(self._written)

    def put_all(self, replies: Iterable[tuple[Call, StoredReply]]) -> None:
        """All of them in one transaction: in the database, or StoreError and none."""
        self._write(
            [
                (call.key, write_entry(stored, key=call.key, request=call.request))
                for call, stored in replies
            ]
        )

    def _write_pending(self) -> None:
        rows, self._pending = self._pending, []
        self._wait_s = _TOGETHER_S if len(rows) > 1 else _ALONE_S
        written = self._written
        if self._thread is not None:
            work = self._thread.submit(self._write, rows)
            work.add_done_callback(partial(_tell_from_thread, written))
            return
        try:
            self._write(rows)
        except StoreError as error:
            written.set_exception(error)
        else:
            written.set_result(None)

    def _write(self, rows: Sequence[tuple[str, str]]) -> None:
        if self._forced_after is not None:
            self._forced_after()
        try:
            with self._rows.transact():
                for key, text in rows:
                    self._rows.set(key, text)
        except _FAILURES as error:
            raise StoreError(
                f"{self._rows.directory}: a paid reply could not be stored: {_why(error)}. "
                "Free disk space and start the same command again."
            ) from error

    def close(self) -> None:
        if self._pending:
            self._write_pending()
        if self._thread is not None:
            self._thread.submit(self._rows.close)  # a thread has a connection of its own
            self._thread.shutdown()
        self._rows.close()


def _tell_from_thread(written: asyncio.Future[None], work: Future[None]) -> None:
    def tell() -> None:
        if written.done():
            return
        error = work.exception()
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)

    loop = written.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)


def write_ahead_log(folder: Path) -> Path:
    """Where the newest replies of that cache are, until they are moved into the database."""
    return folder / f"{DATABASE}-wal"


def _make_private(folder: Path) -> None:
    """Only what judgeforge makes gets a mode: a folder that is there may be a project's, or that of
    a team, which then shares the replies.
    """
    database = folder / DATABASE
    is_new = not folder.exists()
    make_folder(folder)
    if is_new:
        folder.chmod(0o700)
    if not database.exists():
        # SQLite makes its files for everyone to read; the others follow the first one's mode.
        is_shared = folder.stat().st_mode & _OF_A_TEAM == _OF_A_TEAM
        database.touch(mode=0o600)
        force_name(database)
        database.chmod(0o660 if is_shared else 0o600)
    elif database.stat().st_mode & stat.S_IRWXO:
        database.chmod(database.stat().st_mode & 0o770)


def _why(error: Exception) -> str:
    if isinstance(error, diskcache.Timeout):
        return "the disk failed, or another process has kept the cache locked for a minute"
    return str(error)
