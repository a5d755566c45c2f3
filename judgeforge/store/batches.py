"""The batches of a run folder: which were meant, which were created, which are done.

Every row is on the disk before the step that it announces: after a kill or a power cut the next
start knows of each batch that may have been bought. Beside the file are the requests of each batch
that is not done yet, as the cache needs them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.store.appended_rows import UnreadableRowError, read_appended_rows
from judgeforge.store.atomic_files import replacing
from judgeforge.store.durable_files import AppendedFile

PLANNED, CREATING, CREATED, SEEN, ENDED = "planned", "creating", "created", "seen", "ended"
_SECONDS_BELOW, _MINUTES_BELOW = 90.0, 7200.0
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One batch, as far as it has got."""

    nonce: str
    """Our own mark of it."""
    model: str
    """The name under ``models:``."""
    requests: int
    first_reservation: int
    """Request number i has reservation number ``first_reservation + i``."""
    day: str | None
    """On which the ledger holds its money; None without a ledger."""
    since: float
    """Unix time at which it was planned; once it is being created, of that."""
    creating: bool = False
    """Whether the call that creates it may have been made."""
    uploaded: str = ""
    """The provider's id of its file, where it has one."""
    id: str | None = None
    """The provider's; None while it is not known whether it was created."""
    answered: int = 0
    ended: bool = False


def read_batches(file: Path) -> dict[str, BatchEntry]:
    """By nonce, in order; empty without the file. A last line that was cut off is left out.

    Raises StoreError where it cannot be read: what was bought would not be known.
    """
    entries, _ = _read(file)
    return entries


def _read(file: Path) -> tuple[dict[str, BatchEntry], int]:
    """With the bytes that could be read."""
    entries: dict[str, BatchEntry] = {}
    try:
        return entries, read_appended_rows(file, partial(_add, entries))
    except UnreadableRowError as error:
        raise StoreError(
            f"{error.where}: this is not a line of a file of batches ({error.why}). Which batches "
            "were bought cannot be known, so nothing is sent; use a new run folder: replies that "
            "were collected come from the cache."
        ) from error


def _add(entries: dict[str, BatchEntry], row: Sequence[Any]) -> None:
    kind, nonce = row[0], str(row[1])
    if kind == PLANNED:
        _, _, model, requests, first, day, since = row
        entries[nonce] = BatchEntry(
            nonce, str(model), int(requests), int(first), day, since=float(since)
        )
        return
    entry = entries[nonce]
    if kind == CREATING:
        change: dict[str, Any] = {"creating": True, "uploaded": str(row[2]), "since": float(row[3])}
    elif kind == CREATED:
        change = {"id": str(row[2]), "since": float(row[3])}
    elif kind == SEEN:
        change = {"answered": int(row[2])}
    elif kind == ENDED:
        change = {"ended": True, "answered": int(row[2])}
    else:
        raise ValueError(f"unknown kind {kind!r}")
    entries[nonce] = replace(entry, **change)


@dataclass(frozen=True, slots=True)
class StoredRequest:
    key: str
    request: str
    """The canonical request, as the cache stores it with the reply."""


class BatchBook:
    """Written by one start at a time. All methods raise StoreError where the disk fails."""

    def __init__(self, file: Path) -> None:
        self.path = file
        self.entries = read_batches(file)
        self._file: AppendedFile | None = None

    @property
    def open_entries(self) -> list[BatchEntry]:
        return [entry for entry in self.entries.values() if not entry.ended]

    def requests_file(self, nonce: str) -> Path:
        return self.path.with_name(f"batch-{nonce}.requests")

    def input_file(self, nonce: str) -> Path:
        """What is handed to the provider."""
        return self.path.with_name(f"batch-{nonce}.jsonl")

    def results_file(self, nonce: str) -> Path:
        return self.path.with_name(f"batch-{nonce}.results")

    def keep_requests(self, nonce: str, requests: Iterable[StoredRequest]) -> None:
        """To be followed by ``planned``; they are there until the batch has ended."""
        with replacing(self.requests_file(nonce)) as file:
            for one in requests:
                file.write(f"{json.dumps([one.key, one.request])}\n".encode())

    def requests(self, nonce: str) -> Iterator[StoredRequest]:
        file = self.requests_file(nonce)
        try:
            with file.open("rb") as lines:
                for line in lines:
                    key, request = json.loads(line)
                    yield StoredRequest(key, request)
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"{file}: the requests of a batch cannot be read ({error}). Bring the file back "
                "from a copy, or use a new run folder."
            ) from error

    def planned(
        self, nonce: str, model: str, requests: int, first_reservation: int, day: str | None
    ) -> None:
        """The reservations follow it at once, so that none is kept for a batch nobody knows of."""
        row = [PLANNED, nonce, model, requests, first_reservation, day, time.time()]
        self._append(row, synced=False)

    def creating(self, nonce: str, uploaded: str) -> None:
        """Before the call that creates it."""
        self._append([CREATING, nonce, uploaded, time.time()], synced=True)

    def created(self, nonce: str, batch_id: str) -> None:
        """``since`` is from now on when we knew of it."""
        self._append([CREATED, nonce, batch_id, self.entries[nonce].since], synced=True)
        self.input_file(nonce).unlink(missing_ok=True)

    def seen(self, nonce: str, answered: int) -> None:
        if answered != self.entries[nonce].answered:
            self._append([SEEN, nonce, answered], synced=False)

    def ended(self, nonce: str, answered: int) -> None:
        """Nothing of it is left to be collected or settled."""
        self._append([ENDED, nonce, answered], synced=True)
        self.remove_files(nonce)

    def remove_files(self, nonce: str) -> None:
        for file in (self.requests_file, self.input_file, self.results_file):
            file(nonce).unlink(missing_ok=True)

    def remove_orphans(self) -> None:
        """Files of batches that are done, or that a kill kept from being planned."""
        known = {entry.nonce for entry in self.open_entries}
        state = self.path.parent
        for file in state.glob("batch-*"):
            if file.stem.removeprefix("batch-") not in known:
                file.unlink(missing_ok=True)
        for half_written in state.glob(".batch-*.part"):
            half_written.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, row: Sequence[object], *, synced: bool) -> None:
        if self._file is None:
            _, whole = _read(self.path)
            self._file = AppendedFile(self.path)
            if whole != self._file.end:
                self._file.cut(whole)
        self._file.append(f"{_ENCODER.encode(row)}\n".encode())
        if synced:
            self._file.sync()
        _add(self.entries, row)


@dataclass(frozen=True, slots=True)
class BatchCount:
    """The batches under way, of all models."""

    batches: int
    requests: int
    answered: int
    oldest_s: float

    def __str__(self) -> str:
        if self.oldest_s < _SECONDS_BELOW:
            age = f"{self.oldest_s:.0f} s"
        elif self.oldest_s < _MINUTES_BELOW:
            age = f"{self.oldest_s / 60:.0f} min"
        else:
            age = f"{self.oldest_s / 3600:.1f} h"
        noun = "batch" if self.batches == 1 else "batches"
        return (
            f"{self.batches} {noun}, {self.answered:,} of {self.requests:,} answered, oldest {age}"
        )


def counted_batches(entries: Iterable[BatchEntry]) -> BatchCount | None:
    """Of those that may be under way at a provider; None where there is none."""
    under_way = [entry for entry in entries if entry.creating and not entry.ended]
    if not under_way:
        return None
    return BatchCount(
        batches=len(under_way),
        requests=sum(entry.requests for entry in under_way),
        answered=sum(entry.answered for entry in under_way),
        oldest_s=max(0.0, time.time() - min(entry.since for entry in under_way)),
    )
