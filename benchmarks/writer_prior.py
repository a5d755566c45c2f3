"""What the records of the writers are worth as evidence: calls, share right and calibration.

``python benchmarks/writer_prior.py --data FOLDER`` prints the tables and writes them to
``benchmarks/results/writer-prior.md``. FOLDER holds pairs, verdicts and alpaca_prefs (.jsonl.gz).
All that is judged, learnt, asked and ranked goes through the product's own code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.confidence_report import calibration_error
from benchmarks.judging_data import PAIRS, VERDICTS
from benchmarks.writer_prior_worlds import (
    ALPACA,
    CHEAP,
    STRONG,
    TWO_JUDGES,
    World,
    alpaca_prompts,
    alpaca_writers,
    people_pairs,
)
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.choose import Spent, is_settled, next_bundle
from judgeforge.ranking.confidence import outcome
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Judgment

RESULTS = Path(__file__).parent / "results" / "writer-prior.md"
FILES = (PAIRS, VERDICTS, ALPACA)
FIRST = 64
RESOLUTION = 0.005
TARGETS = (0.7, 0.8, 0.9, 0.95)
WAYS = ("without", "with", "from the records")
"""Without the records; with them; and with nothing asked that they have settled."""


@dataclass(frozen=True, slots=True)
class Told:
    right: float
    error: float
    """Expected calibration error of P(chosen is better) + P(tie) / 2."""
    calls: float
    """A prompt, the first prompts left out, on which all judges are asked."""


def judged(
    world: World, judges: Sequence[str], known: Reliability, rules: CascadeRules, way: str
) -> list[Judgment]:
    """As a run's cascade asks."""
    options = [
        JudgeOption(name, world.shows, tier=1 + k, cost=3.0**k, questions_per_pair=1)
        for k, name in enumerate(judges)
    ]
    asked: Counter[tuple[str, tuple[int, ...]]] = Counter()

    def ask(judge: str, places: tuple[int, ...]) -> Judgment:
        repeat = asked[judge, places]
        asked[judge, places] += 1
        return world.ask(judge, places, repeat)

    everyone = range(len(world.names))
    places = [(0, 1)] if world.shows == "two" else [(i,) for i in everyone]
    nothing = read_evidence([], world.names, writers=world.writers, keep_unasked=True)
    if way == WAYS[2] and is_settled(nothing, known, rules):
        return []
    found = [ask(judges[0], one) for one in places]
    while bundle := next_bundle(
        read_evidence(
            found, world.names, keep_unjudged=True, writers=world.writers, keep_unasked=True
        ),
        options,
        known,
        rules,
        Spent(calls=len(found), cost=float(len(found))),
        asked=asked,
    ):
        found += [ask(one.judge, one.places) for one in bundle]
    return found


def measure(worlds: Sequence[World], judges: Sequence[str], target: float, way: str) -> Told:
    first, rest = worlds[:FIRST], worlds[FIRST:]
    learnt = [_everything(world, judges) for world in first]
    writers = {name: who for world in worlds for name, who in world.writers.items()}
    known = fit_reliability(learnt, writers=None if way == WAYS[0] else writers, same_writer=0.0)
    rules = CascadeRules(target_confidence=target, of="pair", min_gain=0.0001)
    right, said, calls = [], [], 0
    for world in rest:
        found = judged(world, judges, known, rules, way)
        calls += len(found)
        ranking = rank(found, completion_ids=world.names, reliability=known, writers=world.writers)
        order = sorted(zip(ranking.scores, ranking.completion_ids, strict=True))
        best, worst = order[-1][1], order[0][1]
        told = outcome(ranking, best, worst)
        right.append(world.right(best, worst))
        said.append(told.better + told.tie / 2.0)
    error = calibration_error(np.array(said), np.array(right))
    return Told(float(np.mean(right)), error, calls / len(rest))


def _everything(world: World, judges: Sequence[str]) -> list[Judgment]:
    everyone = range(len(world.names))
    places = [(0, 1)] if world.shows == "two" else [(i,) for i in everyone]
    return [world.ask(judge, one, 0) for judge in judges for one in places]


def together(parts: Sequence[Told]) -> Told:
    return Told(*(float(np.mean([getattr(p, n) for p in parts])) for n in Told.__slots__))


