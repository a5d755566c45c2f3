"""One measured program in a fresh process: ``throughput_worker.py (judgeforge|bare|twice) JSON``.

Prints one JSON line with its times, its CPU time and its peak memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def judgeforge_run(asked: dict[str, Any]) -> dict[str, Any]:
    import judgeforge

    config = judgeforge.load_config(asked["config"])
    start = time.perf_counter()
    result = judgeforge.run(config, out=asked["out"], limit=asked["limit"])
    ended_at, seconds = time.time(), time.perf_counter() - start
    last = result.manifest["last_run"]
    return {
        "ended_at": ended_at,
        "run_s": seconds,
        "exit_code": result.exit_code,
        "pairs": last["pairs"],
        "paid_calls": last["calls"]["paid"],
        "cached_calls": last["calls"]["cached"],
    }


def twice(asked: dict[str, Any]) -> dict[str, Any]:
    """Processor time in seconds of a run that pays for its calls, and of the same one from the
    cache; what is imported and made once is there before, after a run over one prompt."""
    import judgeforge

    config = judgeforge.load_config(asked["config"])
    out = Path(asked["out"])
    judgeforge.run(config, out=str(out / "first"), limit=1)

    def measured(name: str) -> float:
        before = time.process_time()
        judgeforge.run(config, out=str(out / name))
        return time.process_time() - before

    paid = measured("paid")
    return {"paid": paid, "cached": min(measured(f"cached-{turn}") for turn in range(2))}


def bare(asked: dict[str, Any]) -> dict[str, Any]:
    bodies = [json.loads(line) for line in Path(asked["bodies"]).read_bytes().splitlines()]
    start = time.perf_counter()
    asyncio.run(_post_all(asked["url"], bodies, asked["in_flight"]))
    return {"ended_at": time.time(), "run_s": time.perf_counter() - start}


async def _post_all(url: str, bodies: list[dict[str, Any]], in_flight: int) -> None:
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    limits = httpx2.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    client = AsyncOpenAI(
        api_key="none",
        base_url=url,
        max_retries=0,
        http_client=DefaultAioHttpClient(limits=limits),
    )

    async def work(left: Iterator[dict[str, Any]]) -> None:
        for body in left:
            await client.post("/chat/completions", cast_to=httpx2.Response, body=body)

    left = iter(bodies)
    await asyncio.gather(*(work(left) for _ in range(in_flight)))
    await client.close()


def cpu_s() -> float:
    """Of this process and of the ended ones that it started."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def peak_mb() -> float:
    """The kernel's own high-water mark; unlike ru_maxrss it starts anew with the program."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status shows no VmHWM: this benchmark runs on Linux")


if __name__ == "__main__":
    program = {"judgeforge": judgeforge_run, "bare": bare, "twice": twice}[sys.argv[1]]
    measured = program(json.loads(sys.argv[2]))
    print(json.dumps({**measured, "cpu_s": cpu_s(), "peak_mb": peak_mb()}))
