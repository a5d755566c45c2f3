"""How good the judging is, on recorded scores, verdicts and replies of judges, without a server.

``python benchmarks/judging.py --data FOLDER`` prints the table and writes it to
``benchmarks/results/``. Everything goes through the product's own code (read_evidence,
fit_reliability, rank, next_bundle, calibration, the readers of replies); only the answers of the
judges are recorded ones. FOLDER holds rb2_scores, pairs, verdicts and judge_replies (.jsonl.gz).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import judging_replies, judging_scores, judging_verdicts
from benchmarks.judging_data import NoDataError, check_folder
from benchmarks.judging_report import (
    Measure,
    Target,
    as_json,
    as_markdown,
    machine,
    write,
    write_json,
)

RESULTS = Path(__file__).parent / "results"
DRAWS = 20
METHOD = (
    "Recorded answers stand in for the server; everything else is the product's own code. Each of "
    "the draws shuffles the recorded answers of every judge, the places of the completions and the "
    "order of the prompts. As in a run, the judges are learnt without labels on the first 64 "
    "prompts, whose calls count too. Ties count as shared. Intervals are over the items.",
)


def main() -> int:
    arguments = _arguments()
    try:
        check_folder(arguments.data)
    except NoDataError as error:
        print(error, file=sys.stderr)
        return 2
    about = {"command": _command(arguments), "machine": machine(), "method": METHOD}
    wall, cpu = time.perf_counter(), time.process_time()
    measures = measure(arguments.data, arguments.draws)
    about["seconds"] = time.perf_counter() - wall
    about["cpu_seconds"] = time.process_time() - cpu
    text, found = as_markdown(measures, about), as_json(measures, about)
    print(text)
    if arguments.json:
        write_json(arguments.json, found)
    else:
        write(RESULTS, text, found)
    return 0


def measure(data: Path, draws: int) -> list[Measure]:
    return [
        *judging_scores.measure(data, draws),
        *judging_verdicts.measure(data),
        *_with_labels(data, draws),
        *_replies(data),
    ]


def _with_labels(data: Path, draws: int) -> list[Measure]:
    if find_spec("benchmarks.judging_labels") is None:
        return []
    rows: list[Measure] = import_module("benchmarks.judging_labels").measure(data, draws)
    return rows


def _replies(data: Path) -> list[Measure]:
    """One row for all formats; the format that is read worst says how it is read."""
    if not (data / judging_replies.FILE).is_file():
        return []
    formats = judging_replies.measure(data)
    told = [one for one in formats if one.recorded]
    untold = [one for one in formats if one.null]
    worst = min(told, key=lambda one: one.share_as_recorded)
    loosest = min(untold, key=lambda one: one.share_left_unread)
    return [
        Measure(
            "replies read as recorded, the worst format, %",
            100.0 * worst.share_as_recorded,
            (100.0 * worst.as_recorded_ci[0], 100.0 * worst.as_recorded_ci[1]),
            Target(least=99.9),
            "last match: 88 on explained LLMBar",
            details={one.format: [one.as_recorded, one.recorded] for one in told},
        ),
        Measure(
            "replies without a verdict left unread, the worst format, %",
            100.0 * loosest.share_left_unread,
            (100.0 * loosest.left_unread_ci[0], 100.0 * loosest.left_unread_ci[1]),
            Target(least=100.0),
            details={one.format: [one.left_unread, one.null] for one in untold},
        ),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="instead of the results folder")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"default {DRAWS}")
    return parser.parse_args()


def _command(arguments: argparse.Namespace) -> str:
    """Without the folder's own path, which says nothing to others."""
    draws = "" if arguments.draws == DRAWS else f" --draws {arguments.draws}"
    return f"python benchmarks/judging.py --data FOLDER{draws}"


if __name__ == "__main__":
    sys.exit(main())
