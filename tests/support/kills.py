"""SIGKILL at random moments, again and again, until a run is through: what was lost, what repeated.

    with WarmStarter() as starter:
        report = run_through_kills(config, out, server, starter, kills=200, chance=Random(5))

A process that has everything imported forks for each start, so that a start takes milliseconds and
the kills fall into the run instead of into Python's imports; one in five falls into the start.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from judgeforge.store.spending import RESERVED
from tests.local_server import LocalServer

RESULTS = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl", "pairs.parquet")
_STARTER = """
import json, os, sys
import aiohttp, datasets, diskcache, genai_prices, numpy, openai, pyarrow
import judgeforge.cli, judgeforge.runs.sequence, judgeforge.cli.show.progress
import judgeforge.results.export.arrow
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        output = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(output, stream)
        sys.argv = json.loads(line)
        try:
            judgeforge.cli.main()
        except SystemExit as ended:
            os._exit(ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class WarmStarter:
    def __enter__(self) -> WarmStarter:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _STARTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def start(self, config: Path, out: Path) -> int:
        """Begin `judgeforge run`; its process id. ``wait`` must follow."""
        assert self._process.stdin is not None
        arguments = ["judgeforge", "run", str(config), "--out", str(out), "--quiet"]
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def wait(self) -> int:
        """The exit code; that of a killed process is negative."""
        return os.waitstatus_to_exitcode(int(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True)
class KillReport:
    kills: int
    """Starts that were killed before they ended."""
    in_flight: int
    """Calls that were reserved and not settled at a kill, over all kills."""
    sent: int
    repeated: int
    """Requests that were sent more than once."""
    exit_code: int
    """Of the start that came through."""


def run_through_kills(
    config: Path,
    out: Path,
    server: LocalServer,
    starter: WarmStarter,
    *,
    kills: int,
    chance: random.Random,
) -> KillReport:
    """Start and kill ``kills`` times at random moments, then let one start come through.

    Each request of the run must have a body of its own (a seed for each sample), which is how
    repeated ones are known.
    """
    killed = in_flight = lost_before = 0
    spending = out / "state" / "spending.jsonl"
    for _ in range(kills):
        child = starter.start(config, out)
        _wait_for_a_moment(server, chance)
        os.kill(child, signal.SIGKILL)
        if starter.wait() >= 0:
            continue  # it was through already
        killed += 1
        lost = calls_lost(spending)
        in_flight, lost_before = in_flight + lost - lost_before, lost
    starter.start(config, out)
    exit_code = starter.wait()
    bodies = [request.raw for request in server.requests]
    return KillReport(killed, in_flight, len(bodies), len(bodies) - len(set(bodies)), exit_code)


def calls_lost(spending: Path) -> int:
    """Calls that were reserved and neither settled nor released when the process ended."""
    rows = spending.read_bytes().split(b"\n")[:-1] if spending.exists() else []
    return sum(1 if json.loads(row)[0] == RESERVED else -1 for row in rows)


def _wait_for_a_moment(server: LocalServer, chance: random.Random) -> None:
    if chance.random() < 0.2:
        time.sleep(chance.random() * 0.2)
        return
    goal = len(server.requests) + chance.randrange(1, 40)
    end = time.monotonic() + 2.0
    while len(server.requests) < goal and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(chance.random() * 0.02)


def result_bytes(out: Path) -> dict[str, bytes]:
    """The final files; costs and times are in none of them but where a reply was lost."""
    return {name: (out / name).read_bytes() for name in RESULTS}
