"""How far the pairs can be trusted, by a run's own files: ``quality`` in the manifest. Pure."""

from __future__ import annotations

from judgeforge.results.figures.completions import CompletionFigures
from judgeforge.results.figures.pairs import PairFigures
from judgeforge.store.manifest import (
    ConfidenceBar,
    ExpectedWrong,
    LengthQuality,
    ModelPairs,
    Quality,
)

CONFIDENCE_BINS = 10
_MOST_MODEL_PAIRS = 50
_DIGITS = 6


def run_quality(pairs: PairFigures, completions: CompletionFigures) -> Quality:
    bars, bias = pairs.confidence.histogram(0.5, 1.0, CONFIDENCE_BINS), completions.length_bias
    by_count = sorted(pairs.models.items(), key=lambda item: (-item[1], item[0]))
    return Quality(
        expected_wrong=ExpectedWrong(
            by_confidence=_rounded(pairs.expected_wrong),
            by_p_best=_rounded(pairs.expected_not_best),
        ),
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
