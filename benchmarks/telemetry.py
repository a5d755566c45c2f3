"""What telling OpenTelemetry costs a call, in processor time, with an SDK and without one.

    python benchmarks/telemetry.py [--prompts 150] [--rounds 4]

Writes benchmarks/results/telemetry.md. Each run is a process of its own against the server of the
tests, which is another process; the kinds take turns, and the least of the rounds counts. Needs
opentelemetry-sdk, which keeps spans, metrics and events in memory here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results" / "telemetry.md"
CALLS_A_PROMPT = 8
KINDS = {
    "no SDK": "",
    "the API imported, no SDK": "from opentelemetry import trace, metrics, _logs",
    "an SDK, spans, metrics and events in memory": "from tests.support.telemetry import sdk\n"
    "held = sdk()\nseen = held.__enter__()",
}
PROGRAM = """
import json, resource, sys
{setup}
import judgeforge
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
config = judgeforge.load_config(sys.argv[1])
judgeforge.run(config, out=sys.argv[2] + "/warm", limit=1)
before = cpu()
result = judgeforge.run(config, out=sys.argv[2] + "/run")
used, calls = cpu() - before, result.manifest["totals"]["calls"]["paid"]
if "seen" in globals():
    assert len(seen.calls) > calls
print(json.dumps([used, calls]))
"""


@contextmanager
def serving() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.local_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        port = json.loads(process.stdout.readline())["port"] if process.stdout else 0
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def config(folder: Path, url: str, prompts: int) -> Path:
    rows = ({"prompt": f"Tell me fact number {number}."} for number in range(prompts))
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    price = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}
    model = {"provider": "openai", "model": "m", "base_url": url, "price": price}
    written = {
        "prompts": {"path": "prompts.jsonl"},
        "models": {"m": {**model, "concurrency": 64}},
        "sampling": {"models": ["m"], "completions": 4, "max_tokens": 64},
        "rubric": "helpfulness",
        "judging": {"judges": [{"model": "m"}], "fit_repeats": 0},
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(written))
    return file


def milliseconds(kind: str, prompts: int) -> float:
    """Of the processor, for a call."""
    with serving() as url, tempfile.TemporaryDirectory() as place:
        file = config(Path(place), url, prompts)
        command = [sys.executable, "-c", PROGRAM.format(setup=KINDS[kind]), str(file), place]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "none-needed"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, cwd=place
        )
    seconds, calls = json.loads(done.stdout)
    return 1000 * float(seconds) / int(calls)


def nanoseconds_of_the_hook() -> float:
    """All that a call does for telemetry where there is no SDK: it looks whether there is one."""
    number = 2_000_000
    setup = "class Log: pass\nlog = Log(); log.on_call = None"
    with_hook = min(timeit.repeat("if log.on_call is not None: pass", setup, number=number))
    without = min(timeit.repeat("pass", setup, number=number))
    return (with_hook - without) / number * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(given.rounds):
        for kind, took in found.items():
            took.append(milliseconds(kind, given.prompts))
    command = f"python benchmarks/telemetry.py --prompts {given.prompts} --rounds {given.rounds}"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    base = min(found["no SDK"])
    lines = [
        "# What telling OpenTelemetry costs\n",
        f"`{command}` on {when}: {machine}. Processor time of the whole process for a call, "
        f"{given.prompts} prompts with {CALLS_A_PROMPT} calls each; the least of {given.rounds} "
        "rounds, in which the kinds take turns.\n",
        "| | ms a call | beside no SDK | all rounds |",
        "|---|---:|---:|---|",
        *(
            f"| {kind} | {min(took):.2f} | {min(took) / base:.2f} | "
            f"{', '.join(f'{one:.2f}' for one in took)} |"
            for kind, took in found.items()
        ),
        f"\nWithout an SDK a call looks once whether there is one: "
        f"{nanoseconds_of_the_hook():.0f} ns.\n",
    ]
    RESULT.write_text("\n".join(lines))
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
