"""What the same money makes of training pairs, by way of judging; no model is trained here.

``python benchmarks/training_pairs.py --data FOLDER`` prints the tables and writes them to
``benchmarks/results/training-pairs.md``. FOLDER holds downstream/completions.jsonl.gz: completions
of known quality, judged by simulated judges (confidence_worlds.py). Pairs are made by the product's
own code, and valued by the regression over earlier trainings that ``judging.aim: training`` uses.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.confidence_worlds import (
    CHEAP,
    COMPLETIONS,
    STRONG,
    Item,
    draw_world,
    judge_with_cascade,
    load_rows,
)
from benchmarks.judging_data import NoDataError, check_folder
from benchmarks.judging_report import machine
from judgeforge.ranking.cascade.training_value import ForTraining, TrainingValue
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.rules import CascadeRules, PairingRules
from judgeforge.records import Judgment

RESULTS = Path(__file__).parent / "results" / "training-pairs.md"
FIRST_SEED, WORLDS, FIT_PROMPTS = 200, 4, 64
CALLS = 4800
VALUE = TrainingValue()
PANEL, BEST = (CHEAP, *STRONG), STRONG[1]

Judging = Callable[[Item, Reliability], list[Judgment]]
Prices = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    judges: tuple[str, ...]
    judging: Callable[[Prices], Judging]
    first: Judging | None = None
    """Of the first prompts that are drawn for measuring the judges."""
    completions: int = COMPLETIONS
    """Of each prompt, those that may be sampled in doubt included."""
    is_raw: bool = False
    """Best against worst by the mean score, without anything learnt."""
    surest: float = 1.0
    """The share of the pairs that is kept, the most confident first (``pairing.best``)."""


@dataclass(frozen=True, slots=True)
class Made:
    prompts: int
    """That were judged, or that still have a pair where only the surest are kept."""
    pairs: int
    wrong: float
    tied: float
    gap: float
    """Mean quality of chosen less that of rejected."""
    is_all: bool
    """Whether the money would have paid for more prompts than there are."""


def everybody(judges: Sequence[str], repeats: int = 1) -> Judging:
    return lambda item, _: item.ask_all(judges, repeats)


def cascade(
    judges: Sequence[str], *, training: bool, completions: int = COMPLETIONS, more: int = 0
) -> Callable[[Prices], Judging]:
    rules = CascadeRules.model_validate({"of": "pair", "target_confidence": 0.9})

    def with_prices(prices: Prices) -> Judging:
        fresh = completions * prices[judges[0]]
        aim = ForTraining(VALUE, fresh) if training else None
        return lambda item, known: judge_with_cascade(
            item, judges, rules, known, prices=prices, training=aim, more=more
        )

    return with_prices


def always(judging: Judging) -> Callable[[Prices], Judging]:
    return lambda _: judging


WAYS = (
    Way("cheap judge, raw", (CHEAP,), always(everybody([CHEAP])), is_raw=True),
    Way("cheap judge, raw, 8 completions", (CHEAP,), always(everybody([CHEAP])), None, 8, True),
    Way("strong judge, raw", (BEST,), always(everybody([BEST])), is_raw=True),
    Way("strong judge, raw, 8 completions", (BEST,), always(everybody([BEST])), None, 8, True),
    Way("four judges, raw mean", PANEL, always(everybody(PANEL)), is_raw=True),
    Way("judgeforge, cheap", (CHEAP,), always(everybody([CHEAP])), everybody([CHEAP], 2)),
    Way("judgeforge, strong", (BEST,), always(everybody([BEST])), everybody([BEST], 2)),
    Way("judgeforge, two judges", (CHEAP, BEST), always(everybody((CHEAP, BEST)))),
    Way("judgeforge, four judges", PANEL, always(everybody(PANEL))),
    Way(
        "judgeforge, cascade from cheap, aim rightness",
        PANEL,
        cascade(PANEL, training=False),
        everybody(PANEL),
    ),
    Way(
        "judgeforge, cascade from cheap, aim training",
        PANEL,
        cascade(PANEL, training=True),
        everybody(PANEL),
    ),
    Way(
        "judgeforge, cascade from strong, aim training",
        (BEST, CHEAP),
        cascade((BEST, STRONG[0], STRONG[2]), training=True),
        everybody((BEST, STRONG[0], STRONG[2])),
    ),
    Way(
        "judgeforge, cascade from strong, aim training, 8 completions",
        (BEST, CHEAP),
        cascade((BEST, STRONG[0], STRONG[2]), training=True, completions=8),
        everybody((BEST, STRONG[0], STRONG[2])),
        completions=8,
    ),
    Way(
        "judgeforge, strong, aim training, up to 4 completions more in doubt",
        (BEST,),
        cascade([BEST], training=True, more=4),
        lambda item, _: item.first(COMPLETIONS).ask_all([BEST], 2),
        completions=COMPLETIONS + 4,
    ),
    Way(
        "judgeforge, cascade from strong, aim training, up to 4 completions more in doubt",
        (BEST, CHEAP),
        cascade((BEST, STRONG[0], STRONG[2]), training=True, more=4),
        lambda item, _: item.first(COMPLETIONS).ask_all((BEST, STRONG[0], STRONG[2])),
        completions=COMPLETIONS + 4,
    ),
    Way(
        "judgeforge, strong, surest two thirds",
        (BEST,),
        always(everybody([BEST])),
        everybody([BEST], 2),
        surest=2 / 3,
    ),
    Way(
        "judgeforge, cascade from strong, aim training, surest two thirds",
        (BEST, CHEAP),
        cascade((BEST, STRONG[0], STRONG[2]), training=True),
        everybody((BEST, STRONG[0], STRONG[2])),
        surest=2 / 3,
    ),
)
GROUPS = (
    ("4,800 calls", 1.0, 1.0),
    ("strong = 4 x cheap", 4.0, 1.0),
    ("4,800 calls, judges 2.5 times as noisy", 1.0, 2.5),
)
"""Title, price of a strong judge in cheap ones, and noise of the judges."""


@dataclass(frozen=True, slots=True)
class Pair:
    item: Item
    chosen: int
    rejected: int
    confidence: float | None = None
    """That it is right or tied; None where nothing was learnt."""

    @property
    def gap(self) -> float:
        return float(self.item.quality[self.chosen] - self.item.quality[self.rejected])


@dataclass(frozen=True, slots=True)
class Bought:
    prompts: int
    """As in ``Made``."""
    pairs: list[Pair]
    is_all: bool


def buy(
    items: Sequence[Item],
    way: Way,
    money: float,
    prices: Prices,
    rules: PairingRules | None = None,
    *,
    fit_prompts: int = FIT_PROMPTS,
) -> Bought:
    """Prompts are judged in their order until the money is spent, as a run does it."""
    judging = way.judging(prices)
    first = [
        (way.first if way.first and item.is_drawn else judging)(item, PRIOR)
        for item in items[:fit_prompts]
    ]
    known = PRIOR if way.is_raw else fit_reliability(first, same_writer=1.0)
    spent, made, prompts = 0.0, list[Pair](), 0
    for number, item in enumerate(items):
        judgments = first[number] if number < len(first) else judging(item, known)
        spent += sum(prices[one.judge] for one in judgments)
        if spent > money:
            break
        prompts += 1
        made += _raw_pairs(item, judgments) if way.is_raw else _pairs(item, judgments, known, rules)
    is_all = prompts == len(items)
    if way.surest < 1.0:
        made = surest(made, way.surest)
        prompts = len({pair.item.id for pair in made})
    return Bought(prompts, made, is_all)


def surest(pairs: Sequence[Pair], share: float) -> list[Pair]:
    in_order = sorted(pairs, key=lambda pair: -(pair.confidence or 0.0))
    return in_order[: round(share * len(pairs))]


def make(items: Sequence[Item], way: Way, money: float, prices: Prices) -> Made:
    bought = buy(items, way, money, prices)
    gaps = np.array([pair.gap for pair in bought.pairs])
    return Made(
        bought.prompts,
        len(gaps),
        float((gaps < 0).mean()),
        float((gaps == 0).mean()),
        float(gaps.mean()),
        bought.is_all,
    )


def _pairs(
    item: Item, judgments: Sequence[Judgment], known: Reliability, rules: PairingRules | None
) -> list[Pair]:
    ranking = rank(judgments, reliability=known)
    selected = select_pairs(ranking, rules) if rules else select_pairs(ranking)
    return [
        Pair(item, _place(one.chosen_id), _place(one.rejected_id), one.confidence + one.p_tie)
        for one in selected.pairs
    ]


def _raw_pairs(item: Item, judgments: Sequence[Judgment]) -> list[Pair]:
    """None where the means of all are equal."""
    scores: dict[str, list[float]] = {}
    for one in judgments:
        scores.setdefault(one.completion_ids[0], []).append(one.score or 0.0)
    means = {name: float(np.mean(given)) for name, given in scores.items()}
    best, worst = max(means, key=lambda n: means[n]), min(means, key=lambda n: means[n])
    return [] if means[best] == means[worst] else [Pair(item, _place(best), _place(worst))]


def _place(completion_id: str) -> int:
    return int(completion_id.rpartition(".c")[2])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--worlds", type=int, default=WORLDS, help=f"default {WORLDS}")
    arguments = parser.parse_args()
    try:
        check_folder(arguments.data)
        rows = load_rows(arguments.data, all_completions=True)
    except NoDataError as error:
        print(error, file=sys.stderr)
        return 2
    begun = time.process_time()
    found: dict[str, dict[str, list[Made]]] = {}
    for title, price, noise in GROUPS:
        prices = {CHEAP: 1.0} | dict.fromkeys(STRONG, price)
        found[title] = {way.name: [] for way in WAYS}
        for seed in range(FIRST_SEED, FIRST_SEED + arguments.worlds):
            items = draw_world(rows, seed, len(rows), noise)
            for way in WAYS:
                part = [item.first(way.completions) for item in items]
                found[title][way.name].append(make(part, way, CALLS, prices))
    text = as_markdown(found, arguments.worlds, time.process_time() - begun)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


def as_markdown(
    found: Mapping[str, Mapping[str, Sequence[Made]]], worlds: int, seconds: float
) -> str:
    lines = [
        "# What the same money makes of training pairs",
        "",
        f"`python benchmarks/training_pairs.py --data FOLDER` on {datetime.now(UTC):%Y-%m-%d}: "
        f"{machine()['cpu']}, {seconds:.0f} s of processor time.",
        "",
        "**No model was trained for this table.** Pairs were made and compared with the known "
        "quality of their sides; *points* are what a regression over 85 earlier trainings of one "
        f"small model says of them: {VALUE.doubling_prompts} a doubling of the prompts (± 1.2), "
        f"-{VALUE.point_wrong} a point of wrong pairs (± 0.66), nothing for tied ones, steps "
        "being the same. They are against the best single judge of the same table. The interval "
        "(95 %) holds what the regression leaves open and the spread over draws; where it contains "
        "0, nothing is claimed.",
        "",
        f"{worlds} draws of judges' errors and orders of 1,200 prompts that were not looked at "
        "before; best against worst; judges learnt without labels on the first 64 prompts, whose "
        "calls count. *Surest two thirds*: of the pairs, by confidence, as `pairing.best` keeps "
        "them; the prompts are those that still have a pair. *More in doubt*: as "
        "`sampling.more_in_doubt` samples them, which costs no judge's call by itself. *All*: the "
        "money would have paid for more prompts than there are.",
    ]
    for title, ways in found.items():
        single = max(
            (name for name in ways if _is_single(name)), key=lambda name: _points(ways[name])
        )
        lines += [
            "",
            f"## {title}" + ("" if "calls" in title else f" ({CALLS:,} times the price of cheap)"),
            "",
            "| way | prompts | pairs | wrong % | tied % | mean quality gap | points (95 %) |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *(_row(name, parts, ways[single], name == single) for name, parts in ways.items()),
        ]
    return "\n".join(lines) + "\n"


def _is_single(name: str) -> bool:
    return "raw" in name and "four" not in name


def _points(parts: Sequence[Made]) -> float:
    return float(np.mean([VALUE.points(one.prompts, one.wrong) for one in parts]))


def _row(name: str, parts: Sequence[Made], single: Sequence[Made], is_single: bool) -> str:
    pairs = list(zip(parts, single, strict=True))
    points = [
        VALUE.points(one.prompts, one.wrong) - VALUE.points(other.prompts, other.wrong)
        for one, other in pairs
    ]
    doublings = np.mean([np.log2(one.prompts / other.prompts) for one, other in pairs])
    wrong = np.mean([one.wrong - other.wrong for one, other in pairs])
    chance = 1.96 * np.std(points, ddof=1) / np.sqrt(len(points)) if len(points) > 1 else 0.0
    off = np.hypot(VALUE.error_of_difference(float(doublings), float(wrong)), chance)
    against = "the best single judge" if is_single else f"{np.mean(points):+.1f} ± {off:.1f}"
    prompts = f"{np.mean([one.prompts for one in parts]):.0f}"
    return (
        f"| {name} | {prompts}{' (all)' if all(one.is_all for one in parts) else ''} "
        f"| {np.mean([one.pairs for one in parts]):.0f} "
        f"| {100 * np.mean([one.wrong for one in parts]):.1f} "
        f"| {100 * np.mean([one.tied for one in parts]):.1f} "
        f"| {np.mean([one.gap for one in parts]):.3f} | {against} |"
    )


if __name__ == "__main__":
    sys.exit(main())