@dataclass(frozen=True, slots=True)
class Set:
    name: str
    judges: tuple[str, ...]
    draw: Callable[[int], Sequence[World]]


def sets(data: Path) -> list[Set]:
    pairs, names = people_pairs(data), alpaca_writers(data)

    def people(seed: int) -> Sequence[World]:
        return [pairs[i] for i in np.random.default_rng(seed).permutation(len(pairs))]

    few = names[:: len(names) // 7][:8]
    return [
        Set("PandaLM: 5 writers, two recorded judges, votes of people", TWO_JUDGES, people),
        Set(
            "AlpacaEval: 8 of its writers, from the best to the worst; simulated judges",
            (CHEAP, STRONG),
            lambda seed: alpaca_prompts(data, few, seed),
        ),
        Set(
            "AlpacaEval: all 58 writers, simulated judges",
            (CHEAP, STRONG),
            lambda seed: alpaca_prompts(data, names, seed),
        ),
    ]


Figures = dict[tuple[float, str], Told]
METHOD = (
    "Each draw shuffles the prompts (and, of AlpacaEval, draws writers and judges' errors "
    "anew). On the first 64 prompts all judges are asked and the judges, with the records the "
    "writers too, are learnt without labels; all other prompts are judged by a cascade `of: "
    "pair`, whose figures stand here. *right*: how often the best completion of a prompt is "
    "truly better than the worst, a tie for half. *ECE*: of P(better) + P(tie) / 2 against "
    "that, over ten bins. *calls*: judgments a prompt. Ways: *without* records; *with* them, "
    "the first tier always asked; *from the records*, what `judging.writer_prior` does in a "
    "cascade: nothing is asked that they have settled."
)
WORLDS = (
    "PandaLM: recorded verdicts of two judges, each asked in one order, the votes of three "
    "people, and five writers of about equal strength. AlpacaEval: the recorded preference of "
    "its annotator (GPT-4 Turbo) against the baseline, as log-odds, is taken for the truth, "
    "since no people judged it; the judges are simulated: signal over error 1.1 and 2.0, of the "
    "errors 28 % shared and 20 % a judge's taste for a writer."
)


def measured(one: Set, draws: int) -> Figures:
    return {
        (target, way): together(
            [measure(one.draw(seed), one.judges, target, way) for seed in range(draws)]
        )
        for target in TARGETS
        for way in WAYS
    }


def as_markdown(found: dict[str, Figures], draws: int) -> str:
    parts = [
        "# The records of the writers as evidence",
        f"`python benchmarks/writer_prior.py --data FOLDER --draws {draws}`",
        METHOD,
        WORLDS,
    ]
    for name, figures in found.items():
        rows = [
            "| target_confidence | way | right | ECE | calls |",
            "|---|---|---|---|---|",
            *(
                f"| {target:g} | {way} | {100 * t.right:.1f} % | {t.error:.3f} | {t.calls:.2f} |"
                for (target, way), t in figures.items()
            ),
        ]
        parts += [f"## {name}", "\n".join(rows), _saved(figures)]
    return "\n\n".join(parts) + "\n"


def _saved(figures: Figures) -> str:
    """At each point of the curve without records: the cheapest point with them that is as right."""
    told = []
    for target in TARGETS:
        plain = figures[target, WAYS[0]]
        as_right = [
            t.calls
            for (_, way), t in figures.items()
            if way != WAYS[0] and t.right >= plain.right - RESOLUTION
        ]
        said = f"{100 * plain.right:.1f} % right takes {plain.calls:.2f} calls without"
        if as_right and min(as_right) < plain.calls:
            least = min(as_right)
            told.append(f"{said}, {least:.2f} with ({1 - least / plain.calls:.0%} saved)")
        else:
            told.append(f"{said}; nothing is saved")
    return "At the same share right (within half a point): " + "; ".join(told) + "."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=8)
    arguments = parser.parse_args()
    if missing := [name for name in FILES if not (arguments.data / name).is_file()]:
        print(f"{arguments.data} has no {', '.join(missing)}; give --data", file=sys.stderr)
        return 2
    found = {one.name: measured(one, arguments.draws) for one in sets(arguments.data)}
    text = as_markdown(found, arguments.draws)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
