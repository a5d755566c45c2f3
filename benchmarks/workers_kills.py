"""Fifty kills of a run in several processes, and fifty on a Ray cluster.

    python -m benchmarks.workers_kills [--kills 50] [--only local,cluster] [--to FILE]

Killed (SIGKILL) are workers, the coordinator and, on the cluster, whole nodes with all that is on
them, at random moments; the cluster has a head and five nodes on this machine, and a new node takes
the place of one that was killed. The coordinator is started again with the same command. At the end
the same configuration runs undisturbed in one process, paid anew, and all files are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.local_server import LocalServer
from tests.support.kills import result_bytes
from tests.support.ray_cluster import RayCluster, ray_cluster
from tests.support.run_setup import KEY, KEY_VARIABLE, PRICE, run, write_config
from tests.support.worker_kills import (
    COORDINATOR,
    NODE,
    WORKER,
    Kill,
    is_alive,
    run_through_worker_kills,
    worker_pids,
)

RESULTS = Path(__file__).parent / "results" / "workers-kills.md"
BUDGET_USD = 20.0
NODES = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--only", default="local,cluster", help="separated by commas")
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--to", type=Path, default=RESULTS)
    asked = parser.parse_args()
    os.environ[KEY_VARIABLE] = KEY
    rows = [measure(place, asked) for place in asked.only.split(",")]
    command = " ".join(["python -m benchmarks.workers_kills", *sys.argv[1:]])
    asked.to.write_text(report(rows, command))
    if not all(row["holds"] for row in rows):
        sys.exit("a promise does not hold: see the table")


def measure(place: str, asked: argparse.Namespace) -> dict[str, Any]:
    chance = random.Random(asked.seed)
    begun = time.monotonic()
    on_cluster = place == "cluster"
    with (
        tempfile.TemporaryDirectory(prefix="judgeforge-kills-") as folder,
        LocalServer() as server,
        ray_cluster(NODES) if on_cluster else nullcontext() as cluster,
    ):
        server.behaviour.latency_s = 0.1
        config, out = configured(Path(folder), server, asked.prompts), Path(folder) / "out"
        found = run_through_worker_kills(
            config,
            out,
            server,
            options=options(cluster),
            kills=asked.kills,
            chance=chance,
            targets=(WORKER, NODE, COORDINATOR) if on_cluster else (WORKER, WORKER, COORDINATOR),
            kill=None if cluster is None else cluster_kill(cluster, out, chance),
        )
        billed = server.billed_usd({"small": PRICE})
        totals = json.loads((out / "manifest.json").read_text())["totals"]
        server.behaviour.latency_s = 0
        config.write_text(config.read_text() + "cache: {dir: other-cache}\n")
        straight = Path(folder) / "straight"
        run(config, straight)
        same = result_bytes(out) == result_bytes(straight)
        if found.exit_code:
            print((out / "manifest.json").read_text()[:400], file=sys.stderr)
    needed = asked.prompts * 8
    holds = (
        found.exit_code == 0
        and len(found.killed) == asked.kills
        and found.sent - found.repeated == needed
        and found.repeated <= found.in_flight
        and billed <= totals["cost_usd"] <= BUDGET_USD
        and same
    )
    return {
        "place": place,
        "killed": Counter(found.killed),
        "calls": needed,
        "repeated": found.repeated,
        "in_flight": found.in_flight,
        "billed": billed,
        "stated": totals["cost_usd"],
        "same": same,
        "exit_code": found.exit_code,
        "minutes": (time.monotonic() - begun) / 60,
        "holds": holds,
    }


def configured(folder: Path, server: LocalServer, prompts: int) -> Path:
    return write_config(
        folder,
        server,
        prompts=prompts,
        judging={"judges": [{"model": "small"}], "fit_prompts": 0, "fit_repeats": 0},
        budget={"usd": BUDGET_USD},
    )


def options(cluster: RayCluster | None) -> Sequence[str]:
    where = () if cluster is None else ("--cluster", cluster.address)
    return ("--workers", "3", *where)


def cluster_kill(cluster: RayCluster, out: Path, chance: random.Random) -> Kill:
    def kill(target: str, _: subprocess.Popen[str]) -> bool:
        alive = [pid for pid in worker_pids(out)[-6:] if is_alive(pid)]
        if not alive:
            return False
        pid = chance.choice(alive)
        if target == WORKER:
            os.kill(pid, signal.SIGKILL)
            return True
        if not cluster.kill_node_of(pid):
            return False
        cluster.add_node()
        return True

    return kill


def report(rows: Sequence[dict[str, Any]], command: str) -> str:
    lines = [
        "# Kills of workers, nodes and coordinators",
        "",
        f"`{command}`: what is killed, and how it is counted, is said at the top of the script.",
        "",
        "| where | killed | calls needed | repeated | whose replies died | billed, $ | stated, $ "
        "| of budget, $ | result files | exit | minutes |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|---:|---:|",
    ]
    for row in rows:
        killed = ", ".join(f"{number} x {what}" for what, number in sorted(row["killed"].items()))
        same = "the same bytes" if row["same"] else "**differ**"
        lines.append(
            f"| {row['place']} | {killed} | {row['calls']} | {row['repeated']} "
            f"| {row['in_flight']} | {row['billed']:.4f} | {row['stated']:.4f} | {BUDGET_USD:g} "
            f"| {same} | {row['exit_code']} | {row['minutes']:.1f} |"
        )
    held = all(row["holds"] for row in rows)
    lines += [
        "",
        "A call is repeated only where its reply died with the process that had sent it: such "
        "calls count as paid at the most that they can cost, as do those that a lost machine had "
        "reserved and may have sent.",
        "",
        "All promises held." if held else "**Not all promises held.**",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
