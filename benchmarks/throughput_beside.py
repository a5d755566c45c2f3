"""Processor time of a run, paid and again from the cache, beside that of another checkout.

    git worktree add --detach ../before v0.1.0
    python benchmarks/throughput.py --only "" --beside ../before

Both run by turns against one server, in fresh processes of the same interpreter, so that a machine
that is slower or busier than another is so for both: only their ratio counts. Of each process what
it imports and a first prompt are left out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from throughput_runs import LONGEST_S, ROOT, WORKER, Load, Server, serving, write_project

BESIDE = Load("5,000 prompts", in_flight=64, latency_ms=0, prompts=5000, completions=2)
"""So many that a call's own cost is told: of 1,000 a twentieth was the start's (fit, pages), which
the run of one prompt tells."""
KINDS = ("paid", "cached")


def measure_beside(tree: Path, folder: Path, load: Load, rounds: int) -> dict[str, Any]:
    """Medians over ``rounds``, in milliseconds a call, of both and of their ratio by round."""
    trees = {"before": tree.resolve(), "now": ROOT}
    calls = load.calls
    times: dict[str, dict[str, list[float]]] = {
        kind: {name: [] for name in trees} for kind in KINDS
    }
    with serving(load.latency_ms) as server:
        for turn in range(rounds):
            # Each goes first as often as the other.
            for name in trees if turn % 2 else reversed(trees):
                found = _run_of(trees[name], folder / f"{name}-{turn}", server, load)
                for kind in KINDS:
                    times[kind][name].append(1000 * found[kind] / calls)
            print(f"  {_in_words(times)}", file=sys.stderr, flush=True)
    return {
        "load": f"{load.prompts} prompts",
        "calls": calls,
        "commit": _commit(tree),
        **_medians(times),
    }


def _medians(times: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    return {
        kind: {
            **{f"{name}_ms": statistics.median(found) for name, found in of_kind.items()},
            "ratio": statistics.median(
                now / before for now, before in zip(of_kind["now"], of_kind["before"], strict=True)
            ),
        }
        for kind, of_kind in times.items()
    }


def _in_words(times: dict[str, dict[str, list[float]]]) -> str:
    return ", ".join(
        f"{kind} {of_kind['now'][-1]:.3f} ms a call beside {of_kind['before'][-1]:.3f}"
        for kind, of_kind in times.items()
    )


def _run_of(tree: Path, folder: Path, server: Server, load: Load) -> dict[str, float]:
    """Seconds of the processor, by ``KINDS``."""
    project = write_project(folder, server.url, load)
    asked = json.dumps({"config": str(project), "out": str(folder)})
    done = subprocess.run(
        [sys.executable, str(WORKER), "twice", asked],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=LONGEST_S,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _commit(tree: Path) -> str:
    """The commit of a checkout, as its readers know it."""
    command = ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"
