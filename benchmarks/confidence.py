"""Whether pairs are as often right, tied and wrong as they say, on completions of known quality.

``python benchmarks/confidence.py --data FOLDER`` prints the tables and writes them to
``benchmarks/results/confidence.md``. FOLDER holds downstream/completions.jsonl.gz, and pairs and
verdicts (.jsonl.gz) of recorded judges with the votes of people. Everything goes through the
product's own code; judges are simulated on the former, and recorded on the latter. Beside them
stands a family of made-up worlds (confidence_family.py), for which no folder is needed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import confidence_family, confidence_people
from benchmarks.confidence_report import Told, as_markdown
from benchmarks.confidence_worlds import (
    CHEAP,
    RANDOM,
    STRONG,
    Item,
    draw_world,
    judge_with_cascade,
    load_rows,
)
from benchmarks.judging_data import NoDataError, check_folder
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.reliability.unseen import UNMEASURED
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Judgment

RESULTS = Path(__file__).parent / "results" / "confidence.md"
WORLDS, FIT_PROMPTS, FAMILY = 6, 64, 24
HELD_OUT_SEED = 100
"""Of the first draw of judges' errors on completions on which nothing was chosen."""
ALL = (CHEAP, *STRONG)
TWO = (CHEAP, STRONG[1])

Judging = Callable[[Item, Reliability], list[Judgment]]


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    prompts: int
    judging: Judging
    first: Judging | None = None
    """Of the first prompts that are drawn for measuring the judges."""
    is_fitted: bool = True


def everybody(judges: Sequence[str], repeats: int = 1) -> Judging:
    return lambda item, _: item.ask_all(judges, repeats)


def cascade(of: str) -> Judging:
    rules = CascadeRules.model_validate({"target_confidence": 0.9, "of": of})
    return lambda item, known: judge_with_cascade(item, ALL, rules, known)


WAYS = (
    Way("one cheap judge, once, nothing measured", 1200, everybody([CHEAP]), is_fitted=False),
    Way(
        "one cheap judge, repeats on first prompts", 1200, everybody([CHEAP]), everybody([CHEAP], 2)
    ),
    Way(
        "one strong judge, repeats on first prompts",
        1200,
        everybody([STRONG[1]]),
        everybody([STRONG[1]], 2),
    ),
    Way("two judges far apart", 600, everybody(TWO)),
    Way("panel of four", 300, everybody(ALL)),
    Way("cascade of: pair", 511, cascade("pair"), everybody(ALL)),
    Way("cascade of: pair, first prompts not asked all", 511, cascade("pair")),
    Way("cascade of: best", 511, cascade("best"), everybody(ALL)),
    Way("a random judge, once, nothing measured", 600, everybody([RANDOM]), is_fitted=False),
    Way(
        "a random judge, repeats on first prompts", 600, everybody([RANDOM]), everybody([RANDOM], 2)
    ),
)


def measure(items: Sequence[Item], way: Way) -> Told:
    """As a run does it: judges are learnt on the first prompts, and all are ranked with that."""
    items = items[: way.prompts]
    first = [
        (way.first if way.first and item.is_drawn else way.judging)(item, PRIOR)
        for item in items[:FIT_PROMPTS]
    ]
    known = fit_reliability(first, same_writer=1.0) if way.is_fitted else UNMEASURED
    judged = first + [way.judging(item, known) for item in items[FIT_PROMPTS:]]
    better, tie, sign = list[float](), list[float](), list[float]()
    for item, judgments in zip(items, judged, strict=True):
        for pair in select_pairs(rank(judgments, reliability=known)).pairs:
            better.append(pair.confidence)
            tie.append(pair.p_tie)
            sign.append(float(np.sign(item.difference(pair.chosen_id, pair.rejected_id))))
    calls = sum(map(len, judged)) / sum(len(item.quality) for item in items)
    outcome = np.array(sign)
    return Told(np.array(better), np.array(tie), outcome > 0, outcome == 0, calls)


def _all_ways(rows: Sequence[Mapping[str, Any]], seeds: Iterable[int]) -> dict[str, list[Told]]:
    told: dict[str, list[Told]] = {way.name: [] for way in WAYS}
    for seed in seeds:
        items = draw_world(rows, seed, max(way.prompts for way in WAYS))
        for way in WAYS:
            told[way.name].append(measure(items, way))
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--worlds", type=int, default=WORLDS, help=f"default {WORLDS}")
    arguments = parser.parse_args()
    try:
        check_folder(arguments.data)
        rows = load_rows(arguments.data)
        fresh = load_rows(arguments.data, held_out=True)
    except NoDataError as error:
        print(error, file=sys.stderr)
        return 2
    begun = time.process_time()
    seen = _all_ways(rows, range(arguments.worlds))
    held_out = _all_ways(fresh, range(HELD_OUT_SEED, HELD_OUT_SEED + arguments.worlds))
    family = confidence_family.measure(FAMILY)
    people = confidence_people.measure(arguments.data)
    text = as_markdown(
        {"held out": held_out, "seen": seen},
        family,
        people,
        worlds=arguments.worlds,
        seconds=time.process_time() - begun,
    )
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
