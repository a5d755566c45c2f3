"""What can be counted of the pairs: how sure, how far apart, how long, how far to trust. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judgeforge.ranking.protocols import CODE
from judgeforge.records import RubricId
from judgeforge.results.figures.completions import CompletionFigures
from judgeforge.results.figures.contrast import ContrastFigures
from judgeforge.results.figures.distribution import Values
from judgeforge.results.figures.label_noise import LabelNoise
from judgeforge.store.manifest import (
    ConfidenceBar,
    ExpectedWrong,
    LabelSmoothing,
    LengthQuality,
    ModelPairs,
    Quality,
)
from judgeforge.store.pair_columns import PairColumns
from judgeforge.text.shown_messages import row_message
from judgeforge.text.tool_calls import said_text

TOOLS, CALLS, THOUGHTS, PICTURES = BESIDE_WORDS = (
    "tools in the prompt",
    "tool calls in an answer",
    "thoughts",
    "pictures",
)


class PairFigures:
    def __init__(self, columns: PairColumns | None = None) -> None:
        """``columns``: those of all pairs, where they are known."""
        self.pairs = self.prompts = 0
        """Pairs, and prompts that have one."""
        self.confidence, self.margin = Values(), Values()
        self.tie, self.wrong = Values(), Values()
        """P(both are equally good), and P(rejected is better)."""
        self.score_chosen, self.score_rejected = Values(), Values()
        self.prompt_length, self.chosen_length, self.rejected_length = Values(), Values(), Values()
        """In characters."""
        self.length_ratio = Values()
        """Logarithm to base 2 of chosen's length over rejected's; empty texts count as one
        character."""
        self.p_best = Values()
        """Of chosen: the probability that it is the best of all completions of its prompt."""
        self.verified = 0
        """Pairs that code alone decided: no judge was asked about them."""
        self.chosen_longer = self.same_length = 0
        self.beside_words: Counter[str] = Counter()
        """Pairs with something beside words, by what it is (``BESIDE_WORDS``)."""
        self.models: Counter[tuple[str, str]] = Counter()
        """Pairs by the models of chosen and rejected."""
        self.rubrics: dict[RubricId, None] = {}
        """In the order in which they come."""
        self._last_rubric: object = None
        self.label_noise = LabelNoise()
        self.contrast = ContrastFigures()
        self.unmeasured = 0
        """Pairs by design of which none was judged: their confidence says nothing."""
        self._columns_are_known = columns is not None
        self.columns = columns or PairColumns()
        """Those that the pairs have beyond the ones that all pairs have."""
        self._digest = hashlib.sha256()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the lines of the pairs in their order."""
        return self._digest.hexdigest()

    def add_prompt(
        self,
        pairs: Sequence[Mapping[str, Any]],
        completions: Sequence[Mapping[str, Any]],
        lines: Sequence[bytes] = (),
    ) -> None:
        """``lines``: the pairs as they stand in their file."""
        if not pairs:
            return
        self.prompts += 1
        self.label_noise.add_prompt([_wrong(pair) for pair in pairs if not is_unmeasured(pair)])
        for line in lines:
            self._digest.update(line)
            if not self._columns_are_known:
                self.columns.add_line(line)
        p_best = {row["id"]: row.get("p_best") for row in completions}
        for pair in pairs:
            self._add(pair, p_best.get(pair["provenance"]["chosen_id"]))

    def _add(self, pair: Mapping[str, Any], p_best: float | None) -> None:
        self.pairs += 1
        self._add_quality(pair)
        if p_best is not None:
            self.p_best.add(p_best)
        self.verified += list(pair["provenance"].get("judges") or ()) == [CODE]
        self._add_lengths(pair)
        for what in _beside_words(pair):
            self.beside_words[what] += 1
        self.models[str(pair["chosen_model"]), str(pair["rejected_model"])] += 1
        rubric = pair["provenance"].get("rubric")
        if rubric and not pair.get("own_criteria") and rubric != self._last_rubric:
            # Criteria of a prompt's own are as many as prompts.
            self.rubrics[RubricId.model_validate(rubric)] = None
            self._last_rubric = rubric

    def _add_quality(self, pair: Mapping[str, Any]) -> None:
        if is_unmeasured(pair):
            self.unmeasured += 1
            return
        self.confidence.add(pair["confidence"])
        self.tie.add(_tie(pair))
        self.wrong.add(_wrong(pair))
        self.margin.add(pair["score_margin"])
        self.score_chosen.add(pair["score_chosen"])
        self.score_rejected.add(pair["score_rejected"])

    def _add_lengths(self, pair: Mapping[str, Any]) -> None:
        texts = said_by(pair["chosen"]), said_by(pair["rejected"])
        self.contrast.add(pair, *texts)
        chosen, rejected = map(len, texts)
        self.prompt_length.add(text_length(pair.get("prompt") or ()))
        self.chosen_length.add(chosen)
        self.rejected_length.add(rejected)
        self.length_ratio.add(math.log2(max(1, chosen) / max(1, rejected)))
        self.chosen_longer += chosen > rejected
        self.same_length += chosen == rejected

    @property
    def expected_wrong(self) -> float | None:
        """Share of the pairs whose rejected is the better side, by what they say themselves."""
        return self.wrong.mean

    @property
    def expected_tied(self) -> float | None:
        """Share of the pairs whose sides are equally good."""
        return self.tie.mean

    @property
    def expected_not_best(self) -> float | None:
        """Share of the pairs whose chosen is not the best completion of its prompt."""
        return _rest(self.p_best.mean)

    def with_least(self, confidence: float) -> tuple[int, float | None]:
        """How many pairs have at least this confidence, and the expected share of wrong ones."""
        return self.confidence.mean_of_those(confidence, self.wrong)

    @property
    def longer_share(self) -> float | None:
        return self.chosen_longer / self.pairs if self.pairs else None

    @property
    def same_length_share(self) -> float | None:
        return self.same_length / self.pairs if self.pairs else None

    @property
    def median_ratio(self) -> float | None:
        """Of chosen's length over rejected's."""
        median = self.length_ratio.quantile(0.5)
        return None if median is None else 2.0**median

    def models_of(self, side: int) -> Counter[str]:
        """Pairs by the model of chosen (0) or rejected (1)."""
        counts: Counter[str] = Counter()
        for models, count in self.models.items():
            counts[models[side]] += count
        return counts

    def wins(self) -> dict[str, tuple[int, int]]:
        """Model -> pairs in which it is chosen and the other is rejected, and the reverse; pairs
        of a model against itself tell nothing and are left out."""
        won, lost = Counter[str](), Counter[str]()
        for (chosen, rejected), count in self.models.items():
            others = count if chosen != rejected else 0
            won[chosen] += others
            lost[rejected] += others
        return {model: (won[model], lost[model]) for model in sorted({*won, *lost})}


