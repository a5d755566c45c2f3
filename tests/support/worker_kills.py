"""SIGKILL of workers and of their coordinator, again and again, until a run is through."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from judgeforge.store.folder import RunFolder
from judgeforge.store.spending import SETTLED
from tests.local_server import LocalServer
from tests.support.kills import calls_lost
from tests.support.run_process import start

COORDINATOR, WORKER = "coordinator", "worker"
_LONGEST_S = 120.0


@dataclass(slots=True)
class WorkerKills:
    """What was killed, and what came of it."""

    killed: list[str] = field(default_factory=list)
    in_flight: int = 0
    """Calls that count as paid at the most, since their replies died with whoever had sent them."""
    sent: int = 0
    repeated: int = 0
    """Requests that were sent more than once."""
    exit_code: int = -1
    """Of the start that came through."""


def run_through_worker_kills(
    config: Path,
    out: Path,
    server: LocalServer,
    *,
    workers: int,
    kills: int,
    chance: random.Random,
    targets: Sequence[str] = (WORKER, WORKER, COORDINATOR),
) -> WorkerKills:
    """Each request of the run must have a body of its own, which is how repeated ones are known."""
    found = WorkerKills()
    process = start(config, out, "--quiet", "--workers", str(workers))
    before = len(server.requests)
    while len(found.killed) < kills:
        goal = before + chance.randrange(20, 60)
        if not _wait_for_requests(server, goal, process):
            if process.poll() is not None:
                break
            continue
        before = len(server.requests)
        target = chance.choice(targets)
        pids = [process.pid] if target == COORDINATOR else children(process.pid)
        if not pids:
            continue
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)
        found.killed.append(target)
        if target == COORDINATOR:
            process.communicate()
            process = start(config, out, "--quiet", "--workers", str(workers))
    process.communicate(timeout=_LONGEST_S)
    if process.returncode not in {0, 5}:
        process = start(config, out, "--quiet", "--workers", str(workers))
        process.communicate(timeout=_LONGEST_S)
    bodies = [request.raw for request in server.requests]
    found.in_flight = paid_without_reply(RunFolder(out).spending_file)
    found.exit_code = process.returncode
    found.sent, found.repeated = len(bodies), len(bodies) - len(set(bodies))
    return found


def paid_without_reply(spending: Path) -> int:
    """Of calls to a server that always says what they used."""
    closed = [json.loads(line) for line in spending.read_bytes().splitlines()]
    settled = [row for row in closed if row[0] == SETTLED]
    return calls_lost(spending) + sum(row[3:] == [0, 0] for row in settled)


def children(pid: int) -> list[int]:
    """The processes that a process has started, as the kernel tells."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    with suppress(OSError):
        return [int(one) for one in file.read_text().split()]
    return []


def worker_pids(out: Path) -> list[int]:
    """Of all workers that have begun in a folder."""
    rows = (json.loads(line) for line in (out / "log.jsonl").read_text().split("\n")[:-1])
    return [row["pid"] for row in rows if row["event"] == "worker_began"]


def _wait_for_requests(server: LocalServer, goal: int, process: subprocess.Popen[str]) -> bool:
    end = time.monotonic() + _LONGEST_S
    while len(server.requests) < goal and process.poll() is None:
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return process.poll() is None


def is_alive(pid: int) -> bool:
    """A zombie is not: it only waits for whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
