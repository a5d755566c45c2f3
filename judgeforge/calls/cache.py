"""Paid replies on disk: stored once, before they are used, and never trusted blindly.

A reply is written as the text of a row and checked whenever it is read. diskcache keeps the rows;
three of its defaults are turned off: values would be pickled (a planted row could run code), old
replies would be evicted at 1 GiB, and other users could read the files.
"""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import diskcache

from judgeforge.calls.cache_entry import StoredReply, read_stored, write_entry
from judgeforge.calls.call import Call
from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import force_name, make_folder

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
        return read_stored(call, self.entry(call.key), self._on_damage)

    def entry(self, key: str) -> str | None:
        """As it is kept; nothing is checked."""
        found = None
        try:
            found = self._rows.get(key)
        except RefusedRowError as error:
            self._on_damage(key, str(error))
        except _FAILURES as error:
            raise StoreError(
                f"{self._rows.directory}: the reply cache failed: {_why(error)}"
            ) from error
        return found

    def report_damage(self, call: Call, why: str) -> None:
        """The row counts as absent from now on: what is stored next takes its place."""
        self._on_damage(call.key, why)

    async def put(self, call: Call, stored: StoredReply) -> None:
        """Return once the reply is in the database (a kill of the process cannot lose it)."""
        await self.put_entries([_row(call, stored)])

    async def put_entries(self, entries: Sequence[tuple[str, str]]) -> None:
        """The same of entries that are written already, by key."""
        if not self._pending:
            loop = asyncio.get_running_loop()
            self._written = loop.create_future()
            loop.call_later(self._wait_s, self._write_pending)
        self._pending += entries
        await asyncio.shield(self._written)

    def put_all(self, replies: Iterable[tuple[Call, StoredReply]]) -> None:
        """All of them in one transaction: in the database, or StoreError and none."""
        self._write([_row(call, stored) for call, stored in replies])

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


def _row(call: Call, stored: StoredReply) -> tuple[str, str]:
    return call.key, write_entry(stored, key=call.key, request=call.request)


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
