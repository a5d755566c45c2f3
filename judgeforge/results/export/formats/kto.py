"""TRL's KTO: single completions of a prompt, each good or bad.

All completions that were judged, in pairs or not. Good is what exceeds a threshold of the score,
bad what stays below, both with at least the probability that is asked for; the rest is in doubt and
left out. What fails a required check is bad.
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
from judgeforge.results.export.judged_prompts import JudgedCompletion, JudgedCompletions
from judgeforge.results.export.targets import Export, Row, Write, json_lines_of, messages

GOOD, BAD, IN_DOUBT = "good", "bad", "in doubt"


@contextmanager
def open_kto(path: Path, export: Export) -> Iterator[Write]:
    with _open_rows(path, export) as write_row:

        def write(judged: JudgedCompletions) -> None:
            for one in judged.completions:
                good = one.probability_above(export.threshold)
                if max(good, 1 - good) < export.options.least_sure:
                    export.count(IN_DOUBT)
                else:
                    export.count(GOOD if good >= 0.5 else BAD)
                    write_row(_row(judged, one, good, export))

        yield write


@contextmanager
def _open_rows(path: Path, export: Export) -> Iterator[Callable[[Row], None]]:
    if path.suffix == PARQUET:
        with open_table(path, _columns(export)) as write:
            yield write
        return
    with json_lines_of(lambda _: lambda row: row)(path, export) as write:
        yield write


def _row(judged: JudgedCompletions, one: JudgedCompletion, good: float, export: Export) -> Row:
    surety = max(good, 1 - good)
    weights = {"soft_label": round(good, 10), "weight": round(2 * surety - 1, 10)}
    found: dict[str, Any] = {
        "prompt": as_trl(messages(judged.prompt)),
        "completion": messages([one.message]),
        "label": good >= 0.5,
        "score": one.score,
        **optional_values(judged, export),
        **images(judged.prompt, export),
        **(weights if export.options.with_weight else {}),
    }
    return export.columns.complete(found)


def _columns(export: Export) -> Columns:
    weights = {"soft_label": "float64", "weight": "float64"} if export.options.with_weight else {}
    return {
        "prompt": trl_messages_type(export),
        "completion": trl_messages_type(export),
        "label": "bool",
        "score": "float64",
        **optional_types(export.columns),
        **image_types(export),
        **weights,
    }
