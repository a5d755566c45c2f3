"""How much judgeforge adds to the calls themselves: wall time, CPU, memory, re-runs from cache.

    python benchmarks/throughput.py [--repeats 3] [--only load,job,cold,memory] [--beside TREE]

Everything is measured in one go against a local server in a process of its own (the same cheap one
for all: ``load_server.py``), each measured program in a fresh process:

- judgeforge through its public API: sampling, pointwise judging, a budget and prices set;
- a bare loop over the same SDK, the same transport and the same ``client.post`` that sends the
  very bodies that judgeforge sent, from a pool of tasks;
- the ideal: requests x latency / in flight.

Two things more: the time of a job that other tools do as well, as a multiple of the ideal, and that
of the whole command over one prompt. And, where ``--beside`` names another checkout: its processor
time of a paid run, and of the same run from the cache, beside today's (``throughput_beside.py``).

Of what is compared with the bare loop, start-up is taken off: wall time counts from the arrival of
the first request to the end of the program's work (for judgeforge: ``run`` returned and all files
written); of the CPU time, that of a run over one prompt is taken off.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from throughput_beside import BESIDE, measure_beside
from throughput_report import load_average, machine, write_report
from throughput_runs import (
    Load,
    Server,
    bare_run,
    cold_run,
    judgeforge_run,
    serving,
    write_project,
)

RESULTS = Path(__file__).parent / "results"
LOADS = (
    Load("64 in flight, 200 ms", in_flight=64, latency_ms=200, prompts=600, completions=4),
    Load("256 in flight, 800 ms", in_flight=256, latency_ms=800, prompts=600, completions=4),
)
JOB = Load(
    "4 completions and 1 listwise judgment",
    in_flight=256,
    latency_ms=200,
    prompts=2000,
    completions=4,
    protocol="listwise",
)
"""Other tools do this job as well: see ``OTHERS`` of throughput_report.py."""
COLD_RUNS = 5
MEMORY = (
    Load("500 prompts", in_flight=64, latency_ms=0, prompts=500, completions=2),
    Load("20,000 prompts", in_flight=64, latency_ms=0, prompts=20_000, completions=2),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="of each load; medians count")
    parser.add_argument("--only", default="load,job,cold,memory", help="separated by commas")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of prompts")
    parser.add_argument("--beside", type=Path, help="another checkout, which is measured by turns")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    parts = asked.only.split(",")
    with tempfile.TemporaryDirectory(prefix="judgeforge-bench-") as folder:
        found: dict[str, Any] = {"machine": machine(), "command": " ".join(["python", *sys.argv])}
        if "load" in parts:
            found["load"] = [
                compare(load.scaled(asked.scale), Path(folder) / str(number), asked.repeats)
                for number, load in enumerate(LOADS)
            ]
        if "job" in parts:
            found["job"] = measure_job(Path(folder) / "job", JOB.scaled(asked.scale))
        if "cold" in parts:
            found["cold"] = measure_cold(Path(folder) / "cold")
        if "memory" in parts:
            found["memory"] = measure_memory(Path(folder) / "memory", asked.scale)
        if asked.beside is not None:
            say(f"beside {asked.beside.name}")
            load = BESIDE.scaled(asked.scale)
            into = Path(folder) / "beside"
            found["beside"] = measure_beside(asked.beside, into, load, asked.repeats)
    found["machine"]["load_after"] = load_average()
    write_report(found, asked.results)
    if not all(target["met"] for target in found["targets"]):
        sys.exit("targets missed: see the table above")


def compare(load: Load, folder: Path, repeats: int) -> dict[str, Any]:
    """judgeforge and the bare loop by turns, so that a busy machine is fair to both."""
    say(f"{load.name}: {load.prompts} prompts, {repeats} times")
    ours, bare = [], []
    bodies = folder / "bodies.jsonl"
    for turn in range(repeats):
        with serving(load.latency_ms, keep_bodies=True) as server:
            project = write_project(folder / f"ours-{turn}", server.url, load)
            ours.append(judgeforge_run(project, server))
            bodies.write_bytes(server.bodies())
        with serving(load.latency_ms) as server:
            bare.append(bare_run(server, bodies, load))
        say(f"  judgeforge {ours[-1]['wall_s']:.2f} s, bare {bare[-1]['wall_s']:.2f} s")
    idle = startup(load, folder)
    requests = ours[0]["requests"]
    result = {
        "load": load.name,
        "requests": requests,
        "in_flight": load.in_flight,
        "ideal_s": load.ideal_s,
        "judgeforge": summary(ours, idle["judgeforge"]),
        "bare": summary(bare, idle["bare"]),
    }
    for measure in ("wall_s", "cpu_ms_per_request"):
        result[f"{measure}_ratio"] = result["judgeforge"][measure] / result["bare"][measure]
    return result


def startup(load: Load, folder: Path) -> dict[str, dict[str, Any]]:
    """Both programs over one prompt."""
    one = load.with_prompts(1)
    bodies = folder / "one.jsonl"
    with serving(0, keep_bodies=True) as server:
        ours = judgeforge_run(write_project(folder / "one", server.url, one), server)
        bodies.write_bytes(server.bodies())
    with serving(0) as server:
        return {"judgeforge": ours, "bare": bare_run(server, bodies, one)}


def summary(runs: list[dict[str, Any]], idle: dict[str, Any]) -> dict[str, Any]:
    def median(value: Callable[[dict[str, Any]], float]) -> float:
        return statistics.median(map(value, runs))

    return {
        "wall_s": median(lambda run: run["wall_s"]),
        "cpu_ms_per_request": median(
            lambda run: 1000 * (run["cpu_s"] - idle["cpu_s"]) / (run["requests"] - idle["requests"])
        ),
        "peak_mb": max(run["peak_mb"] for run in runs),
        "in_flight_max": max(run["in_flight_max"] for run in runs),
        "startup_cpu_s": idle["cpu_s"],
        "runs": runs,
    }


def measure_job(folder: Path, load: Load) -> dict[str, Any]:
    say(f"{load.name}: {load.prompts} prompts")
    with serving(load.latency_ms) as server:
        run = judgeforge_run(write_project(folder, server.url, load), server)
    say(f"  {run['process_s']:.1f} s, ideal {load.ideal_s:.1f} s")
    ideal = {"load": load.name, "prompts": load.prompts, "ideal_s": load.ideal_s}
    return {**ideal, **run, "times_ideal": run["process_s"] / load.ideal_s}


def measure_cold(folder: Path) -> dict[str, Any]:
    say("one prompt from cold")
    load = Load("one prompt from cold", in_flight=64, latency_ms=0, prompts=1, completions=4)
    with serving(load.latency_ms) as server:
        return cold_run(write_project(folder, server.url, load), COLD_RUNS)


def measure_memory(folder: Path, scale: float) -> dict[str, Any]:
    result: dict[str, Any] = {"runs": []}
    for number, load in enumerate(MEMORY):
        scaled = load.scaled(scale)
        say(f"memory: {scaled.prompts} prompts")
        with serving(0) as server:
            project = write_project(folder / str(number), server.url, scaled)
            run = judgeforge_run(project, server)
            say(f"  {run['peak_mb']:.0f} MB, {run['wall_s']:.1f} s")
            result["runs"].append({"load": load.name, "prompts": scaled.prompts, **run})
            if number == len(MEMORY) - 1:
                say("again from the cache")
                result["cached"] = cached_run(project, server, scaled)
    small, large = result["runs"]
    result["growth_mb"] = large["peak_mb"] - small["peak_mb"]
    return result


def cached_run(project: Path, server: Server, load: Load) -> dict[str, Any]:
    """The same calls into a fresh folder; a run over one prompt is taken off."""
    one = judgeforge_run(project, server, out="one-cached", limit=1)
    run = judgeforge_run(project, server, out="all-cached")
    if one["paid_calls"] or run["paid_calls"]:
        raise RuntimeError(f"calls were paid again: {one['paid_calls']}, {run['paid_calls']}")
    calls = load.calls - load.with_prompts(1).calls
    seconds = run["run_s"] - one["run_s"]
    return {
        "calls": calls,
        "seconds": seconds,
        "calls_per_s": calls / seconds,
        "cpu_ms_per_call": 1000 * (run["cpu_s"] - one["cpu_s"]) / calls,
        "peak_mb": run["peak_mb"],
    }


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
