"""A run that another process makes, looked at again and again.

Nothing is written and no lock is kept. Each look reads what is new: rows of the spending file, of
the log and of the journal. Of a long log only the end is read at the first look.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judgeforge.results.figures.activity import Activity, ModelActivity, RecentError
from judgeforge.results.status import KILLED, RUNNING, SILENT_S, RunStatus, finished_since, standing
from judgeforge.store.batches import BatchCount, BatchEntry, counted_batches, read_batches
from judgeforge.store.folder import RunFolder
from judgeforge.store.followed_lines import FollowedLines
from judgeforge.store.journal import Tally
from judgeforge.store.lock import Holder, is_held, read_holder
from judgeforge.store.manifest import Manifest
from judgeforge.store.spending import FollowedAccount
from judgeforge.text.visible import one_line
from judgeforge.text.wording import counted, shortened

STARTING = "starting"
_LOG_BYTES = 8 << 20
"""Of the log, at the first look: some 30,000 calls."""
_LONGEST_ERROR = 300
_PROCESSES = Path("/proc")
_STOPPED = ("T", "t")


@dataclass(frozen=True, slots=True)
class RunLook:
    """How a run stands at one moment."""

    time: str
    """UTC, ISO 8601."""
    status: RunStatus
    calls_per_minute: float
    models: tuple[ModelActivity, ...]
    errors: tuple[RecentError, ...]
    waits_for: tuple[str, ...]
    """What holds it up, in words; empty while replies come."""
    counted_since: str | None
    """From when on ``models`` and ``errors`` count, where that is not the start of the run."""
    events: dict[str, int]
    """Other lines of the log, by event."""

    @property
    def is_over(self) -> bool:
        return not self.status.running

    def as_json(self) -> dict[str, Any]:
        """The fields of ``judgeforge status --json``, and those above."""
        fields = asdict(self)
        return {**fields.pop("status"), **fields}


class FollowedRun:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = folder = RunFolder(path)
        self._account = FollowedAccount(folder.spending_file)
        self._log = FollowedLines(folder.log, last_bytes=_LOG_BYTES)
        self._activity = Activity()
        self._manifest: tuple[object, Manifest | None] = (None, None)
        self._batches: tuple[object, tuple[BatchEntry, ...]] = (None, ())
        self._journal_start, self._last_entry = -1, -1
        self._tally = Tally()

    def look(self, now: datetime | None = None) -> RunLook | None:
        """None where no run has begun there yet. Raises StoreError where a file cannot be read."""
        now = now or datetime.now(UTC)
        is_running = is_held(self._folder.lock_file)  # first: a run writes its manifest, then ends
        manifest = self._read_manifest()
        if manifest is None and not is_running:
            return None
        self._read_log()
        holder = read_holder(self._folder.lock_file)
        status = self._status(manifest, holder, is_running=is_running, now=now)
        models = self._activity.models(now)
        is_at_work = status.running and status.status == RUNNING
        since = self._activity.since
        return RunLook(
            time=now.isoformat(timespec="seconds"),
            status=status,
            calls_per_minute=sum(one.per_minute for one in models) if is_at_work else 0.0,
            models=models,
            errors=self._activity.errors(),
            waits_for=tuple(self._waits_for(status, models, now)) if is_at_work else (),
            counted_since=None
            if self._activity.sees_start or since is None
            else datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds"),
            events=dict(self._activity.events.most_common()),
        )

    def _status(
        self, manifest: Manifest | None, holder: Holder | None, *, is_running: bool, now: datetime
    ) -> RunStatus:
        account = self._account.look()
        open_ended = manifest is not None and manifest.status == RUNNING
        fresh = self._read_journal(holder) if open_ended else Tally()
        status = _status_of(manifest, holder, is_running=is_running)
        at = now if is_running else None
        told = standing(self._folder, manifest, holder, account, fresh, status, at)
        return replace(told, batches=self._read_batches())

    def _read_manifest(self) -> Manifest | None:
        mark = _mark(self._folder.manifest_file)
        if mark is None or mark != self._manifest[0]:
            self._manifest = (mark, self._folder.read_manifest())
        return self._manifest[1]

    def _read_batches(self) -> BatchCount | None:
        """Counted anew each time, for their age grows."""
        mark = _mark(self._folder.batches_file)
        if mark is None:
            return None
        if mark != self._batches[0]:
            self._batches = mark, tuple(read_batches(self._folder.batches_file).values())
        return counted_batches(self._batches[1])

    def _read_log(self) -> None:
        for line in self._log.new_lines():
            with suppress(ValueError, RecursionError):
                row = json.loads(line.decode("utf-8", "surrogatepass"))
                if isinstance(row, dict):
                    self._activity.add(row)

    def _read_journal(self, holder: Holder | None) -> Tally:
        """What this start, or the one that was killed, has finished."""
        begin = holder.journal_bytes if holder else 0
        if begin != self._journal_start:
            self._journal_start, self._last_entry, self._tally = begin, -1, Tally()
        for entry in finished_since(self._folder, holder, at=self._last_entry):
            if entry.offset > self._last_entry and not entry.again:
                self._tally.add(entry)
            self._last_entry = max(self._last_entry, entry.offset)
        return self._tally

    def _waits_for(
        self, status: RunStatus, models: tuple[ModelActivity, ...], now: datetime
    ) -> list[str]:
        found = []
        if _is_stopped(status):
            found.append(f"process {status.pid} is paused (kill -CONT {status.pid} lets it go on)")
        if status.batches is not None:
            found.append(str(status.batches))
        for one in models:
            if one.out_of_order_s is not None:
                found.append(_out_of_order(one))
            elif one.refused_lately:
                found.append(
                    f"`{one_line(one.model)}` refused {counted(one.refused_lately, 'request')} in "
                    "the last minute (HTTP 429), and is asked more slowly"
                )
        silent_s = self._activity.silent_s(now)
        if silent_s is not None and silent_s >= SILENT_S:
            found.append(f"no paid call has ended for {silent_s:.0f} s")
        return found


def _status_of(manifest: Manifest | None, holder: Holder | None, *, is_running: bool) -> str:
    if manifest is None:
        return STARTING
    if manifest.status == RUNNING:
        return RUNNING if is_running else KILLED
    is_of_before = holder is None or holder.since > (manifest.updated_at or "")
    return STARTING if is_running and is_of_before else manifest.status


def _out_of_order(one: ModelActivity) -> str:
    where = f" at {', '.join(map(one_line, one.servers))}" if one.servers else ""
    why = f": {shortened(one_line(one.last_failure), _LONGEST_ERROR)}" if one.last_failure else ""
    return (
        f"`{one_line(one.model)}`{where} is out of order for {one.out_of_order_s:.0f} s and only "
        f"tried now and then{why}"
    )


def _mark(file: Path) -> tuple[int, int, int] | None:
    """Another one after each change; None where the file is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _is_stopped(status: RunStatus) -> bool:
    """Whether the process is on this machine and was paused by a signal."""
    if status.host != socket.gethostname() or status.pid is None:
        return False
    try:
        told = (_PROCESSES / str(status.pid) / "stat").read_text()
    except (OSError, ValueError):
        return False
    return told.rpartition(")")[2].lstrip()[:1] in _STOPPED
