"""Judgments of one prompt -> a posterior over the qualities of its completions. Pure."""

from judgeforge.ranking.rank import probability_better, rank

__all__ = ["probability_better", "rank"]