def _tie(pair: Mapping[str, Any]) -> float:
    """0 in rows of earlier versions, which know no ties."""
    return float(pair.get("p_tie") or 0.0)


def is_unmeasured(pair: Mapping[str, Any]) -> bool:
    audit = pair.get("audit") or {"judged": True}
    return not audit["judged"] and not audit["pairs"]


def _wrong(pair: Mapping[str, Any]) -> float:
    return max(0.0, 1.0 - float(pair["confidence"]) - _tie(pair))


def text_length(messages: Sequence[Mapping[str, Any]]) -> int:
    """In characters."""
    return len(said_by(messages))


def said_by(messages: Sequence[Mapping[str, Any]]) -> str:
    """Words and tool calls."""
    return "".join(map(_said, messages))


def _beside_words(pair: Mapping[str, Any]) -> Iterator[str]:
    answers = (*pair["chosen"], *pair["rejected"])
    if pair.get("tools"):
        yield TOOLS
    if any(message.get("tool_calls") for message in answers):
        yield CALLS
    if any(message.get("reasoning_content") for message in answers):
        yield THOUGHTS
    if any(_has_picture(message) for message in pair.get("prompt") or ()):
        yield PICTURES


def _has_picture(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return False
    return any("image_url" in part for part in content)


def _said(message: Mapping[str, Any]) -> str:
    """Words and tool calls; a thought is not part of what is said."""
    content = message["content"]
    if isinstance(content, str) and not message.get("tool_calls"):
        return content
    one = row_message(message)
    return said_text(one.text, one.tool_calls)


def _rest(share: float | None) -> float | None:
    return None if share is None else 1.0 - share


CONFIDENCE_BINS = 10
_MOST_MODEL_PAIRS = 50
_DIGITS = 6


def _label_smoothing(noise: LabelNoise) -> LabelSmoothing | None:
    found = noise.smoothing
    if found is None:
        return None
    value, low, high = (round(one, _DIGITS) for one in (found.value, found.low, found.high))
    return LabelSmoothing(value=value, low=low, high=high)


def run_quality(pairs: PairFigures, completions: CompletionFigures) -> Quality:
    bars, bias = pairs.confidence.histogram(0.5, 1.0, CONFIDENCE_BINS), completions.length_bias
    by_count = sorted(pairs.models.items(), key=lambda item: (-item[1], item[0]))
    return Quality(
        verified_pairs=pairs.verified or None,
        expected_wrong=ExpectedWrong(
            by_confidence=_rounded(pairs.expected_wrong),
            by_p_best=_rounded(pairs.expected_not_best),
            tied=_rounded(pairs.expected_tied),
        ),
        label_smoothing=_label_smoothing(pairs.label_noise),
        confidence_histogram=tuple(
            ConfidenceBar(from_=round(low, 2), to=round(high, 2), pairs=count)
            for low, high, count in zip(bars.edges, bars.edges[1:], bars.counts, strict=False)
        ),
        length=LengthQuality(
            chosen_longer=_rounded(pairs.longer_share),
            same_length=_rounded(pairs.same_length_share),
            explained_by_correlation=_rounded(bias.chosen_longer(pairs.margin)),
            score_length_correlation=_rounded(bias.correlation),
            longer_scores_higher=_rounded(bias.longer_scores_higher),
        ),
        models=tuple(
            ModelPairs(chosen=chosen, rejected=rejected, pairs=count)
            for (chosen, rejected), count in by_count[:_MOST_MODEL_PAIRS]
        ),
        suspicious_completions=dict(sorted(completions.suspicious.items())),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
