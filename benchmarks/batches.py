"""A run in batches beside the same run without: requests, batches, cost, time, and `--no-wait`.

    python benchmarks/batches.py [--prompts 200]

Writes benchmarks/results/batches.md; about a minute. The server is the one of the tests: it speaks
both APIs, answers a batch two seconds after it was created, and counts what it bills.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parent.parent))

import judgeforge
from tests.local_server import LocalServer
from tests.support.batch_setup import BATCH_PRICE, creations, in_batches, lines
from tests.support.run_setup import KEY, KEY_VARIABLE, model, write_config

RESULT = Path(__file__).parent / "results" / "batches.md"
Wire = Literal["openai", "anthropic"]
DELAY_S = 2.0
CRON_S = 1.0
COLUMNS = (
    "provider",
    "way",
    "starts",
    "calls",
    "in batches",
    "batches",
    "billed",
    "stated cost",
    "stated saving",
    "seconds",
)


@dataclass(frozen=True)
class Way:
    name: str
    in_batches: bool
    no_wait: bool = False


WAYS = (
    Way("directly", in_batches=False),
    Way("in batches", in_batches=True),
    Way("in batches, `--no-wait` each second", in_batches=True, no_wait=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=200)
    prompts = parser.parse_args().prompts
    os.environ[KEY_VARIABLE] = KEY
    wires: tuple[Wire, ...] = ("openai", "anthropic")
    rows = [measured(wire, way, prompts) for wire in wires for way in WAYS]
    text = [
        "# Batches\n",
        f"`python benchmarks/batches.py --prompts {prompts}`, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores (other work on them).\n",
        f"{prompts} prompts, 4 completions and 4 judgments each, on the local server, which "
        f"answers a batch {DELAY_S:.0f} s after it was created. The first prompt goes directly. A "
        "price in batches of half the usual one is configured.\n",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *rows,
    ]
    RESULT.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def measured(wire: Wire, way: Way, prompts: int) -> str:
    with tempfile.TemporaryDirectory() as place, LocalServer() as server:
        server.behaviour.batches.delay_s = DELAY_S
        own: dict[str, Any] = in_batches() if way.in_batches else {"price": BATCH_PRICE}
        models = {"small": model(server, wire, **own)}
        config = write_config(Path(place), server, prompts=prompts, provider=wire, models=models)
        begun, codes = time.monotonic(), list[int]()
        while not codes or codes[-1] == 6:
            result = start(config, Path(place) / "out", no_wait=way.no_wait)
            codes.append(result.exit_code)
            time.sleep(CRON_S if codes[-1] == 6 else 0)
        if codes[-1]:
            raise SystemExit(f"{wire}, {way.name}: exit {codes[-1]}: {result.stopped_by}")
        seconds, manifest = time.monotonic() - begun, result.manifest
        saved = manifest.get("batches")
        cells = [
            wire,
            way.name,
            len(codes),
            f"{len(server.calls(status=200)):,}",
            f"{len(lines(server)):,}",
            creations(server),
            f"${server.billed_usd({'small': BATCH_PRICE}):.4f}",
            f"${manifest['totals']['cost_usd']:.4f}",
            f"${saved['directly_usd'] - saved['cost_usd']:.4f}" if saved else "none",
            f"{seconds:.1f}",
        ]
    return f"| {' | '.join(map(str, cells))} |"


def start(config: Path, out: Path, *, no_wait: bool) -> judgeforge.RunResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return judgeforge.run(judgeforge.load_config(config), out, no_wait=no_wait)


if __name__ == "__main__":
    main()
