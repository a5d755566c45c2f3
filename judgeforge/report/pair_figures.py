"""What can be counted of the pairs: how sure, how far apart, how long, of which models. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.report.histogram import Values


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
