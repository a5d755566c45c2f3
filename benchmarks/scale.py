"""How time, memory and disk of one process grow with the number of prompts.

    python benchmarks/scale.py [--kinds start,checks,calls] [--sizes 1000,10000,100000]
                               [--exports trl,kto] [--into FOLDER]

Three kinds of work, all through the command line and each command in a fresh process:

- ``start``: how long a start takes until its first prompt is finished where all others are done
  (see ``scale_start``). A million prompts take some minutes to make, and a minute to measure.

- ``checks``: rows bring two completions and code decides between them. Nothing is sent, so that
  a hundred thousand prompts take minutes, and everything that a prompt leaves behind is there:
  worklist, journal, result files, figures, card, report, exports.
- ``calls``: two completions sampled and one pairwise judgment, paid, at a local server that answers
  at once; beside the above spending file, log and cache.

Of each size: the first half of the prompts, the other half (a resume), the same command again
(nothing is left to do), the report, and each export. What was measured is kept in
``results/scale.json`` by kind and size with its command, machine and time, so that sizes can be
measured one at a time, or several at once; the table shows all that is there, and ``--table``
writes it anew without measuring. ``bytes a prompt``: the growth of the peak from the size before.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scale_report import keep, kept, write_report
from scale_start import has_room_for, measure_start
from throughput_report import load_average, machine
from throughput_runs import Server, serving

ROOT = Path(__file__).parent.parent
WORKER = Path(__file__).parent / "scale_worker.py"
RESULTS = Path(__file__).parent / "results"
KINDS = "start", "checks", "calls"
EXPORTS = {
    "trl": "trl",
    "trl-parquet": "trl.parquet",
    "ranked": "ranked.jsonl",
    "kto": "kto.jsonl",
    "openrlhf": "openrlhf.jsonl",
    "llamafactory": "llamafactory",
    "parquet": "pairs.parquet",
}
LONGEST_S = 7200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default=",".join(KINDS), help="separated by commas")
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of prompts")
    parser.add_argument("--exports", default=",".join(EXPORTS), help="names, or nothing for none")
    parser.add_argument("--table", action="store_true", help="only write the table")
    parser.add_argument("--into", type=Path, help="where to work; by default a temporary folder")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    exports = [name for name in asked.exports.split(",") if name]
    for kind in () if asked.table else asked.kinds.split(","):
        for size in map(int, asked.sizes.split(",")):
            before = machine()
            with tempfile.TemporaryDirectory(prefix="judgeforge-scale-", dir=asked.into) as folder:
                measured = measure(kind, size, Path(folder), exports)
            measured |= {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "command": f"python benchmarks/scale.py --kinds {kind} --sizes {size}",
                "load": [before["load_before"], load_average()],
            }
            keep(asked.results, kind, size, measured, before)
    write_report(kept(asked.results), asked.results)


def measure(kind: str, prompts: int, folder: Path, wanted: Sequence[str]) -> dict[str, Any]:
    if kind == "start":
        if not has_room_for(folder, prompts):
            raise RuntimeError(f"{folder}: not enough room on the disk; see --into")
        config, out = write_project(folder, kind, prompts, None), folder / "run"
        return measure_start(config, out, prompts) | sizes_of(folder)
    with server_for(kind) as server:
        config = write_project(folder, kind, prompts, server)
        out = folder / "run"
        run = ["run", str(config), "--out", str(out), "--quiet"]
        phases = {
            "first half": judgeforge(*run, "--limit", str(prompts // 2)),
            "resume": judgeforge(*run),
            "again": judgeforge(*run),
            "report": judgeforge("report", str(out), "--to", str(folder / "again.html")),
        }
    exports: dict[str, Any] = {}
    for name in wanted:
        place = EXPORTS[name]
        target = name.partition("-")[0]
        to = folder / "exported" / place
        exports[name] = judgeforge("export", str(out), "--format", target, "--to", str(to))
        shutil.rmtree(folder / "exported", ignore_errors=True)
    return {"phases": phases, "exports": exports} | sizes_of(folder)


def sizes_of(folder: Path) -> dict[str, Any]:
    out = folder / "run"
    return {
        "disk_mb": {"run folder": size_mb(out), "cache": size_mb(folder / "cache")},
        "state_mb": {file.name: file.stat().st_size / 1e6 for file in (out / "state").iterdir()},
        "report_mb": (out / "report.html").stat().st_size / 1e6,
    }


@contextmanager
def server_for(kind: str) -> Iterator[Server | None]:
    with serving(0) if kind == "calls" else nullcontext() as server:
        yield server


def judgeforge(*arguments: str) -> dict[str, Any]:
    say(" ".join(arguments[:1]) + " …")
    done = subprocess.run(
        [sys.executable, str(WORKER), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=LONGEST_S,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    say(
        f"  {found['wall_s']:.1f} s, {found['cpu_s']:.1f} s of processor, {found['peak_mb']:.0f} MB"
    )
    if found["exit_code"] != 0:
        raise RuntimeError(f"{arguments}: {found}")
    return found


def write_project(folder: Path, kind: str, prompts: int, server: Server | None) -> Path:
    """Returns the configuration."""
    config: dict[str, Any] = {
        "prompts": {"path": "prompts.jsonl"},
        "cache": {"dir": str(folder / "cache")},
        "budget": {"usd": 1e6},
    }
    if server is None:
        config |= {"rubric": "checked.yaml"}
    else:
        price = {"input_per_mtok": 0.5, "output_per_mtok": 2.0}
        model = {"provider": "openai", "base_url": server.url, "concurrency": 64, "price": price}
        config |= {
            "models": {n: model | {"model": f"{n}-1"} for n in ("writer", "judge")},
            "sampling": {"models": ["writer"], "completions": 2, "max_tokens": 128},
            "rubric": "helpfulness",
            "judging": {"judges": [{"model": "judge", "protocol": "pairwise"}]},
            "limits": {"concurrency": 64},
        }
    rubric = {
        "name": "checked",
        "version": 1,
        "guidance": "Short answers are better.",
        "criteria": [{"name": "brief", "check": {"max_words": 30}}],
    }
    (folder / "checked.yaml").write_text(json.dumps(rubric))
    with (folder / "prompts.jsonl").open("w") as file:
        for row in rows(kind, prompts):
            file.write(json.dumps(row) + "\n")
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, indent=1))  # JSON is YAML
    return path


def rows(kind: str, number: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)
    words = ROOT.joinpath("LICENSE").read_text().split()
    for i in range(number):
        row: dict[str, Any] = {"prompt": f"Question {i}: {' '.join(chance.choices(words, k=40))}?"}
        if kind != "calls":
            lengths = chance.sample((20, 60), k=2)
            row["completions"] = [" ".join(chance.choices(words, k=length)) for length in lengths]
        yield row


def size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
