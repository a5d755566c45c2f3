"""What a run's own files say about the quality of its pairs: ``quality`` in the manifest.

One pass over ``completions.jsonl`` and ``pairs.jsonl`` side by side; of each prompt only its own
completions are in memory.

What a dataset card says about the pairs, counted in one pass and in little memory.

What can be counted of the pairs: how sure, how far apart, how long, of which models. Pure.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from judgeforge.records import Message, PreferencePair, RubricId, suspicious_flag
from judgeforge.results.figures.distribution import Values
from judgeforge.results.figures.length import LengthBias
from judgeforge.results.pairs import read_pairs
from judgeforge.store.evidence_rows import completion_fields
from judgeforge.store.json_lines import Row, read_rows

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
            self.flags.update(map(suspicious_flag, completion_fields(row)["signs"]))
        self.length_bias.add_completions(
            [
                (row["score"], len(row["text"]))
                for row in completions
                if row["score"] is not None and completion_fields(row)["duplicate_of"] is None
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


QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class Distribution:
    """Quantiles of many values, kept as counts of rounded values.

    ``unit`` is the precision: 1 for lengths, 0.001 for scores. Memory grows with the number of
    different rounded values, not with the number of values.
    """

    def __init__(self, unit: float = 1.0) -> None:
        self._unit = unit
        self._counts: Counter[int] = Counter()
        self._total = 0.0

    def add(self, value: float) -> None:
        self._counts[round(value / self._unit)] += 1
        self._total += value

    def __len__(self) -> int:
        return self._counts.total()

    @property
    def mean(self) -> float | None:
        return self._total / len(self) if self._counts else None

    def quantiles(self, shares: Sequence[float] = QUANTILES) -> list[float]:
        """The smallest value that at least a share of the values does not exceed.

        Shares ascend, 0 to 1. Empty without values.
        """
        if not self._counts:
            return []
        ordered = iter(sorted(self._counts.items()))
        (value, seen), size, found = next(ordered), len(self), []
        for share in shares:
            while seen < share * size:
                value, count = next(ordered)
                seen += count
            found.append(value * self._unit)
        return found


def _characters() -> Distribution:
    return Distribution(1.0)


def _scores() -> Distribution:
    return Distribution(0.001)


@dataclass(slots=True)
class PairStatistics:
    """Lengths are in characters."""

    pairs: int = 0
    prompts: int = 0
    """Prompts with pairs; the pairs of a prompt stand together in the file."""
    chosen_longer: int = 0
    same_length: int = 0
    score_chosen: Distribution = field(default_factory=_scores)
    score_rejected: Distribution = field(default_factory=_scores)
    margin: Distribution = field(default_factory=_scores)
    confidence: Distribution = field(default_factory=_scores)
    prompt_length: Distribution = field(default_factory=_characters)
    chosen_length: Distribution = field(default_factory=_characters)
    rejected_length: Distribution = field(default_factory=_characters)
    chosen_models: Counter[str] = field(default_factory=Counter)
    rejected_models: Counter[str] = field(default_factory=Counter)
    judges: Counter[str] = field(default_factory=Counter)
    rubrics: Counter[RubricId] = field(default_factory=Counter)
    strategies: Counter[str] = field(default_factory=Counter)
    fingerprint: str = ""
    """SHA-256 (hex) over the pairs in their order."""

    def add(self, pair: PreferencePair) -> None:
        self.pairs += 1
        self.score_chosen.add(pair.score_chosen)
        self.score_rejected.add(pair.score_rejected)
        self.margin.add(pair.score_margin)
        self.confidence.add(pair.confidence)
        self.chosen_models[pair.chosen_model] += 1
        self.rejected_models[pair.rejected_model] += 1
        self.strategies[pair.strategy] += 1
        self.judges.update(pair.provenance.judges)
        self.rubrics[pair.provenance.rubric] += 1
        self._add_lengths(pair)

    def _add_lengths(self, pair: PreferencePair) -> None:
        chosen, rejected = _characters_of(pair.chosen), _characters_of(pair.rejected)
        self.prompt_length.add(_characters_of(pair.prompt))
        self.chosen_length.add(chosen)
        self.rejected_length.add(rejected)
        self.chosen_longer += chosen > rejected
        self.same_length += chosen == rejected


def pair_statistics(file: Path) -> PairStatistics:
    """Raises StoreError where ``file`` cannot be read or holds a line that is no pair."""
    statistics, digest, last = PairStatistics(), hashlib.sha256(), None
    for pair in read_pairs(file):
        statistics.add(pair)
        statistics.prompts += pair.prompt_id != last
        last = pair.prompt_id
        digest.update(pair.model_dump_json().encode() + b"\n")
    statistics.fingerprint = digest.hexdigest()
    return statistics


def _characters_of(side: Sequence[Message]) -> int:
    return sum(len(message.content) for message in side)


class PairFigures:
    def __init__(self) -> None:
        self.pairs = self.prompts = 0
        """Pairs, and prompts that have one."""
        self.confidence, self.margin = Values(), Values()
        self.score_chosen, self.score_rejected = Values(), Values()
        self.chosen_length, self.rejected_length = Values(), Values()
        """In characters."""
        self.length_ratio = Values()
        """Logarithm to base 2 of chosen's length over rejected's; empty texts count as one
        character."""
        self.p_best = Values()
        """Of chosen: the probability that it is the best of all completions of its prompt."""
        self.chosen_longer = self.same_length = 0
        self.models: Counter[tuple[str, str]] = Counter()
        """Pairs by the models of chosen and rejected."""

    def add_prompt(
        self, pairs: Sequence[Mapping[str, Any]], completions: Sequence[Mapping[str, Any]]
    ) -> None:
        if not pairs:
            return
        self.prompts += 1
        p_best = {row["id"]: row.get("p_best") for row in completions}
        for pair in pairs:
            self._add(pair, p_best.get(pair["provenance"]["chosen_id"]))

    def _add(self, pair: Mapping[str, Any], p_best: float | None) -> None:
        self.pairs += 1
        self.confidence.add(pair["confidence"])
        self.margin.add(pair["score_margin"])
        self.score_chosen.add(pair["score_chosen"])
        self.score_rejected.add(pair["score_rejected"])
        if p_best is not None:
            self.p_best.add(p_best)
        chosen, rejected = text_length(pair["chosen"]), text_length(pair["rejected"])
        self.chosen_length.add(chosen)
        self.rejected_length.add(rejected)
        self.length_ratio.add(math.log2(max(1, chosen) / max(1, rejected)))
        self.chosen_longer += chosen > rejected
        self.same_length += chosen == rejected
        self.models[str(pair["chosen_model"]), str(pair["rejected_model"])] += 1

    @property
    def expected_wrong(self) -> float | None:
        """Share of the pairs whose rejected is the better side, by their own confidence."""
        mean = self.confidence.mean
        return None if mean is None else 1.0 - mean

    @property
    def expected_not_best(self) -> float | None:
        """Share of the pairs whose chosen is not the best completion of its prompt."""
        mean = self.p_best.mean
        return None if mean is None else 1.0 - mean

    def with_least(self, confidence: float) -> tuple[int, float | None]:
        """How many pairs have at least this confidence, and the expected share of wrong ones."""
        kept, mean = self.confidence.at_least(confidence)
        return kept, None if mean is None else 1.0 - mean

    @property
    def longer_share(self) -> float | None:
        return self.chosen_longer / self.pairs if self.pairs else None

    @property
    def median_ratio(self) -> float | None:
        """Of chosen's length over rejected's."""
        median = self.length_ratio.quantile(0.5)
        return None if median is None else 2.0**median

    def wins(self) -> dict[str, tuple[int, int]]:
        """Model -> pairs in which it is chosen and the other is rejected, and the reverse; pairs
        of a model against itself tell nothing and are left out."""
        found: dict[str, list[int]] = {}
        for (chosen, rejected), count in self.models.items():
            for model in (chosen, rejected):
                found.setdefault(model, [0, 0])
            if chosen != rejected:
                found[chosen][0] += count
                found[rejected][1] += count
        return {model: (won, lost) for model, (won, lost) in sorted(found.items())}


def text_length(messages: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(message["content"]) for message in messages)
