"""The measure of how strictly replies are read counts what the readers do, right and wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.judging_replies import FILE, FormatRow, measure, wilson

EXPLAINED = "Output (a)/(b) with explanation"


def recorded(folder: Path, *rows: dict[str, Any]) -> Path:
    with gzip.open(folder / FILE, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return folder


def row(reply: str, truth: object, form: str = EXPLAINED, **fields: Any) -> dict[str, Any]:
    return {"format": form, "kind": "pairwise", "reply": reply, "truth": truth, **fields}


def test_counts_right_wrong_and_unread_by_format(tmp_path: Path) -> None:
    said = "Therefore, Output (b) is better."
    folder = recorded(
        tmp_path,
        row(said, "second"),
        row(said, "first"),
        row("Neither.", "tie"),
        row("Neither.", None),
        row(said, None),
        row("[[A]]", "first", "[[A]]/[[B]]/[[C]]"),
    )
    explained, bracketed = measure(folder)
    assert (explained.format, explained.recorded, explained.as_recorded) == (EXPLAINED, 3, 1)
    assert (explained.null, explained.left_unread) == (2, 1)
    assert (bracketed.recorded, bracketed.share_as_recorded, bracketed.null) == (1, 1.0, 0)


@pytest.mark.parametrize(
    ("form", "reply", "truth", "fields"),
    [
        ("Rating: [[n]]", "Rating: [[7]]", 7, {}),
        (
            "JSON strengths/weaknesses/score",
            '{"strengths": "", "weaknesses": "", "score": "7"}',
            7.0,
            {},
        ),
        (
            "one token with top_logprobs (m = first shown, M = second shown)",
            "m",
            0.81757,
            {"top_logprobs": [["m", -0.25], ["M", -1.75]]},
        ),
        ("a format of another collection", "So: [[A]]", "first", {}),
    ],
)
def test_reads_scores_probabilities_and_formats_it_does_not_know(
    tmp_path: Path, form: str, reply: str, truth: object, fields: dict[str, Any]
) -> None:
    (measured,) = measure(recorded(tmp_path, row(reply, truth, form, **fields)))
    assert measured == FormatRow(form, 1, 1, wilson(1, 1), 0, 0, wilson(0, 0))


def test_intervals_are_wilsons() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)
