"""Panels of recorded judges for few_labels.py: as they are, and with a judge that is bad.

A bad judge is made of a recorded one: it says the opposite (*inverted*), anything (*random*), or is
shown each pair in one order only, so that its seats are never corrected for (*one order*).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.judging_data import load_scores, load_verdicts
from benchmarks.judging_replay import Replay
from judgeforge.calibration.labels import Label
from judgeforge.calibration.weights import Labelled
from judgeforge.ranking.evidence import read_evidence
from judgeforge.records import Judgment

MINI, HAIKU, FIVE, SONNET, NANO = (
    "gpt-5.4-mini", "claude-haiku-4.5", "gpt-5.4", "claude-sonnet-4.6", "gpt-5.4-nano",
)  # fmt: skip
BEST, WEAK, OTHER = "gpt-4", "llama-2-70b-chat", "gpt-3.5-turbo-0301"
TRAPS, CASES, PROCESSED = "llmbar", "llmbar_case", "llmbar_processed"
_TURNED = {"a": "b", "b": "a"}

Change = Callable[[Sequence[Judgment]], list[Judgment]]


@dataclass(frozen=True, slots=True)
class Panel:
    name: str
    items: tuple[Labelled, ...]
    is_seen: bool


def panels(data: Path) -> Iterator[Panel]:
    yield from _not_seen(data)
    yield from _seen(data)


def _not_seen(data: Path) -> Iterator[Panel]:
    def compared(name: str, of: str, prompt: str, **how: Change | Collection[str]) -> Panel:
        return Panel(name, _compared(data, of, prompt, **how), is_seen=False)  # type: ignore[arg-type]

    for prompt in ("metrics_reference", "cot", "vanilla", "swap"):
        yield compared(f"six judges, LLMBar's traps, {prompt}", TRAPS, prompt)
    yield compared("four judges, LLMBar processed", PROCESSED, "metrics_reference")
    three = {BEST, "palm-2", OTHER}
    yield compared("three judges, LLMBar's traps", TRAPS, "metrics_reference", judges=three)
    bad = "six judges, the best inverted, LLMBar's traps"
    yield compared(bad, TRAPS, "metrics_reference", change=inverted(BEST))
    yield compared("six judges, one order, LLMBar's traps", TRAPS, "cot", change=in_one_order)
    yield from _scoring(data, is_seen=False)


def _seen(data: Path) -> Iterator[Panel]:
    for prompt in ("metrics_reference", "cot", "vanilla", "swap"):
        items = _compared(data, CASES, prompt)
        yield Panel(f"six judges, LLMBar's cases, {prompt}", items, is_seen=True)
    two = _compared(data, CASES, "vanilla", judges={WEAK, BEST})
    yield Panel("two judges, LLMBar's cases", two, is_seen=True)
    bad = _compared(data, CASES, "vanilla", change=inverted(BEST))
    yield Panel("six judges, the best inverted, LLMBar's cases", bad, is_seen=True)
    yield from _scoring(data, is_seen=True)


def _scoring(data: Path, *, is_seen: bool) -> Iterator[Panel]:
    def scored(name: str, prompt: str, *judges: str, change: Change | None = None) -> Panel:
        items = _scored(data, prompt, judges, even=is_seen, change=change)
        return Panel(f"{name}, RewardBench 2", items, is_seen=is_seen)

    yield scored("five judges scoring", "base", HAIKU, MINI, FIVE, SONNET, NANO)
    yield scored("four judges scoring", "criteria", HAIKU, MINI, FIVE, SONNET)
    yield scored("two judges scoring", "criteria", HAIKU, MINI)
    yield scored("two far apart scoring", "base", NANO, HAIKU)
    yield scored("two scoring, one inverted", "criteria", MINI, HAIKU, change=inverted(MINI))
    yield scored("two scoring, one random", "criteria", FIVE, HAIKU, change=at_random(FIVE))
    four = (HAIKU, MINI, FIVE, SONNET)
    yield scored("four scoring, one inverted", "criteria", *four, change=inverted(FIVE))


def inverted(judge: str) -> Change:
    def change(judgments: Sequence[Judgment]) -> list[Judgment]:
        return [_turned(one) if one.judge == judge else one for one in judgments]

    return change


def _turned(one: Judgment) -> Judgment:
    if one.score is not None:
        return one.model_copy(update={"score": 1.0 - one.score})
    return one.model_copy(update={"verdict": _TURNED.get(one.verdict or "", one.verdict)})


def at_random(judge: str) -> Change:
    def change(judgments: Sequence[Judgment]) -> list[Judgment]:
        return [
            one.model_copy(update={"score": _drawn(one.id, 10) / 9, "missing": None})
            if one.judge == judge
            else one
            for one in judgments
        ]

    return change


def in_one_order(judgments: Sequence[Judgment]) -> list[Judgment]:
    """Which one is drawn for each pair."""
    return [one for one in judgments if one.id.endswith("ab" if _drawn(one.prompt_id, 2) else "ba")]


def _drawn(name: str, number: int) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % number


def _compared(
    data: Path,
    dataset: str,
    prompt: str,
    *,
    judges: Collection[str] = (),
    change: Change | None = None,
) -> tuple[Labelled, ...]:
    found = []
    for pair in load_verdicts(data, dataset, prompt):
        if pair.subset == "natural":
            continue
        judgments = [one for one in pair.judgments if not judges or one.judge in judges]
        evidence = read_evidence(change(judgments) if change else judgments)
        if len(evidence.completion_ids) == 2:
            found.append(Labelled(evidence, Label.of(pair.id, pair.better)))
    return tuple(found)


def _scored(
    data: Path, prompt: str, judges: Sequence[str], *, even: bool, change: Change | None
) -> tuple[Labelled, ...]:
    draw = np.random.default_rng(0)
    found = []
    for item in load_scores(data, prompt, judges):
        if (_drawn(item.id, 2) == 0) is not even:
            continue
        replay = Replay(item, draw)
        judgments = replay.ask_all(judges)
        evidence = read_evidence(change(judgments) if change else judgments, replay.names)
        found.append(Labelled(evidence, Label.of(replay.id, replay.right)))
    return tuple(found)
