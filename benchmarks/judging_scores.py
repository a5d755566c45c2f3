"""Rows on best-of-four with recorded scores (RewardBench 2), without a label: accuracy and price of
the cascade, calibration of the chosen's probability, speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.judging_data import ScoredItem, load_scores
from benchmarks.judging_replay import Plan, Replay, Result, judge_with_cascade, run
from benchmarks.judging_report import Measure, Target, mean_interval
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Judgment

VARIANT = "criteria"
FIRST, CHEAP = "claude-haiku-4.5", "gpt-5.4-mini"
JUDGES = (FIRST, CHEAP, "gpt-5.4", "claude-sonnet-4.6")
SAMPLES = 8
BINS = 10

ONCE = Plan(JUDGES, 1, CascadeRules(target_confidence=0.9, min_gain=0.0135))
REPEATED = Plan(JUDGES, SAMPLES, CascadeRules(target_confidence=0.9, min_gain=0.0005))
ONE_JUDGE = Plan((CHEAP,), SAMPLES, CascadeRules(target_confidence=0.9, min_gain=0.0015))

Judging = Callable[[Replay, Reliability], list[Judgment]]


def everybody(judges: Sequence[str], samples: int = 1) -> Judging:
    def ask(replay: Replay, _: Reliability) -> list[Judgment]:
        replay.restart()
        return replay.ask_all(judges, samples)

    return ask


def cascade(plan: Plan) -> Judging:
    return lambda replay, reliability: judge_with_cascade(replay, plan, reliability)


def measure(data: Path, draws: int) -> list[Measure]:
    items = load_scores(data, VARIANT, JUDGES)
    if not items:
        return []
    panel = _draws(items, draws, everybody(JUDGES))
    whole = _draws(items, draws, everybody(JUDGES, SAMPLES))
    eight = _draws(items, draws, everybody((CHEAP,), SAMPLES))
    once, repeated, cheap = (
        _draws(items, draws, cascade(plan)) for plan in (ONCE, REPEATED, ONE_JUDGE)
    )
    cost = "calls a completion"
    return [
        _accuracy("all four judges once", panel),
        _accuracy("all four judges eight times", whole),
        _accuracy(f"{CHEAP} eight times", eight),
        _accuracy("cascade, one answer of each judge", once),
        _difference("cascade minus all four once, points", once, panel, -0.2),
        _calls(f"its {cost}", once, 1.5, "1.65 level with all four"),
        _accuracy("cascade, repeats allowed", repeated),
        _difference("it minus the 32-call panel, points", repeated, whole, -0.5),
        _calls(f"its {cost}", repeated, 2.8, "2.9, 0.5 to 1.2 points short"),
        _accuracy(f"cascade of {CHEAP} alone", cheap),
        _difference("it minus its eight calls, points", cheap, eight, -0.5),
        _calls(f"its {cost}", cheap, 2.0, ""),
        _calibration("ECE of chosen's p_best, all four once", panel),
        _calibration("ECE, cascade, one answer each", once),
        _calibration("ECE, cascade with repeats", repeated),
        _speed(items),
    ]


def _draws(items: Sequence[ScoredItem], draws: int, judging: Judging) -> list[Result]:
    """The same seed gives the same shuffles whatever is asked: differences are paired."""
    return [run(items, seed, judging) for seed in range(draws)]


def _by_item(results: Sequence[Result]) -> np.ndarray:
    return 100.0 * np.mean([one.correct for one in results], axis=0)


def _accuracy(what: str, results: Sequence[Result]) -> Measure:
    mean, *interval = mean_interval(_by_item(results))
    return Measure(
        f"{what}, right %",
        mean,
        (interval[0], interval[1]),
        None,
        details={"by_draw": [100.0 * float(one.correct.mean()) for one in results]},
    )


def _difference(
    what: str, results: Sequence[Result], against: Sequence[Result], least: float
) -> Measure:
    mean, low, high = mean_interval(_by_item(results) - _by_item(against))
    return Measure(what, mean, (low, high), Target(least=least))


def _calls(what: str, results: Sequence[Result], most: float, plain: str) -> Measure:
    mean, low, high = mean_interval(np.mean([one.calls for one in results], axis=0))
    return Measure(what, mean, (low, high), Target(most=most), plain)


def _calibration(what: str, results: Sequence[Result]) -> Measure:
    errors = [expected_calibration_error(one.confidence, one.correct) for one in results]
    low, high = np.percentile(errors, [2.5, 97.5])
    return Measure(
        what,
        float(np.mean(errors)),
        (float(low), float(high)),
        Target(most=0.035),
        "0.034 to 0.046",
        details={"by_draw": errors},
    )


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Over equal-count bins, 0 to 1."""
    bins = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    gaps = [len(b) * abs(confidence[b].mean() - correct[b].mean()) for b in bins if len(b)]
    return float(sum(gaps) / len(confidence))


def _speed(items: Sequence[ScoredItem]) -> Measure:
    """Of the processor, the best of several, so that other programs on the machine do not count."""
    draw = np.random.default_rng(0)
    asked = [Replay(item, draw).ask_all(JUDGES) for item in items]
    learnt = fit_reliability(asked, same_writer=0.0)

    def once() -> float:
        start = time.process_time()
        for judgments in asked:
            rank(judgments, reliability=learnt)
        return len(asked) / (time.process_time() - start)

    return Measure(
        "speed of rank, 4 completions x 4 judges, prompts/s",
        max(once() for _ in range(5)),
        None,
        Target(least=5000),
    )
