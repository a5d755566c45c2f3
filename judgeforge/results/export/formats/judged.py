"""All completions that were judged, in pairs or not: KTO's rows, the best ones, ranked lists.

TRL's KTO takes single completions, each good or bad. Good is what exceeds a threshold of the score,
bad what stays below, both with at least the probability that is asked for; the rest is in doubt and
left out. What fails a required check is bad. The best one of each prompt is for supervised
fine-tuning (rejection sampling), as far as it passes what is required. Ranked lists, one a prompt,
are for listwise losses, and for pairs by a rule of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judgeforge.results.export.arrow import Columns, open_table, optional_types
from judgeforge.results.export.formats.trl import (
    PARQUET,
    as_trl,
    image_types,
    images,
    optional_values,
    trl_messages_type,
)
from judgeforge.results.export.targets import (
    Export,
    Row,
    Write,
    asked_types,
    json_lines_of,
    messages,
)
from judgeforge.results.judged_prompts import JudgedCompletion, JudgedCompletions

GOOD, BAD, IN_DOUBT = "good", "bad", "in doubt"
NOT_GOOD = "not good"


@contextmanager
def open_kto(path: Path, export: Export) -> Iterator[Write]:
    with _open_rows(path, {"label": "bool", "score": "float64"}, export) as write_row:

        def write(judged: JudgedCompletions) -> None:
            for one in judged.completions:
                good = one.probability_above(export.threshold)
                if max(good, 1 - good) < export.options.least_sure:
                    export.count(IN_DOUBT)
                else:
                    export.count(GOOD if good >= 0.5 else BAD)
                    said = {"label": good >= 0.5, "score": one.score}
                    row = _row(judged, one, said, export, is_table=path.suffix == PARQUET)
                    write_row({**row, **_weights(good, export)})

        yield write


@contextmanager
def open_best(path: Path, export: Export) -> Iterator[Write]:
    """TRL's supervised rows, one a prompt. With ``good_above`` only of those whose best one exceeds
    it with at least ``least_sure``."""
    options = export.options
    with _open_rows(path, {"score": "float64", "model": "string"}, export) as write_row:

        def write(judged: JudgedCompletions) -> None:
            best, is_table = judged.completions[0], path.suffix == PARQUET
            sure = best.probability_above(export.threshold)
            too_low = options.good_above is not None and sure < options.least_sure
            if best.fails_required or too_low:
                export.count(NOT_GOOD)
                return
            said = {"score": best.score, "model": best.completion.model}
            write_row(_row(judged, best, said, export, is_table=is_table))

        yield write


@contextmanager
def _open_rows(path: Path, columns: Columns, export: Export) -> Iterator[Callable[[Row], None]]:
    """``columns``: those between the completion and what only some data have."""
    if path.suffix == PARQUET:
        with open_table(path, _columns(columns, export)) as write:
            yield write
        return
    with json_lines_of(lambda _: lambda row: row)(path, export) as write:
        yield write


def _row(
    judged: JudgedCompletions,
    one: JudgedCompletion,
    said: Row,
    export: Export,
    *,
    is_table: bool,
) -> Row:
    """``said``: of the completion."""
    found: dict[str, Any] = {
        "prompt": as_trl(judged.prompt, export, is_table=is_table),
        "completion": as_trl([one.message], export, is_table=is_table),
        **said,
        **optional_values(judged, export),
        **images(judged.prompt, export),
    }
    return export.columns.complete(found)


def _weights(good: float, export: Export) -> Row:
    if not export.options.with_weight:
        return {}
    return {"soft_label": round(good, 10), "weight": round(2 * max(good, 1 - good) - 1, 10)}


def _columns(said: Columns, export: Export) -> Columns:
    return {
        "prompt": trl_messages_type(export),
        "completion": trl_messages_type(export),
        **said,
        **optional_types(export.columns),
        **image_types(export),
        **asked_types(export.options),
    }


def ranked_row(export: Export) -> Callable[[JudgedCompletions], Row]:
    """``completions`` are conversations of one message each; ``scores`` (0 to 1) and ``models``
    follow their order."""

    def row(judged: JudgedCompletions) -> Row:
        columns, ordered = export.columns, judged.completions
        return columns.complete(
            {
                "prompt_id": judged.prompt_id,
                "prompt": messages(judged.prompt),
                "completions": [messages([one.message]) for one in ordered],
                "scores": [one.score for one in ordered],
                "score_sds": [one.score_sd for one in ordered],
                "models": [one.completion.model for one in ordered],
                **optional_values(judged, export),
            }
        )

    return row
