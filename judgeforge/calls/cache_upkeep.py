"""Looking after the reply cache: what is in it, whether it is whole, and what may go."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgeforge.calls.cache import DATABASE
from judgeforge.calls.cache_entry import DamagedEntryError, NewerEntryError, read_entry
from judgeforge.config.file import load_config
from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.folder import RunFolder, why_no_run_folder

DAY_S = 86_400.0
_UNITS_S = {"h": 3600.0, "d": DAY_S, "w": 7 * DAY_S}
_CALL_KEY = re.compile(rb'"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class CacheStats:
    folder: str
    rows: int
    bytes: int
    """On disk."""
    cost_usd: float
    """What the rows cost when they were bought; unknown prices count as nothing."""
    models: dict[str, int]
    """Rows by the provider's name of the model."""
    oldest: float | None
    newest: float | None
    """Unix time."""


@dataclass(slots=True)
class CacheCheck:
    rows: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    """Key and what is wrong with the row."""
    newer: int = 0
    """Rows of a newer version, which this one does not judge."""


@dataclass(frozen=True, slots=True)
class Pruned:
    rows: int
    kept: int
    freed_bytes: int


def cache_folder(place: Path) -> Path:
    """``place`` itself where it is a cache, else the cache of that configuration."""
    return place if place.is_dir() else load_config(place).cache_dir


def parse_age(text: str) -> float:
    """Seconds of ``30d``, ``12h`` or ``2w``. Raises ConfigError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text)
    if match is None:
        raise ConfigError(f"`{text}` is not an age; write it as 12h, 30d or 2w")
    return float(match[1]) * _UNITS_S[match[2]]


def cache_stats(folder: Path) -> CacheStats:
    """Raises ConfigError where ``folder`` is not a cache."""
    models: Counter[str] = Counter()
    rows, cost, oldest, newest = 0, 0.0, None, None
    with _open(folder) as database:
        for key, stored_at, text in _rows(database):
            rows += 1
            oldest = min(oldest or stored_at, stored_at)
            newest = max(newest or stored_at, stored_at)
            with contextlib.suppress(NewerEntryError, ValueError, KeyError, TypeError):
                entry = read_entry(text, key=key)
                cost += entry.cost_usd or 0.0
                models[json.loads(entry.request)["body"]["model"]] += 1
    by_model = dict(models.most_common())
    return CacheStats(str(folder), rows, _size(folder), cost, by_model, oldest, newest)


def verify_cache(folder: Path, *, remove: bool = False) -> CacheCheck:
    """Read every row again. ``remove`` deletes the damaged ones: they would be bought anew.

    Raises ConfigError where ``folder`` is not a cache, StoreError where the database is broken.
    """
    check = CacheCheck()
    with _open(folder) as database:
        problem = database.execute("PRAGMA quick_check").fetchone()[0]
        if problem != "ok":
            raise StoreError(f"{folder}: the database itself is damaged: {problem}")
        for key, _, text in _rows(database):
            check.rows += 1
            try:
                read_entry(text, key=key)
            except NewerEntryError:
                check.newer += 1
            except DamagedEntryError as error:
                check.damaged.append((str(key), str(error)))
        if remove:
            _delete(database, [key for key, _ in check.damaged])
    return check


def prune_cache(
    folder: Path,
    *,
    older_than_s: float | None = None,
    unused_in: Iterable[Path] = (),
    dry_run: bool = False,
) -> Pruned:
    """Remove rows older than that, and rows that none of the run folders ``unused_in`` names.

    Of the latter, those of the last day stay: a run that is not done may have paid for them. Raises
    ConfigError where ``folder`` is not a cache or one of ``unused_in`` not a run folder.
    """
    folders, now = list(unused_in), time.time()
    used = _used_keys(folders)
    gone: list[str] = []
    with _open(folder) as database:
        before, rows = _size(folder), 0
        for key, stored_at, _ in _rows(database):
            rows += 1
            age = now - stored_at
            old = older_than_s is not None and age > older_than_s
            if old or (folders and age > DAY_S and key not in used):
                gone.append(key)
        if not dry_run:
            _delete(database, gone)
            database.execute("VACUUM")
    return Pruned(len(gone), rows - len(gone), max(0, before - _size(folder)))


def _used_keys(folders: Iterable[Path]) -> set[str]:
    used: set[str] = set()
    for path in folders:
        folder = RunFolder(path)
        if not folder.manifest_file.exists():
            raise ConfigError(why_no_run_folder(path))
        # The log names the paid calls of prompts that are not finished as well.
        for file in (*folder.line_files.values(), folder.log, folder.journal_file):
            if file.exists():
                with file.open("rb") as lines:
                    used.update(key.decode() for line in lines for key in _CALL_KEY.findall(line))
    return used


@contextlib.contextmanager
def _open(folder: Path) -> Iterator[sqlite3.Connection]:
    file = folder / DATABASE
    if not file.exists():
        raise ConfigError(f"{folder} is not a reply cache: it has no {DATABASE}")
    database = sqlite3.connect(file, timeout=60, isolation_level=None)
    try:
        yield database
    except sqlite3.Error as error:
        raise StoreError(f"{file}: the database failed: {error}") from error
    finally:
        database.close()


def _rows(database: sqlite3.Connection) -> Iterator[tuple[Any, float, Any]]:
    """Key, Unix time at which it was stored, text."""
    yield from database.execute("SELECT key, store_time, value FROM Cache ORDER BY rowid")


def _delete(database: sqlite3.Connection, keys: list[str]) -> None:
    database.execute("BEGIN IMMEDIATE")
    database.executemany("DELETE FROM Cache WHERE key = ?", [(key,) for key in keys])
    database.execute("COMMIT")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob(f"{DATABASE}*"))
