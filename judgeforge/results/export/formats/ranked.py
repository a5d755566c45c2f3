"""All judged completions of a prompt in one row, best first, with their scores.

For listwise losses, for best-of-n distillation, and for pairs by a rule of one's own.
"""

from __future__ import annotations

from collections.abc import Callable

from judgeforge.results.export.formats.trl import optional_values
from judgeforge.results.export.judged_prompts import JudgedCompletions
from judgeforge.results.export.targets import Export, Row, messages


def ranked_row(export: Export) -> Callable[[JudgedCompletions], Row]:
    """``completions`` are conversations of one message each; ``scores`` (0 to 1) and ``models``
    follow their order."""

    def row(judged: JudgedCompletions) -> Row:
        columns, ordered = export.columns, judged.completions
        return columns.complete(
            {
                "prompt_id": judged.prompt_id,
                "prompt": messages(judged.prompt),
                "completions": [columns.messages(messages([one.message])) for one in ordered],
                "scores": [one.score for one in ordered],
                "score_sds": [one.score_sd for one in ordered],
                "models": [one.completion.model for one in ordered],
                **optional_values(judged, export),
            }
        )

    return row
