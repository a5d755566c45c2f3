"""Two hundred kills of a run in batches, at each provider: what was bought twice.

    python benchmarks/batches_kills.py [--kills 200] [--prompts 900]

Writes benchmarks/results/batches-kills.md; some 15 minutes. The server is the one of the tests.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.local_server import LocalServer
from tests.support.batch_kills import IN_A_BATCH, BatchKillReport, killed_in_batches
from tests.support.batch_setup import BATCH_PRICE, creations, in_batches
from tests.support.kills import WarmStarter
from tests.support.run_setup import KEY, KEY_VARIABLE, model, write_config

RESULT = Path(__file__).parent / "results" / "batches-kills.md"
Wire = Literal["openai", "anthropic"]
CALLS_OF_A_PROMPT = 8
HEAD = """
Each run asks {calls:,} requests in batches of at most 20, answered 0.1 s after they were created;
the first prompt of each start and what is left with fewer than 8 go directly (0.02 s each). SIGKILL
comes at random moments, also during a start and while a batch is created. In the end one start
comes through.

A reply to a call that goes directly dies with the process that waits for it. Such a call counts as
paid at the most it can cost, and is asked again: repeated are at most the calls that were in flight
directly at a kill ([guarantees](../../docs/guarantees.md)). What is in a batch is never repeated.
"""
COLUMNS = (
    "provider",
    "kills survived",
    "answered in batches",
    "batches created",
    "in flight directly at the kills",
    "bought twice",
    "of these, first in a batch",
    "billed",
    "stated cost",
    "seconds",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=900)
    given = parser.parse_args()
    os.environ[KEY_VARIABLE] = KEY
    logging.disable(logging.CRITICAL)  # the server complains of each connection that is killed
    wires: tuple[Wire, ...] = ("openai", "anthropic")
    rows = [measured(wire, given.kills, given.prompts) for wire in wires]
    text = [
        "# Kills in batch mode\n",
        f"`python benchmarks/batches_kills.py --kills {given.kills} --prompts {given.prompts}`, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores (other work on them).",
        HEAD.format(calls=given.prompts * CALLS_OF_A_PROMPT),
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *rows,
    ]
    RESULT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def measured(wire: Wire, kills: int, prompts: int) -> str:
    with tempfile.TemporaryDirectory() as place, LocalServer(latency_s=0.02) as server:
        server.behaviour.batches.delay_s = 0.1
        folder, begun = Path(place), time.monotonic()
        own = in_batches(max_requests=20, direct_below=8)
        models = {"small": model(server, wire, **own)}
        config = write_config(folder, server, prompts=prompts, provider=wire, models=models)
        with WarmStarter() as starter:
            report = killed_in_batches(
                config,
                folder / "out",
                server,
                starter,
                kills=kills,
                needed=prompts * CALLS_OF_A_PROMPT,
                chance=random.Random(7),
            )
        seconds = time.monotonic() - begun
        manifest = json.loads((folder / "out" / "manifest.json").read_text())
        stated, billed = manifest["totals"]["cost_usd"], server.billed_usd({"small": BATCH_PRICE})
        problems = [] if report.exit_code == 0 else [f"exit {report.exit_code}"]
        problems += [] if report.repeated <= report.directly_in_flight else ["too many repeated"]
        problems += [] if billed <= stated + 1e-9 else ["more billed than stated"]
        if problems:
            raise SystemExit(f"{wire}: {', '.join(problems)}: {report}")
        cells = [
            wire,
            report.kills,
            f"{report.in_batches:,}",
            creations(server),
            report.directly_in_flight,
            report.repeated,
            first_in_a_batch(wire, report),
            f"${billed:.4f}",
            f"${stated:.4f}",
            f"{seconds:.0f}",
        ]
    return f"| {' | '.join(map(str, cells))} |"


def first_in_a_batch(wire: Wire, report: BatchKillReport) -> str:
    """Only OpenAI's requests have a seed, by which equal ones are the same call."""
    if wire == "anthropic":
        return "not told apart" if report.repeated else "0"
    ways = Counter(way.startswith(IN_A_BATCH) for way in report.bought_again)
    return str(ways[True])


if __name__ == "__main__":
    main()
