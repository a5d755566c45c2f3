"""How a run folder stands, looked at from outside: running or not, since when, how far, how much,
and by the end of its log how its last calls ended. Changes nothing."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.results.changed_files import changed_since
from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.replicas import STARTS, ReplicaFigures
from judgeforge.results.how_made import part
from judgeforge.store.batches import BatchCount, counted_batches, read_batches
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.journal import Journal, Tally
from judgeforge.store.json_lines import read_log
from judgeforge.store.leases import unused_leases
from judgeforge.store.lock import Holder, is_held, read_holder
from judgeforge.store.spending import read_account, to_usd

KILLED = "killed"
SILENT_S = 30.0
"""This long without the end of a call is told."""
_LAST_BYTES = 1 << 18
_REPLICA_OR_RUN = b'"r'
"""What the keys and values `replica` and `run_started` begin with, and little else in a log."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    folder: str
    status: str
    """That of the manifest, or ``killed`` where it says running and no process is."""
    running: bool
    pid: int | None
    host: str | None
    """Of the run that goes on, or of the last one."""
    since: str | None
    """When it started (UTC, ISO 8601)."""
    prompts: int
    """Rows of the input."""
    done: int
    pairs: int
    skips: dict[str, int]
    calls: int
    """Paid ones over the folder's whole life, those in flight included, and not what workers hold
    for calls to come."""
    cost_usd: float | None
    """With calls in flight at the most they can cost; None where a price is unknown."""
    budget_usd: float | None
    eta_s: float | None
    message: str | None
    trouble: str | None
    """What holds up a run that goes on, or how the last call of a killed one failed; None while
    calls are answered."""
    reserved_usd: float = 0.0
    """The part of ``cost_usd`` that is reserved for calls without a reply so far."""
    batches: BatchCount | None = None
    """The batches under way, as far as a start has looked at them; None where there is none."""
    saved_usd: float | None = None
    """What batches have saved so far; None where nothing came in one, or a price is unknown."""
    replicas: list[dict[str, Any]] = field(default_factory=list)
    """Of models that several servers have: each server, with ``model`` and what the manifest will
    say of it."""
    changed: str | None = None
    """What was changed in its results since they were written; None where nothing was."""


def read_status(path: Path, *, now: datetime | None = None) -> RunStatus:
    """Raises ConfigError where ``path`` is not a run folder, StoreError where it cannot be read."""
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    if manifest is None:
        raise ConfigError(why_no_run_folder(path))
    running, holder = is_held(folder.lock_file), read_holder(folder.lock_file)
    open_ended = manifest.status == "running"
    totals, fresh = manifest.totals, _since(folder, holder) if open_ended else Tally()
    done = totals.prompts + fresh.prompts
    account = read_account(folder.spending_file)
    ahead = unused_leases(folder, account)
    spending = account.spending().without(ahead.calls, to_usd(ahead.pico))
    servers, saved_usd = _of_calls(folder.log)
    rows = manifest.input.rows if manifest.input else done
    return RunStatus(
        folder=str(path),
        status=KILLED if open_ended and not running else manifest.status,
        running=running,
        pid=holder.pid if holder else None,
        host=holder.host if holder else None,
        since=holder.since if holder else manifest.started_at,
        prompts=rows,
        done=done,
        pairs=totals.pairs + fresh.pairs,
        skips=dict(sorted((Counter(totals.skips) + fresh.skips).items())),
        calls=spending.calls,
        cost_usd=spending.cost_usd,
        budget_usd=part(manifest.config, "budget", "usd"),
        eta_s=_eta_s(rows - done, fresh.prompts, holder, now) if running else None,
        message=manifest.message,
        trouble=trouble_of(folder.log, now=now, running=running) if open_ended else None,
        reserved_usd=to_usd(account.reserved_pico - ahead.pico),
        batches=counted_batches(read_batches(folder.batches_file).values()),
        saved_usd=saved_usd,
        replicas=servers,
        changed=changed_since(path),
    )


def _of_calls(log: Path) -> tuple[list[dict[str, Any]], float | None]:
    """The servers of models that have several, and what batches have saved."""
    calls, servers_of = CallFigures(), ReplicaFigures()
    for row in read_log(log, containing=_REPLICA_OR_RUN):
        with suppress(KeyError, TypeError):  # a line that no run writes
            servers_of.add(row)
    for row in read_log(log, containing=b'"direct_cost_usd"'):
        calls.add(row)
    batches = calls.batch_totals()
    servers = [
        {"model": model} | one.model_dump(mode="json")
        for model, replicas in servers_of.totals().items()
        for one in replicas
    ]
    return servers, None if batches is None else batches.saved_usd


@dataclass(frozen=True, slots=True)
class _Failure:
    at: datetime
    model: str
    error: str


def trouble_of(log: Path, *, running: bool, now: datetime | None = None) -> str | None:
    """None while calls are answered, and where the log does not tell. Raises StoreError."""
    now = now or datetime.now(UTC)
    begun: datetime | None = None
    failure: _Failure | None = None
    failing: set[str] = set()
    for row in read_log(log, last_bytes=_LAST_BYTES):
        event, at = row.get("event"), _time(row)
        if at is None:
            continue
        if event in STARTS:
            begun, failure, failing = at, None, set()
        elif event == "call":
            begun = at
            error = row.get("error")
            failure = None if error is None else _Failure(at, str(row.get("model")), str(error))
        elif event == "circuit_opened":
            failing.add(str(row.get("model")))
        elif event == "circuit_closed":
            failing.discard(str(row.get("model")))
    if failure is not None:
        return _words(failure, failing, now)
    if running and begun is not None and (silent_s := (now - begun).total_seconds()) >= SILENT_S:
        return f"no paid call has ended for {silent_s:.0f} s"
    return None


def _since(folder: RunFolder, holder: Holder | None) -> Tally:
    """What the run that goes on (or was killed) has finished, by the journal."""
    tally = Tally()
    if not folder.journal_file.exists():
        return tally
    journal = Journal(folder.journal_file, read_only=True)
    try:
        for _, entry in journal.entries(holder.journal_bytes if holder else 0):
            if not entry.again:  # counted already
                tally.add(entry)
    finally:
        journal.close()
    return tally


def _eta_s(left: int, fresh: int, holder: Holder | None, now: datetime | None) -> float | None:
    if holder is None:
        return None
    return seconds_left(left, fresh, datetime.fromisoformat(holder.since), now or datetime.now(UTC))


def seconds_left(left: int, fresh: int, since: datetime, now: datetime) -> float | None:
    """At the speed of the prompts that this start has finished; None before the first one."""
    return left * (now - since).total_seconds() / fresh if fresh else None


def _words(failure: _Failure, failing: set[str], now: datetime) -> str:
    ago = f"{max(0.0, (now - failure.at).total_seconds()):.0f} s ago"
    circuit = "; its circuit is open" if failure.model in failing else ""
    return f"the last call of model `{failure.model}` failed {ago}{circuit}: {failure.error}"


def _time(row: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(row.get("time")))
    except ValueError:
        return None
