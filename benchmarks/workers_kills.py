"""Fifty kills of a run in several processes, and fifty on a Ray cluster.

    python -m benchmarks.workers_kills [--kills 50] [--only local,cluster] [--minutes 20]

Killed (SIGKILL) are workers, the coordinator and, on the cluster, whole nodes with all that is on
them, at random moments; the cluster has a head and five nodes on this machine, and a new node takes
the place of one that was killed. The coordinator is started again with the same command. At the end
the same configuration runs undisturbed in one process, paid anew, and all files are compared.

Each run that came to its end is kept in ``results/workers-kills.json``, and the table shows all
that is there. The same command goes on with the kills that are missing, and ends at once where none
are; ``--again`` forgets what was measured at these places. ``--minutes`` are for all of it: when
they are nearly over nothing more is killed, and the run that is under way may end.
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
from datetime import UTC, datetime
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
    WorkerKills,
    is_alive,
    run_through_worker_kills,
    worker_pids,
)

RESULTS = Path(__file__).parent / "results"
BUDGET_USD = 20.0
NODES = 5
PROMPTS = {"local": 500, "cluster": 2000}
LATENCY_S = {"local": 0.1, "cluster": 0.8}
END_S = 240.0
"""What the end of a run and the undisturbed one are left of the time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="at each place")
    parser.add_argument("--only", default="local,cluster", help="places, separated by commas")
    parser.add_argument("--prompts", type=int, help="500, or 2000 on the cluster")
    parser.add_argument("--minutes", type=float, default=20.0, help="at the most, for all places")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--again", action="store_true", help="measure from the beginning")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    os.environ[KEY_VARIABLE] = KEY
    places, end = asked.only.split(","), time.monotonic() + 60 * asked.minutes
    file = asked.results / "workers-kills.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    if asked.again:
        rows = [row for row in rows if row["place"] not in places]
    for place in places:
        while (missing := asked.kills - killed_at(place, rows)) > 0:
            if time.monotonic() > end - END_S:
                say(f"{place}: {missing} kills are missing, the same command goes on")
                break
            rows.append(measure(place, asked, missing, end - END_S, seed=asked.seed + len(rows)))
            file.write_text(json.dumps(rows, indent=1) + "\n")
            (asked.results / "workers-kills.md").write_text(report(rows))
    if not all(row["holds"] for row in rows):
        sys.exit("a promise does not hold: see the table")


def killed_at(place: str, rows: Sequence[dict[str, Any]]) -> int:
    return sum(sum(row["killed"].values()) for row in rows if row["place"] == place)


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def measure(
    place: str, asked: argparse.Namespace, kills: int, until: float, *, seed: int
) -> dict[str, Any]:
    """One run, with as many kills as it and the time have room for."""
    chance, begun = random.Random(seed), time.monotonic()
    on_cluster = place == "cluster"
    prompts = asked.prompts or PROMPTS[place]

    def tell(so_far: WorkerKills) -> None:
        minutes = (time.monotonic() - begun) / 60
        say(
            f"{place}: {len(so_far.killed)} of {kills}, a {so_far.killed[-1]}, after "
            f"{len(server.requests)} of {prompts * 8} requests and {minutes:.1f} minutes"
        )

    def hurry() -> None:
        say(f"{place}: to the end, and once more undisturbed")
        server.behaviour.latency_s = 0

    with (
        tempfile.TemporaryDirectory(prefix="judgeforge-kills-") as folder,
        LocalServer() as server,
        ray_cluster(NODES) if on_cluster else nullcontext() as cluster,
    ):
        server.behaviour.latency_s = LATENCY_S[place]
        config, out = configured(Path(folder), server, prompts), Path(folder) / "out"
        found = run_through_worker_kills(
            config,
            out,
            server,
            options=options(cluster),
            kills=kills,
            chance=chance,
            targets=(WORKER, NODE, COORDINATOR) if on_cluster else (WORKER, WORKER, COORDINATOR),
            kill=None if cluster is None else cluster_kill(cluster, out, chance),
            has_workers=(lambda: bool(alive(out))) if on_cluster else (lambda: True),
            until=until,
            tell=tell,
            before_the_end=hurry,
            longest_end_s=END_S / 2,
        )
        billed = server.billed_usd({"small": PRICE})
        manifest = json.loads((out / "manifest.json").read_text())
        config.write_text(config.read_text() + "cache: {dir: other-cache}\n")
        straight = Path(folder) / "straight"
        run(config, straight)
        same = found.exit_code == 0 and result_bytes(out) == result_bytes(straight)
        if found.exit_code:
            say(json.dumps(manifest)[:400])
    row = {
        "place": place,
        "killed": dict(Counter(found.killed)),
        "prompts": prompts,
        "calls": prompts * 8,
        "sent": found.sent,
        "repeated": found.repeated,
        "in_flight": found.in_flight,
        "billed": billed,
        "stated": manifest["totals"]["cost_usd"],
        "same": same,
        "exit_code": found.exit_code,
        "minutes": (time.monotonic() - begun) / 60,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.workers_kills", *sys.argv[1:]]),
    }
    return row | {"holds": holds(row)}


def holds(row: dict[str, Any]) -> bool:
    stated = row["stated"]
    return (
        row["exit_code"] == 0
        and row["same"]
        and row["sent"] - row["repeated"] == row["calls"]
        and row["repeated"] <= row["in_flight"]
        and stated is not None
        and row["billed"] <= stated <= BUDGET_USD
    )


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
        found = alive(out)
        if not found:
            return False
        pid = chance.choice(found)
        if target == WORKER:
            os.kill(pid, signal.SIGKILL)
            return True
        if not cluster.kill_node_of(pid):
            return False
        cluster.add_node()
        return True

    return kill


def alive(out: Path) -> list[int]:
    """Workers of the last start that has some."""
    begun = worker_pids(out)[-6:] if (out / "log.jsonl").exists() else []
    return [pid for pid in begun if is_alive(pid)]


def report(rows: Sequence[dict[str, Any]]) -> str:
    commands = dict.fromkeys(f"`{row['command']}`" for row in rows)
    lines = [
        "# Kills of workers, nodes and coordinators",
        "",
        f"{', '.join(commands)}: what is killed, and how it is counted, is said at the top of the "
        "script. A row is one run that came to its end.",
        "",
        "| where | killed | calls needed | repeated | whose replies died | billed, $ | stated, $ "
        "| of budget, $ | result files | exit | minutes | at |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---|",
    ]
    for row in rows:
        killed = ", ".join(f"{number} x {what}" for what, number in sorted(row["killed"].items()))
        same = "the same bytes" if row["same"] else "**differ**"
        stated = "unknown" if row["stated"] is None else f"{row['stated']:.4f}"
        lines.append(
            f"| {row['place']} | {killed or 'none'} | {row['calls']} | {row['repeated']} "
            f"| {row['in_flight']} | {row['billed']:.4f} | {stated} | {BUDGET_USD:g} "
            f"| {same} | {row['exit_code']} | {row['minutes']:.1f} | {row['at']} |"
        )
    held = all(row["holds"] for row in rows)
    sums = (
        f"{killed_at(one, rows)} at the place `{one}`"
        for one in dict.fromkeys(row["place"] for row in rows)
    )
    lines += [
        "",
        f"Kills in all: {', '.join(sums)}.",
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
