"""What a dataset card says about the pairs, counted in one pass and in little memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from judgeforge.export.reading import read_pairs
from judgeforge.records import Message, PreferencePair, RubricId

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
        chosen, rejected = _length(pair.chosen), _length(pair.rejected)
        self.prompt_length.add(_length(pair.prompt))
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


def _length(side: Sequence[Message]) -> int:
    return sum(len(message.content) for message in side)
