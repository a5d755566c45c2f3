"""How wide the pairs are: gaps of qualities and lengths by writers, and whose style differs.

What trains is the contrast of a pair, not only which side is better (OLMo 3, arXiv 2512.13961,
5.3). A contrast of style is one that a model learns, too: length, markdown, refusals. Pure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from judgeforge.text.patterns import late_pattern

_BLOCK = r"\s{0,3}(?:#{1,6}\s|[-*+]\s|\d+[.)]\s|```|\|.*\|)"
"""A line that is a heading, or begins a list, code or a table."""
_FIRST_LINE, _OTHER_LINE = late_pattern(_BLOCK), late_pattern(f"\n{_BLOCK}")
_BOLD = late_pattern(r"\*\*\S")
_REFUSAL = late_pattern(
    r"^\W*(?:i.?m\s+(?:really\s+)?sorry|i\s+am\s+sorry|sorry,|i\s+can(?:not|.?t)\b"
    r"|i(?:.?m|\s+am)\s+(?:not\s+able|unable)|as\s+an\s+ai\b)",
    re.IGNORECASE,
)
"""How refusals in English begin; a hint, nothing that decides."""


@dataclass(slots=True)
class Style:
    """Of the judged or paired completions of one writer; shares are 0 to 1."""

    answers: int = 0
    characters: int = 0
    markdown: int = 0
    refusals: int = 0

    def add(self, text: str) -> None:
        self.answers += 1
        self.characters += len(text)
        self.markdown += _has_markdown(text)
        self.refusals += _REFUSAL.search(text) is not None

    @property
    def mean_characters(self) -> float:
        return self.characters / self.answers if self.answers else 0.0

    @property
    def markdown_share(self) -> float:
        return self.markdown / self.answers if self.answers else 0.0

    @property
    def refusal_share(self) -> float:
        return self.refusals / self.answers if self.answers else 0.0


def _has_markdown(text: str) -> bool:
    # One pattern for all of it would be tried at each character.
    found = _FIRST_LINE.match(text) or _OTHER_LINE.search(text)
    return bool(found or ("**" in text and _BOLD.search(text)))


@dataclass(slots=True)
class Contrast:
    """Of the pairs of two writers."""

    pairs: int = 0
    margin: float = 0.0
    confidence: float = 0.0
    chosen_characters: int = 0
    rejected_characters: int = 0
    """Sums."""

    def add(self, pair: Mapping[str, Any], chosen: int, rejected: int) -> None:
        self.pairs += 1
        self.margin += float(pair["score_margin"])
        self.confidence += float(pair["confidence"])
        self.chosen_characters += chosen
        self.rejected_characters += rejected

    @property
    def mean_margin(self) -> float:
        return self.margin / self.pairs

    @property
    def mean_confidence(self) -> float:
        return self.confidence / self.pairs

    @property
    def length_ratio(self) -> float:
        """Of chosen's characters over rejected's, all pairs together."""
        return self.chosen_characters / max(1, self.rejected_characters)


@dataclass(slots=True)
class ContrastFigures:
    by_writers: defaultdict[tuple[str, str], Contrast] = field(
        default_factory=lambda: defaultdict(Contrast)
    )
    """By the models of chosen and rejected."""
    styles: defaultdict[str, Style] = field(default_factory=lambda: defaultdict(Style))
    """By model, over both sides of the pairs."""

    def add(self, pair: Mapping[str, Any], chosen: str, rejected: str) -> None:
        """``chosen`` and ``rejected``: what their answers say."""
        writers = str(pair["chosen_model"]), str(pair["rejected_model"])
        self.by_writers[writers].add(pair, len(chosen), len(rejected))
        self.styles[writers[0]].add(chosen)
        self.styles[writers[1]].add(rejected)

    def largest(self, most: int) -> list[tuple[tuple[str, str], Contrast]]:
        """The writers with the most pairs."""
        ranked = sorted(self.by_writers.items(), key=lambda item: (-item[1].pairs, item[0]))
        return ranked[:most]

    def others(self, writer: str) -> Style:
        """All writers but this one, together."""
        rest = Style()
        for name, style in self.styles.items():
            if name != writer:
                rest.answers += style.answers
                rest.characters += style.characters
                rest.markdown += style.markdown
                rest.refusals += style.refusals
        return rest
