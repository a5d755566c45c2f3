"""SIGKILL at random moments while requests travel in batches and some directly: what was bought
twice, and whether it could have been known."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from judgeforge.store.batches import read_batches
from judgeforge.store.spending import RESERVED
from tests.local_server import LocalServer, RequestRecord
from tests.support.kills import WarmStarter

IN_A_BATCH, DIRECTLY = "in a batch", "directly"


@dataclass(frozen=True)
class BatchKillReport:
    kills: int
    """Starts that were killed before they ended."""
    directly_in_flight: int
    """Calls that were reserved outside batches and not settled at a kill, over all kills."""
    answered: int
    in_batches: int
    """Of ``answered``, as lines of batches."""
    repeated: int
    """Answered beyond what the run needs."""
    bought_again: tuple[str, ...]
    """How each of ``repeated`` was bought, ``directly, then in a batch``; known where each request
    has a body of its own (a seed for each sample)."""
    exit_code: int
    """Of the start that came through."""


def killed_in_batches(
    config: Path,
    out: Path,
    server: LocalServer,
    starter: WarmStarter,
    *,
    kills: int,
    needed: int,
    chance: random.Random,
) -> BatchKillReport:
    """Start and kill ``kills`` times, then let one start come through. ``needed``: calls that an
    undisturbed run makes."""
    killed, lost = 0, set[int]()
    for _ in range(kills):
        child = starter.start(config, out)
        _wait_for_a_moment(server, chance)
        os.kill(child, signal.SIGKILL)
        if starter.wait() >= 0:
            continue  # it was through already
        killed += 1
        lost |= _reserved_directly(out / "state")
    starter.start(config, out)
    exit_code = starter.wait()
    bought = [record for record in server.calls() if record.billed]
    return BatchKillReport(
        kills=killed,
        directly_in_flight=len(lost),
        answered=len(bought),
        in_batches=sum(record.in_batch for record in bought),
        repeated=len(bought) - needed,
        bought_again=tuple(_bought_again(bought)),
        exit_code=exit_code,
    )


def _reserved_directly(state: Path) -> set[int]:
    """The reservations that are open and belong to no batch: nobody knows what became of them."""
    file, still_open = state / "spending.jsonl", set[int]()
    for line in file.read_bytes().split(b"\n")[:-1] if file.exists() else ():
        row = json.loads(line)
        still_open.add(row[1]) if row[0] == RESERVED else still_open.discard(row[1])
    for entry in read_batches(state / "batches.jsonl").values():
        first = entry.first_reservation
        still_open.difference_update(range(first, first + entry.requests))
    return still_open


def _bought_again(bought: list[RequestRecord]) -> list[str]:
    ways: defaultdict[bytes, list[str]] = defaultdict(list)
    for record in bought:
        ways[record.raw].append(IN_A_BATCH if record.in_batch else DIRECTLY)
    return [f"{one}, then {again}" for each in ways.values() for one, again in pairwise(each)]


def _wait_for_a_moment(server: LocalServer, chance: random.Random) -> None:
    """A few requests on from now, each of which is a step of a batch; or a part of a second."""
    goal = len(server.requests) + chance.randrange(1, 12)
    end = time.monotonic() + (chance.random() if chance.random() < 0.2 else 5.0)
    while len(server.requests) < goal and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(chance.random() * 0.02)
