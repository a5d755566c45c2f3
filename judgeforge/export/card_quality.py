"""The parts of the dataset card that say how far its pairs can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from judgeforge.export.markdown import escape, table

_WIDEST_BAR = 30
_MOST_MODELS = 20


def quality_sections(manifest: Mapping[str, Any]) -> list[str]:
    """None for a run without pairs or from before there was ``quality`` in the manifest."""
    quality = manifest.get("quality") or {}
    if not any(bar["pairs"] for bar in quality.get("confidence_histogram") or ()):
        return []
    return [
        "## How sure the pairs are\n\n" + _sureness(quality),
        "## Length\n\n" + _length(quality["length"]),
        "## Pairs by model\n\n" + _models(quality["models"]),
    ]


def _sureness(quality: Mapping[str, Any]) -> str:
    bars = quality["confidence_histogram"]
    most = max(bar["pairs"] for bar in bars)
    rows = [
        (
            f"{bar['from']:.2f} to {bar['to']:.2f}",
            f"{bar['pairs']:,}",
            "█" * round(_WIDEST_BAR * bar["pairs"] / most),
        )
        for bar in bars
    ]
    wrong = quality["expected_wrong"]
    return (
        f"By their own `confidence`, {_percent(wrong['by_confidence'])} of the pairs are expected "
        f"to have the worse answer as chosen; in {_percent(wrong['by_p_best'])}, chosen is "
        "expected not to be the best of its prompt.\n\n" + table(["confidence", "pairs", ""], rows)
    )


def _length(length: Mapping[str, Any]) -> str:
    correlation = length["score_length_correlation"]
    return (
        f"Chosen is longer in {_percent(length['chosen_longer'])} of the pairs. The correlation of "
        f"score and length within prompts ({_signed(correlation)}) explains "
        f"{_percent(length['explained_by_correlation'])} at the margins of these pairs. Of all "
        "judged completions of a prompt, two by two, the longer one scores higher in "
        f"{_percent(length['longer_scores_higher'])}. Without labels nobody can tell how much of "
        "this is the judges' taste for length and how much is quality."
    )


def _models(models: list[Mapping[str, Any]]) -> str:
    rows = [
        (escape(row["chosen"]), escape(row["rejected"]), f"{row['pairs']:,}")
        for row in models[:_MOST_MODELS]
    ]
    return table(["chosen from", "rejected from", "pairs"], rows)


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.1%}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.2f}"
