"""The processes of the throughput benchmark: the server, and what is measured against it."""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
WORKER = Path(__file__).parent / "throughput_worker.py"
LONGEST_S = 900.0


RUBRIC = {
    "name": "benchmark",
    "version": 1,
    "guidance": "Judge what the answer says, not how sure it sounds. Long is not better.",
    "criteria": [
        {
            "name": name,
            "question": f"How good is the {name} of the answer?",
            "levels": [f"{name} is {grade}" for grade in ("bad", "poor", "fair", "good", "best")],
        }
        for name in ("correctness", "completeness", "clarity")
    ],
}
"""A rubric of its own, so that results stay comparable when the shipped ones change."""


@dataclass(frozen=True)
class Load:
    name: str
    in_flight: int
    latency_ms: float
    prompts: int
    completions: int
    protocol: str = "pointwise"

    @property
    def calls(self) -> int:
        """Each completion is sampled once, and judged alone or with the others of its prompt."""
        judged = 1 if self.protocol == "listwise" else self.completions
        return self.prompts * (self.completions + judged)

    @property
    def ideal_s(self) -> float:
        return self.calls * self.latency_ms / 1000 / self.in_flight

    def with_prompts(self, prompts: int) -> Load:
        return replace(self, prompts=prompts)

    def scaled(self, scale: float) -> Load:
        return self.with_prompts(max(2, round(self.prompts * scale)))


@dataclass(frozen=True)
class Server:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, Any]:
        return json.loads(self._get("_stats"))

    def bodies(self) -> bytes:
        return self._get("_bodies")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}") as reply:
            return reply.read()


@contextmanager
def serving(latency_ms: float, *, keep_bodies: bool = False) -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.load_server", f"--latency-ms={latency_ms}"]
    command += [f"--lifetime-s={LONGEST_S}", *(["--keep-bodies"] if keep_bodies else [])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            yield Server(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()


def write_project(folder: Path, url: str, load: Load) -> Path:
    """A configuration with a budget and prices, and prompts; returns the configuration."""
    folder.mkdir(parents=True)
    model = {
        "provider": "openai",
        "base_url": url,
        "concurrency": load.in_flight,
        "price": {"input_per_mtok": 0.5, "output_per_mtok": 2.0, "cached_input_per_mtok": 0.1},
    }
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {
            "writer": {**model, "model": "writer-1"},
            "judge": {**model, "model": "judge-1"},
        },
        "sampling": {"models": ["writer"], "completions": load.completions, "max_tokens": 256},
        "rubric": "rubric.yaml",
        "judging": {"judges": [{"model": "judge", "protocol": load.protocol}]},
        "budget": {"usd": 1000.0},
        "limits": {"concurrency": load.in_flight},
        "cache": {"dir": "cache"},
    }
    (folder / "rubric.yaml").write_text(json.dumps(RUBRIC))
    with (folder / "prompts.jsonl").open("w") as file:
        for prompt in _prompts(load.prompts):
            file.write(json.dumps({"prompt": prompt}) + "\n")
    # JSON is YAML.
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, indent=2))
    return path


def _prompts(count: int) -> Iterator[str]:
    chance = random.Random(7)
    words = ROOT.joinpath("LICENSE").read_text().split()
    for number in range(count):
        yield f"Question {number}: explain {' '.join(chance.choices(words, k=40))}?"


def judgeforge_run(
    config: Path, server: Server, *, out: str = "run", limit: int | None = None
) -> dict[str, Any]:
    asked = {"config": str(config), "out": str(config.parent / out), "limit": limit}
    found = _measured("judgeforge", asked, server)
    if found["exit_code"] != 0 or found["pairs"] == 0:
        raise RuntimeError(f"the run of {config} is no good: {found}")
    return found


def bare_run(server: Server, bodies: Path, load: Load) -> dict[str, Any]:
    asked = {"url": server.url, "bodies": str(bodies), "in_flight": load.in_flight}
    return _measured("bare", asked, server)


def cold_run(config: Path, times: int) -> dict[str, float]:
    """The whole command over one prompt, paid anew each time: from its start to its end.

    Its modules are compiled already, as those of an installed package are.
    """
    cache = config.parent / "cache"
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(config.parent / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    walls, cpus = [], []
    for number in range(times + 1):
        out = config.parent / f"cold-{number}"
        command = [sys.executable, "-m", "judgeforge", "run", str(config), "--limit", "1"]
        shutil.rmtree(cache, ignore_errors=True)
        before, begun = os.times(), time.perf_counter()
        subprocess.run(
            [*command, "--out", str(out)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_S,
            check=True,
        )
        walls.append(time.perf_counter() - begun)
        after = os.times()
        cpus.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
    # The first one compiles.
    return {"wall_s": statistics.median(walls[1:]), "cpu_s": statistics.median(cpus[1:])}


def _measured(program: str, asked: dict[str, Any], server: Server) -> dict[str, Any]:
    before, begun = server.stats(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(WORKER), program, json.dumps(asked)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=LONGEST_S,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    found["process_s"] = time.perf_counter() - begun
    after = server.stats()
    found["requests"] = after["requests"] - before["requests"]
    found["in_flight_max"] = after["in_flight_max"]
    if found["requests"]:
        found["wall_s"] = found["ended_at"] - after["first_request_at"]
        found["server_cpu_ms_per_request"] = (
            1000 * (after["cpu_s"] - before["cpu_s"]) / found["requests"]
        )
        if set(after["statuses"]) != {"200"}:
            raise RuntimeError(f"the server answered other than 200: {after['statuses']}")
    return found
