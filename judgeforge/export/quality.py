"""What a run's own files say about the quality of its pairs: ``quality`` in the manifest.

One pass over ``completions.jsonl`` and ``pairs.jsonl`` side by side; of each prompt only its own
completions are in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from judgeforge.export.length_bias import LengthBias
from judgeforge.sampling import DUPLICATE
from judgeforge.store.json_lines import Row, read_rows
from judgeforge.suspicion import SUSPICIOUS

CONFIDENCE_BINS = 10
_LEAST_CONFIDENCE, _BIN_WIDTH = 0.5, 0.05
_MOST_MODEL_PAIRS = 50
_DIGITS = 6

_NO_MORE: tuple[str | None, list[Row]] = (None, [])


@dataclass(slots=True)
class RunQuality:
    pairs: int = 0
    confidence: float = 0.0
    """Sum over pairs; so is ``p_best`` of chosen, over pairs where it is known."""
    p_best: float = 0.0
    with_p_best: int = 0
    bins: list[int] = field(default_factory=lambda: [0] * CONFIDENCE_BINS)
    chosen_longer: int = 0
    same_length: int = 0
    length_bias: LengthBias = field(default_factory=LengthBias)
    models: Counter[tuple[str, str]] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)

    def add_prompt(self, completions: list[Row], pairs: list[Row]) -> None:
        for row in completions:
            self.flags.update(flag for flag in row["flags"] if flag.startswith(SUSPICIOUS))
        self.length_bias.add_completions(
            [
                (row["score"], len(row["text"]))
                for row in completions
                if row["score"] is not None
                and not any(flag.startswith(DUPLICATE) for flag in row["flags"])
            ]
        )
        p_best = {row["id"]: row["p_best"] for row in completions}
        for pair in pairs:
            self._add_pair(pair, p_best.get(pair["provenance"]["chosen_id"]))

    def _add_pair(self, pair: Row, p_best: float | None) -> None:
        self.pairs += 1
        self.confidence += pair["confidence"]
        place = int((pair["confidence"] - _LEAST_CONFIDENCE) / _BIN_WIDTH + 1e-9)
        self.bins[min(CONFIDENCE_BINS - 1, max(0, place))] += 1
        if p_best is not None:
            self.p_best += p_best
            self.with_p_best += 1
        chosen, rejected = (_length(pair[side]) for side in ("chosen", "rejected"))
        self.chosen_longer += chosen > rejected
        self.same_length += chosen == rejected
        self.length_bias.add_pair(pair["score_margin"])
        self.models[pair["chosen_model"], pair["rejected_model"]] += 1

    def figures(self) -> dict[str, Any]:
        """Shares and probabilities are 0 to 1; None where nothing is known."""
        bias = self.length_bias
        return {
            "expected_wrong": {
                "by_confidence": _rest(self.confidence, self.pairs),
                "by_p_best": _rest(self.p_best, self.with_p_best),
            },
            "confidence_histogram": [
                {
                    "from": round(_LEAST_CONFIDENCE + place * _BIN_WIDTH, 2),
                    "to": round(_LEAST_CONFIDENCE + (place + 1) * _BIN_WIDTH, 2),
                    "pairs": count,
                }
                for place, count in enumerate(self.bins)
            ],
            "length": {
                "chosen_longer": _share(self.chosen_longer, self.pairs),
                "same_length": _share(self.same_length, self.pairs),
                "explained_by_correlation": _rounded(bias.chosen_longer),
                "score_length_correlation": _rounded(bias.correlation),
                "longer_scores_higher": _rounded(bias.longer_scores_higher),
            },
            "models": [
                {"chosen": chosen, "rejected": rejected, "pairs": count}
                for (chosen, rejected), count in sorted(
                    self.models.items(), key=lambda item: (-item[1], item[0])
                )[:_MOST_MODEL_PAIRS]
            ],
            "suspicious_completions": dict(sorted(self.flags.items())),
        }


def run_quality(folder: Path) -> dict[str, Any]:
    """Raises StoreError where a file of the run cannot be read."""
    quality = RunQuality()
    pairs_by_prompt = _groups(folder / "pairs.jsonl")
    paired, pairs = next(pairs_by_prompt, _NO_MORE)
    for prompt_id, completions in _groups(folder / "completions.jsonl"):
        if prompt_id != paired:
            quality.add_prompt(completions, [])
            continue
        quality.add_prompt(completions, pairs)
        paired, pairs = next(pairs_by_prompt, _NO_MORE)
    return quality.figures()


def _groups(file: Path) -> Iterator[tuple[str | None, list[Row]]]:
    """The rows of each prompt, which stand together; both files are in the order of the input."""
    rows = read_rows(file, needs="prompt_id")
    for prompt_id, group in groupby(rows, key=lambda row: str(row["prompt_id"])):
        yield prompt_id, list(group)


def _length(side: list[Row]) -> int:
    return sum(len(message["content"]) for message in side)


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, _DIGITS) if whole else None


def _rest(total: float, count: int) -> float | None:
    return round(1.0 - total / count, _DIGITS) if count else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
