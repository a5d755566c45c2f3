"""The order of a ranking, the same for every strategy."""

from __future__ import annotations

from judgeforge.records import Ranking


def best_first(ranking: Ranking) -> list[int]:
    """Places by falling score; equal scores by id, so that the input's order decides nothing."""
    return sorted(
        range(len(ranking.scores)),
        key=lambda i: (-ranking.scores[i], ranking.completion_ids[i]),
    )
