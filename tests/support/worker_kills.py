"""SIGKILL of workers and of their coordinator, again and again, until a run is through."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from judgeforge.store.folder import RunFolder
from judgeforge.store.spending import SETTLED
from tests.local_server import LocalServer
from tests.support.kills import calls_lost
from tests.support.run_process import start

COORDINATOR, WORKER, NODE = "coordinator", "worker", "node"
_LONGEST_S = 120.0
_WAIT_S = 30.0
Kill = Callable[[str, subprocess.Popen[str]], bool]
"""Kills the target, of a run that is this process; False where there is none just now."""


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
    options: Sequence[str] = ("--workers", "2"),
    kills: int,
    chance: random.Random,
    targets: Sequence[str] = (WORKER, WORKER, COORDINATOR),
    kill: Kill | None = None,
    to_the_end: bool = True,
    has_workers: Callable[[], bool] = lambda: True,
    until: float = math.inf,
    tell: Callable[[WorkerKills], None] = lambda _: None,
    before_the_end: Callable[[], None] = lambda: None,
    longest_end_s: float = _LONGEST_S,
) -> WorkerKills:
    """Each request of the run must have a body of its own, which is how repeated ones are known.

    ``kill``: kills any target but the coordinator; by default a local worker. ``to_the_end``:
    whether the run then ends by itself; if not, it is killed as well. ``has_workers``: what most
    kills wait for; the others fall into the start. Nothing more is killed from ``until`` on, a
    moment of ``time.monotonic``; ``tell`` is shown each kill, and ``before_the_end`` is called when
    the run is left to itself, for ``longest_end_s`` at the most.
    """
    found = WorkerKills()
    kill = kill or _local_kill(chance)
    process = start(config, out, "--quiet", *options)
    while len(found.killed) < kills and time.monotonic() < until:
        if chance.random() < 0.8:
            _wait(has_workers, process)
        goal = len(server.requests) + chance.randrange(5, 60)
        if not _sends(server, goal, process):
            if process.poll() is not None:
                break
            continue
        target = chance.choice(targets)
        if target != COORDINATOR:
            if kill(target, process):
                found.killed.append(target)
                tell(found)
            continue
        process.kill()
        process.communicate()
        found.killed.append(target)
        tell(found)
        process = start(config, out, "--quiet", *options)
    before_the_end()
    if not to_the_end:
        process.kill()
    try:
        process.communicate(timeout=longest_end_s)
    except subprocess.TimeoutExpired:  # its exit code tells that it was killed for it
        process.kill()
        process.communicate()
    bodies = [request.raw for request in server.requests]
    found.in_flight = paid_without_reply(RunFolder(out).spending_file)
    found.exit_code = process.returncode
    found.sent, found.repeated = len(bodies), len(bodies) - len(set(bodies))
    return found


def _local_kill(chance: random.Random) -> Kill:
    def kill(_: str, process: subprocess.Popen[str]) -> bool:
        alive = [pid for pid in children(process.pid) if is_alive(pid)]
        if alive:
            os.kill(chance.choice(alive), signal.SIGKILL)
        return bool(alive)

    return kill


def paid_without_reply(spending: Path) -> int:
    """Of calls to a server that always says what they used."""
    closed = [json.loads(line) for line in spending.read_bytes().splitlines()]
    settled = [list(row[3:]) for row in closed if row[0] == SETTLED]
    return calls_lost(spending) + settled.count([0, 0])


def children(pid: int) -> list[int]:
    """The processes that a process has started, as the kernel tells."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    with suppress(OSError):
        return [int(one) for one in file.read_text().split()]
    return []


def worker_pids(out: Path) -> list[int]:
    """Of all workers that have begun in a folder."""
    log = out / "log.jsonl"
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    rows = (json.loads(line) for line in text.split("\n")[:-1])
    return [row["pid"] for row in rows if row["event"] == "worker_began"]


def _wait(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + _LONGEST_S
    while not holds() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)


def _sends(server: LocalServer, goal: int, process: subprocess.Popen[str]) -> bool:
    """Whether so many requests have come while the process lives."""
    end = time.monotonic() + _WAIT_S
    while len(server.requests) < goal and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    return process.poll() is None and len(server.requests) >= goal


def is_alive(pid: int) -> bool:
    """A zombie is not: it only waits for whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
