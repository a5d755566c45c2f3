"""What several processes on one run bring, and where their coordinator ends.

    python -m benchmarks.workers [--workers 1,2,4,8,16] [--prompts 2000] [--minutes 4]

- *runs*: the job that other tools do as well (four completions and one listwise judgment, 200 ms,
  256 in flight), the whole command from start to end, paid anew each time, by number of
  workers; 1 is one process. Then the same command once more in another folder, which finds all
  replies in the cache. Numbers beyond the machine's processors are left out. The server has a
  process of its own on the same machine, so that with two processors server, coordinator and two
  workers share these; where that is so, the sum of processor time tells what the ideal can be.
- *coordinator*: its own code with the files of a real run, in this process and without workers:
  frames are unpacked, answered and packed as for a worker. How many reservations a second it
  grants, and how many calls a second it sees through (granted, stored, settled, logged), by its
  processor time: one processor is what it has.

Each number is measured as often as ``--minutes`` allow, in turn, and the median run is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.cache_entry import StoredReply, write_entry
from judgeforge.calls.call import make_call
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.money.budget import Budget
from judgeforge.runs.cluster.coordinator import OWN, Coordinator, Member
from judgeforge.runs.cluster.frames import packed, unpacked
from judgeforge.runs.cluster.leased_money import MOST_AHEAD
from judgeforge.runs.cluster.leases import Leases
from judgeforge.runs.cluster.messages import Granted, Keep, Logged, Spent, Want
from judgeforge.runs.cluster.shares import Limits, Shares
from judgeforge.store.folder import RunFolder
from judgeforge.store.log import RunLog
from judgeforge.store.spending import to_pico
from judgeforge.text.redaction import Redactor
from judgeforge.text.wording import counted

sys.path.insert(0, str(Path(__file__).parent))
from throughput_report import load_average, machine
from throughput_runs import Load, serving, write_project

RESULTS = Path(__file__).parent / "results" / "workers.md"
REPLY_BYTES = 2000
CALLS_A_FRAME = 16
PICO = to_pico(0.001)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", default="1,2,4,8,16", help="separated by commas")
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=4.0, help="for the runs, at the most")
    parser.add_argument("--calls", type=int, default=20_000, help="through the coordinator")
    parser.add_argument("--only", default="runs,coordinator")
    parser.add_argument("--to", type=Path, default=RESULTS)
    asked = parser.parse_args()
    found: dict[str, Any] = {"machine": machine(), "command": " ".join(sys.argv[1:])}
    if "coordinator" in asked.only:
        found["coordinator"] = asyncio.run(through_coordinator(asked.calls))
    if "runs" in asked.only:
        numbers = [int(one) for one in asked.workers.split(",")]
        here = [one for one in numbers if one <= (os.cpu_count() or 1)]
        found["runs"] = all_runs(here, asked.prompts, asked.minutes)
    found["load_after"] = load_average()
    asked.to.write_text(report(found))


def all_runs(numbers: Sequence[int], prompts: int, minutes: float) -> list[dict[str, Any]]:
    """Turn by turn, as long as another turn fits into the time: once at least."""
    begun, turns = time.monotonic(), list[list[dict[str, Any]]]()
    while not turns or (time.monotonic() - begun) * (1 + 1 / len(turns)) < 60 * minutes:
        turns.append([whole_run(one, prompts) for one in numbers])
    medians = []
    for runs in zip(*turns, strict=True):
        ordered = sorted(runs, key=lambda one: one["wall_s"])
        medians.append({**ordered[(len(ordered) - 1) // 2], "runs": len(ordered)})
    return medians


def whole_run(workers: int, prompts: int) -> dict[str, Any]:
    load = Load(
        "job", in_flight=256, latency_ms=200, prompts=prompts, completions=4, protocol="listwise"
    )
    with tempfile.TemporaryDirectory() as folder, serving(load.latency_ms) as server:
        config, out = (
            write_project(Path(folder) / "project", server.url, load),
            Path(folder) / "out",
        )
        command = [sys.executable, "-m", "judgeforge", "run", str(config), "--quiet"]
        command += ["--workers", str(workers), "--out"]
        wall_s, cpu_s = _ran([*command, str(out)])
        stats, log = server.stats(), (out / "log.jsonl").read_text()
        cached_s, cached_cpu_s = _ran([*command, str(Path(folder) / "again")])
        if server.stats()["requests"] != stats["requests"]:
            raise RuntimeError("calls were paid again")
    calls = stats["requests"]
    print(
        f"{counted(workers, 'worker')}: {wall_s:.1f} s, ideal {load.ideal_s:.1f} s", file=sys.stderr
    )
    return {
        "workers": workers,
        "started": log.count('"worker_began"'),
        "calls": calls,
        "wall_s": wall_s,
        "calls_per_s": calls / wall_s,
        "times_ideal": wall_s / load.ideal_s,
        "cpu_s": cpu_s,
        "cpu_ms": 1000 * cpu_s / calls,
        "server_cpu_ms": 1000 * stats["cpu_s"] / calls,
        "at_full_use": (cpu_s + stats["cpu_s"]) / (os.cpu_count() or 1) / load.ideal_s,
        "in_flight_max": stats["in_flight_max"],
        "cached_s": cached_s,
        "cached_calls_per_s": calls / cached_s,
        "cached_cpu_ms": 1000 * cached_cpu_s / calls,
    }


def _ran(command: Sequence[str]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor in all its processes."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall_s, after = time.perf_counter() - begun, os.times()
    used, used_before = (one.children_user + one.children_system for one in (after, before))
    return wall_s, used - used_before


class _Far:
    """The end of a worker that only listens."""

    def __init__(self) -> None:
        self.granted: list[int] = []

    def send(self, messages: Sequence[Any]) -> None:
        for message in unpacked(packed(messages)):
            if isinstance(message, Granted):
                self.granted += message.numbers

    async def receive(self) -> Sequence[Any]:
        raise AssertionError("it says nothing by itself")

    def unheard_s(self) -> float:
        return 0.0

    def close(self) -> None:
        """There is nothing to close."""


async def through_coordinator(calls: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place) / "out")
        folder.create()
        with (
            closing(Budget(folder.spending_file, usd=1e6)) as budget,
            closing(ReplyCache(Path(place) / "cache", on_damage=lambda *_: None)) as cache,
            closing(RunLog(folder.log, Redactor())) as log,
        ):
            coordinator = Coordinator(
                cache=cache,
                log=log,
                leases=Leases(budget, folder),
                limits=Limits(Slots(256), []),
                shares=Shares([256, 1000], OWN),
                fail=_raise,
                say=print,
                learn=lambda _: None,
            )
            far = _Far()
            member = Member("w1", far)
            coordinator.join(member)
            grants = await _grants(coordinator, member, far, calls)
            whole = await _whole_calls(coordinator, member, far, calls)
    return {"grants_per_s": grants, "calls_per_s": whole, "cpu_us_a_call": 1e6 / whole}


async def _grants(coordinator: Coordinator, member: Member, far: _Far, calls: int) -> float:
    begun = time.process_time()
    while len(far.granted) < calls:
        _take(coordinator, member, [Want(PICO, MOST_AHEAD)])
        await asyncio.sleep(0)
    return len(far.granted) / (time.process_time() - begun)


async def _whole_calls(coordinator: Coordinator, member: Member, far: _Far, calls: int) -> float:
    frames = [_frame(first) for first in range(0, calls, CALLS_A_FRAME)]
    line = b'{"time":"2026-01-01T00:00:00Z","event":"call"}'.ljust(330)
    numbers, begun = far.granted[:], time.process_time()
    for place, frame in enumerate(frames):
        used = numbers[place * CALLS_A_FRAME :][:CALLS_A_FRAME]
        rows = [["settled", number, PICO, 500, 200] for number in used]
        messages = [frame, Spent(rows), Logged([line] * len(used)), Want(PICO, len(used))]
        _take(coordinator, member, messages)
        if place % 8 == 7:  # as many frames as come while one transaction waits for others
            await asyncio.sleep(0.005)
    if member.tasks:
        await asyncio.wait(member.tasks)
    return len(frames) * CALLS_A_FRAME / (time.process_time() - begun)


def _frame(first: int) -> Keep:
    entries = []
    for number in range(first, first + CALLS_A_FRAME):
        body = {"model": "m", "messages": [{"role": "user", "content": f"{number} " * 60}]}
        call = make_call(
            model_name="m", provider="openai", base_url="x", endpoint="y", body=body, sample=0
        )
        stored = StoredReply(json.dumps({"text": "x" * REPLY_BYTES}), 0.001, 500, 200, 0.2)
        entries.append((call.key, write_entry(stored, key=call.key, request=call.request)))
    return Keep(list(range(first, first + CALLS_A_FRAME)), entries)


def _take(coordinator: Coordinator, member: Member, messages: Sequence[Any]) -> None:
    for message in unpacked(packed(messages)):
        coordinator.take(member, message)


def _raise(error: BaseException) -> None:
    raise error


def report(found: dict[str, Any]) -> str:
    machine_of = found["machine"]
    about = f"{machine_of['cpu']}, {machine_of['cores']} cores, Python {machine_of['python']}"
    lines = [
        "# Workers, and where their coordinator ends",
        "",
        f"`python -m benchmarks.workers {found['command']}` on {machine_of['date']}: {about} (load "
        f"{machine_of['load_before']} before, {found['load_after']} after). What is measured is "
        "said at the top of the script.",
        "",
    ]
    if "runs" in found:
        lines += [
            "| processes | calls | wall, s | calls/s | times ideal | the same, if all processors "
            "were busy all the time | CPU a call, ms (server beside) | most in flight "
            "| from the cache, s | calls/s | CPU a call, ms | runs |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {processes(row)} | {row['calls']} | {row['wall_s']:.1f} "
            f"| {row['calls_per_s']:.0f} | {row['times_ideal']:.2f} | {row['at_full_use']:.2f} "
            f"| {row['cpu_ms']:.2f} ({row['server_cpu_ms']:.2f}) | {row['in_flight_max']} "
            f"| {row['cached_s']:.1f} | {row['cached_calls_per_s']:.0f} "
            f"| {row['cached_cpu_ms']:.2f} | {row['runs']} |"
            for row in found["runs"]
        ]
        lines += [
            "",
            "The ideal is what the latency and the number of requests in flight alone take. Of "
            "several runs the one of median time is shown.",
            "",
        ]
    if "coordinator" in found:
        one = found["coordinator"]
        lines += [
            "| of the coordinator's own processor | a second |",
            "|---|---:|",
            f"| reservations granted | {one['grants_per_s']:,.0f} |",
            f"| calls seen through: granted, stored, settled, logged | {one['calls_per_s']:,.0f} |",
            "",
            f"A call costs the coordinator {one['cpu_us_a_call']:.0f} microseconds.",
            "",
        ]
    return "\n".join(lines)


def processes(row: dict[str, Any]) -> str:
    if row["workers"] == 1:
        return "one"
    fewer = "" if row["started"] == row["workers"] else f", of which {row['started']} began"
    return f"`--workers {row['workers']}`{fewer}"


if __name__ == "__main__":
    main()
