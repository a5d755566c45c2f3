"""The replies of one worker: read from the shared cache, stored by the coordinator.

The coordinator alone writes, whichever process or machine a reply came to: a reply is used once it
is stored there, so that none is lost with its worker, and none is bought again.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from urllib.parse import quote

from judgeforge.calls.cache import DATABASE
from judgeforge.calls.cache_entry import StoredReply, read_stored, write_entry
from judgeforge.calls.call import Call
from judgeforge.errors import JudgeforgeError, StoreError
from judgeforge.runs.cluster.messages import Keep, LookUp

_TEXT_MODE = 1
_ENTRY = "SELECT mode, filename, value FROM Cache WHERE key = ? AND raw = 1"
_BUSY_S = 60.0


class EntryFile:
    """Reads the entries of a cache that another process writes. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # As the bytes that the file system knows: a name need not be text of this locale.
        place = f"file:{quote(os.fsencode(folder / DATABASE))}?mode=ro"
        try:
            self._rows = sqlite3.connect(place, uri=True, timeout=_BUSY_S, isolation_level=None)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def entry(self, key: str) -> str | None:
        try:
            row = self._rows.execute(_ENTRY, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        if row is None:
            return None
        mode, filename, value = row
        whole = mode == _TEXT_MODE and filename is None and isinstance(value, str)
        return value if whole else ""

    def close(self) -> None:
        self._rows.close()

    def _failed(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"{self._folder}: the reply cache cannot be read ({error})")


class KeptElsewhere:
    """Implements ``KeepsReplies``. ``file``: None where the cache is on another machine, and what
    it has must be brought by ``look_up`` first."""

    def __init__(
        self,
        file: EntryFile | None,
        *,
        keep: Callable[[Keep], None],
        look_up: Callable[[LookUp], None],
        on_damage: Callable[[str, str], None],
    ) -> None:
        self._file, self._keep, self._look_up = file, keep, look_up
        self._on_damage = on_damage
        self._numbers = count()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._near: dict[str, str] = {}
        self._failure: JudgeforgeError | None = None

    @property
    def is_far(self) -> bool:
        return self._file is None

    def get(self, call: Call) -> StoredReply | None:
        text = self._near.pop(call.key, None) if self._file is None else self._file.entry(call.key)
        return read_stored(call, text, self._on_damage)

    def report_damage(self, call: Call, why: str) -> None:
        self._on_damage(call.key, why)

    async def put(self, call: Call, stored: StoredReply) -> None:
        text = write_entry(stored, key=call.key, request=call.request)
        number, answer = self._asked()
        self._keep(Keep([number], [(call.key, text)]))
        await asyncio.shield(answer)

    async def look_up(self, keys: Sequence[str]) -> None:
        """Bring what the coordinator has of these, so that ``get`` finds it once."""
        number, answer = self._asked()
        self._look_up(LookUp(number, keys))
        await asyncio.shield(answer)

    def kept(self, number: int, error: JudgeforgeError | None) -> None:
        answer = self._answers.pop(number, None)
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

    def found(self, number: int, entries: dict[str, str]) -> None:
        self._near |= entries
        self.kept(number, None)

    def fail(self, error: StoreError) -> None:
        """Nothing can be stored any more."""
        self._failure = error
        for number in list(self._answers):
            self.kept(number, error)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _asked(self) -> tuple[int, asyncio.Future[None]]:
        if self._failure is not None:
            raise self._failure
        number = next(self._numbers)
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        return number, answer
