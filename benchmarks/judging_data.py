"""Recorded scores and verdicts of judges, as the judgments that a run would have got from them."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from judgeforge.records import Judgment

SCORES, PAIRS, VERDICTS = "rb2_scores.jsonl.gz", "pairs.jsonl.gz", "verdicts.jsonl.gz"
LEVELS = 10
"""Of the recorded scores, 1 to 10."""
TEMPERATURE = 1.0


class NoDataError(Exception):
    """The folder is not one of recorded judge data."""


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One prompt with several completions, of which one is right."""

    id: str
    right: int
    scores: Mapping[str, NDArray[np.float64]]
    """Judge -> (completions, samples), 0 to 1; NaN where no score could be read."""

    @property
    def completions(self) -> int:
        return len(next(iter(self.scores.values())))


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """One prompt with two completions, of which one is better."""

    id: str
    subset: str
    better: str
    """Id of the better completion."""
    judgments: tuple[Judgment, ...]


def check_folder(data: Path) -> None:
    """Raises NoDataError with what is wrong and what to do."""
    missing = [name for name in (SCORES, PAIRS, VERDICTS) if not (data / name).is_file()]
    if missing:
        raise NoDataError(
            f"{data} has no {', '.join(missing)}. The benchmark measures on recorded replies of "
            "judges that are not part of the project; give their folder with --data FOLDER "
            "(make bench-judging DATA=FOLDER)."
        )


def read_rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def load_scores(data: Path, variant: str, judges: Sequence[str]) -> list[ScoredItem]:
    """Items that all of ``judges`` scored with this prompt, sorted by id."""
    found: dict[str, dict[str, NDArray[np.float64]]] = defaultdict(dict)
    right: dict[str, int] = {}
    for row in read_rows(data / SCORES):
        if row["prompt_variant"] != variant or row["temperature"] != TEMPERATURE:
            continue
        if row["judge"] in judges:
            found[row["item_id"]][row["judge"]] = _unit(row["scores"])
            right[row["item_id"]] = row["gold_index"]
    return [
        ScoredItem(name, right[name], scores)
        for name, scores in sorted(found.items())
        if len(scores) == len(set(judges)) and len({len(one) for one in scores.values()}) == 1
    ]


def _unit(scores: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
    width = max(len(samples) for samples in scores)
    unit = np.full((len(scores), width), np.nan)
    for i, samples in enumerate(scores):
        for k, score in enumerate(samples):
            if score is not None:
                unit[i, k] = (score - 1) / (LEVELS - 1)
    return unit


def load_verdicts(data: Path, dataset: str, strategy: str) -> list[JudgedPair]:
    """Pairs of ``dataset`` with a better side and all verdicts on them, sorted by id."""
    pairs = {
        row["item_id"]: row
        for row in read_rows(data / PAIRS)
        if row["dataset"] == dataset and row["gold"] in {"a", "b"}
    }
    judgments: dict[str, list[Judgment]] = defaultdict(list)
    for row in read_rows(data / VERDICTS):
        if row["strategy"] == strategy and row["item_id"] in pairs:
            judgments[row["item_id"]].append(as_judgment(row))
    return [
        JudgedPair(
            name, pairs[name]["subset"], f"{name}.{pairs[name]['gold']}", tuple(judgments[name])
        )
        for name in sorted(judgments)
    ]


def as_judgment(row: Mapping[str, Any]) -> Judgment:
    """Recorded verdicts name the item's own sides; a judgment names the sides as shown."""
    item, shown, said = row["item_id"], row["presented"], row["verdict"]
    as_shown: Mapping[str, Literal["a", "b", "tie"]] = {shown[0]: "a", shown[1]: "b", "tie": "tie"}
    return Judgment(
        id=f"{item}.{row['judge']}.{shown}",
        prompt_id=item,
        completion_ids=(f"{item}.{shown[0]}", f"{item}.{shown[1]}"),
        judge=row["judge"],
        protocol="pairwise",
        verdict=as_shown[said] if said else None,
        missing=None if said else "no verdict could be read",
    )
