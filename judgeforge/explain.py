"""Why a pair is what it is: everything about it, gathered from a run folder."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.nearest import nearest
from judgeforge.records import Judgment, PreferencePair, Record

_SHOWN_IDS = 5


class ExplainedCall(Record):
    """One paid call as the log has it (the attempt that brought the reply)."""

    key: str
    model: str | None = None
    attempts: int = 0
    latency_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    outcome: str | None = None


class ExplainedSide(Record):
    """A completion of the pair and what every judge said of it."""

    completion_id: str
    model: str
    text: str
    score: float | None
    score_sd: float | None
    p_best: float | None
    judgments: tuple[Judgment, ...]


class Explanation(Record):
    pair: PreferencePair
    chosen: ExplainedSide
    rejected: ExplainedSide
    calls: tuple[ExplainedCall, ...]
    reason: str


def explain(folder: Path, pair_id: str) -> Explanation:
    """Raises ConfigError where there is no such pair or folder."""
    pair = _pair(folder, pair_id)
    source = pair.provenance
    wanted = {source.chosen_id, source.rejected_id}
    completions = {
        row["id"]: row for row in _rows(folder / "completions.jsonl") if row["id"] in wanted
    }
    judgments = [
        Judgment.model_validate(row)
        for row in _rows(folder / "judgments.jsonl")
        if row["prompt_id"] == pair.prompt_id and wanted & set(row["completion_ids"])
    ]
    chosen = _side(completions[source.chosen_id], judgments)
    rejected = _side(completions[source.rejected_id], judgments)
    return Explanation(
        pair=pair,
        chosen=chosen,
        rejected=rejected,
        calls=_calls(folder, source.calls),
        reason=_reason(pair, chosen, rejected),
    )


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _pair(folder: Path, pair_id: str) -> PreferencePair:
    file = folder / "pairs.jsonl"
    if not file.is_file():
        raise ConfigError(f"{folder}: is no run folder with pairs (there is no pairs.jsonl)")
    ids: deque[str] = deque(maxlen=10_000)
    for row in _rows(file):
        if row["id"] == pair_id:
            return PreferencePair.model_validate(row)
        ids.append(row["id"])
    near = nearest(pair_id, ids)
    shown = ", ".join(list(ids)[:_SHOWN_IDS]) or "none"
    hint = f" Did you mean `{near}`?" if near else ""
    raise ConfigError(f"{file}: no pair has the id `{pair_id}`.{hint} There are: {shown}, …")


def _side(row: dict[str, Any], judgments: list[Judgment]) -> ExplainedSide:
    return ExplainedSide(
        completion_id=row["id"],
        model=row["model"],
        text=row["text"],
        score=row["score"],
        score_sd=row["score_sd"],
        p_best=row["p_best"],
        judgments=tuple(j for j in judgments if row["id"] in j.completion_ids),
    )


def _calls(folder: Path, keys: tuple[str, ...]) -> tuple[ExplainedCall, ...]:
    """From the log; a call that another run paid for is known by its key alone."""
    found = {key: ExplainedCall(key=key) for key in keys}
    log = folder / "log.jsonl"
    for row in _rows(log) if log.is_file() else ():
        call = found.get(row.get("key", ""))
        if row.get("event") != "call" or call is None:
            continue
        told = {name: row.get(name, getattr(call, name)) for name in ExplainedCall.model_fields}
        found[call.key] = ExplainedCall(**{**told, "attempts": call.attempts + 1})
    return tuple(found.values())


def _reason(pair: PreferencePair, chosen: ExplainedSide, rejected: ExplainedSide) -> str:
    gaps = _criterion_gaps(chosen, rejected)
    telling = [f"{name} ({gap:+.2f})" for name, gap in gaps if abs(gap) >= 0.005]
    by = f", mostly by {', '.join(telling[:3])}" if telling else ""
    return (
        f"Chosen scores {pair.score_chosen:.2f} and rejected {pair.score_rejected:.2f}{by}; "
        f"chosen is better with a probability of {pair.confidence:.2f} ({pair.strategy})."
    )


def _criterion_gaps(chosen: ExplainedSide, rejected: ExplainedSide) -> list[tuple[str, float]]:
    """Criteria by how far apart the sides are, each averaged over judges and repeats."""
    better, worse = _means(chosen), _means(rejected)
    gaps = [(name, better[name] - worse[name]) for name in better if name in worse]
    return sorted(gaps, key=lambda gap: -abs(gap[1]))


def _means(side: ExplainedSide) -> dict[str, float]:
    scores: dict[str, list[float]] = {}
    for judgment in side.judgments:
        for name, score in judgment.criteria.items():
            scores.setdefault(name, []).append(score)
    return {name: sum(values) / len(values) for name, values in scores.items()}
