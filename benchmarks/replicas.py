"""How much more one, two and three servers of a model answer, and what one that fails costs.

    python benchmarks/replicas.py [--prompts 40]

Writes benchmarks/results/replicas.md. The servers are the one of the tests, in processes of their
own: each answers 8 requests at a time, 1 s each, so at most 8 a second: no processor is the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import yaml

import judgeforge

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results" / "replicas.md"
SLOTS, LATENCY_MS = 8, 1000.0
COLUMNS = (
    "servers",
    "calls",
    "seconds",
    "calls a second",
    "of what they can",
    "prompts answered by one server",
    "requests at each",
)


@contextmanager
def serving(latency_ms: float) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.local_server", f"--latency-ms={latency_ms}"]
    command += [f"--slots={SLOTS}", "--keep-bodies"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        port = json.loads(process.stdout.readline())["port"] if process.stdout else 0
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=40)
    prompts = parser.parse_args().prompts
    usual = LATENCY_MS
    rows = [
        measured("1", [usual], prompts),
        measured("2", [usual] * 2, prompts),
        measured("3", [usual] * 3, prompts),
        measured("3, one of them five times as slow", [usual, usual, 5 * usual], prompts),
        measured("3, one of them not there", [usual, usual, None], prompts),
    ]
    text = [
        "# Servers of one model\n",
        f"`python benchmarks/replicas.py --prompts {prompts}`, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores (other work on them; load average at "
        f"the end {os.getloadavg()[0]:.1f}).\n",
        f"Each server answers {SLOTS} requests at a time, {LATENCY_MS:.0f} ms each; the model has "
        f"`concurrency: {SLOTS}`. The first prompt goes alone. Requests that failed are not among "
        "the calls.\n",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *rows,
    ]
    RESULT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def measured(name: str, latencies_ms: list[float | None], prompts: int) -> str:
    """``latencies_ms``: of each server; None for one that is not there."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as servers:
        there = [None if ms is None else servers.enter_context(serving(ms)) for ms in latencies_ms]
        config = write_project(Path(place), [url or "http://127.0.0.1:9" for url in there], prompts)
        begun = time.perf_counter()
        result = judgeforge.run(judgeforge.load_config(config), Path(place) / "out")
        seconds = time.perf_counter() - begun
        if result.exit_code:
            raise SystemExit(f"{name}: exit {result.exit_code}: {result.stopped_by}")
        bodies = [[] if url is None else sent_to(url) for url in there]
    places = defaultdict[bytes, set[int]](set)
    for number, sent in enumerate(bodies):
        for raw in sent:
            if (found := re.search(rb"fact number (\d+)", raw)) is not None:
                places[found[1]].add(number)
    calls = sum(map(len, bodies))
    able = sum(SLOTS / ms * 1000 for ms in latencies_ms if ms is not None)
    together = sum(len(one) == 1 for one in places.values()) / len(places)
    cells = [
        name,
        f"{calls:,}",
        f"{seconds:.1f}",
        f"{calls / seconds:.0f}",
        f"{calls / seconds / able:.0%}",
        f"{together:.0%}",
        ", ".join(str(len(sent)) for sent in bodies),
    ]
    return f"| {' | '.join(cells)} |"


def sent_to(url: str) -> list[bytes]:
    with urllib.request.urlopen(f"{url}/_bodies") as reply:  # noqa: S310 (loopback)
        return [line for line in reply.read().split(b"\n") if line]


def write_project(folder: Path, urls: list[str], prompts: int) -> Path:
    rows = ({"id": f"p{n}", "prompt": f"Tell me fact number {n}."} for n in range(prompts))
    (folder / "prompts.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    config: dict[str, Any] = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {
            "own": {
                "provider": "openai",
                "model": "small",
                "base_url": [f"{url}/v1" for url in urls],
                "concurrency": SLOTS,
                "price": {"input_per_mtok": 0, "output_per_mtok": 0},
            }
        },
        "sampling": {"models": ["own"], "completions": 4, "seed": 7, "max_tokens": 64},
        "rubric": "helpfulness",
        "judging": {"judges": [{"model": "own"}], "fit_repeats": 0},
        "limits": {"concurrency": SLOTS * len(urls)},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


if __name__ == "__main__":
    main()
