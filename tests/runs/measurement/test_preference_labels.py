"""A preference set is a label file: what people preferred is the label, and no place tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from judgeforge.errors import InputError
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.runs.measurement.label_rows import LabelledPrompt, read_labels
from tests.support.label_files import write_rows

CHECKS = RowChecks(needs_completions=True)
ASKED = {"role": "user", "content": "Who wrote Faust?"}


def answered(text: str) -> list[dict[str, str]]:
    return [ASKED, {"role": "assistant", "content": text}]


def better(row: LabelledPrompt) -> str | None:
    """The text that the label names; None of a tie."""
    best = [name for name, part in row.label.parts.items() if part == 1.0]
    return row.texts[best[0]] if best else None


GOETHE: dict[str, dict[str, Any]] = {
    "chosen and rejected": {"prompt": "Who wrote Faust?", "chosen": "Goethe.", "rejected": "Kant."},
    "whole conversations": {"chosen": answered("Goethe."), "rejected": answered("Kant.")},
    "transcripts (HH)": {
        "chosen": "\n\nHuman: Who wrote Faust?\n\nAssistant: Goethe.",
        "rejected": "\n\nHuman: Who wrote Faust?\n\nAssistant: Kant.",
    },
    "Chatbot Arena": {
        "conversation_a": answered("Kant."),
        "conversation_b": answered("Goethe."),
        "winner": "model_b",
    },
    "HelpSteer3": {
        "context": [ASKED],
        "response1": "Goethe.",
        "response2": "Kant.",
        "overall_preference": -2,
    },
    "a column `label` of its own": {
        "prompt": "Who wrote Faust?",
        "chosen": "Goethe.",
        "rejected": "Kant.",
        "label": 1,
        "labels": "x",
    },
}


@pytest.mark.parametrize("layout", GOETHE)
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_the_answer_that_was_preferred_is_the_label(
    tmp_path: Path, layout: str, suffix: str
) -> None:
    file = tmp_path / f"labels.{suffix}"
    if suffix == "jsonl":
        write_rows(file, [GOETHE[layout]])
    else:
        parquet.write_table(pa.Table.from_pylist([GOETHE[layout]]), file)
    (row,) = read_labels(file, CHECKS).rows
    assert row.kind == "pair"
    assert better(row) == "Goethe."
    assert row.prompt.messages[-1].text == "Who wrote Faust?"
    assert {one.given for one in row.prompt.completions} == {None}


def test_two_that_nobody_preferred_are_a_tie(tmp_path: Path) -> None:
    row = {**GOETHE["Chatbot Arena"], "winner": "tie (bothbad)"}
    (read,) = read_labels(write_rows(tmp_path / "labels.jsonl", [row]), CHECKS).rows
    assert better(read) is None


def test_no_place_tells_which_was_preferred(tmp_path: Path) -> None:
    """Turning a preference round leaves the two where they are, and the places are drawn."""
    ways = []
    for turned in (False, True):
        sides = ("rejected", "chosen") if turned else ("chosen", "rejected")
        pairs = [(f"yes {i}", f"no {i}") for i in range(200)]
        rows = [
            {"prompt": f"q{i}", **dict(zip(sides, each, strict=True))}
            for i, each in enumerate(pairs)
        ]
        ways.append(read_labels(write_rows(tmp_path / f"{turned}.jsonl", rows), CHECKS).rows)
    assert [row.texts for row in ways[0]] == [row.texts for row in ways[1]]
    first = sum(next(iter(row.texts.values())).startswith("yes") for row in ways[0])
    assert 70 <= first <= 130


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_pairs_of_a_run_are_no_labels(tmp_path: Path, suffix: str) -> None:
    """What its judges said would be the measure of its judges."""
    made = {**GOETHE["chosen and rejected"], "provenance": {"judgment_ids": ["j"]}}
    file = tmp_path / f"pairs.{suffix}"
    if suffix == "jsonl":
        write_rows(file, [made])
    else:
        parquet.write_table(pa.Table.from_pylist([made]), file)
    with pytest.raises(InputError, match="a pair that a run made: what its judges said is not"):
        read_labels(file, CHECKS)


def test_a_bad_row_of_a_set_is_told_with_its_line(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        GOETHE["chosen and rejected"],
        {"prompt": "q", "chosen": "x", "rejected": None},
        {"prompt": "q", "chosen": "x", "rejected": "x"},
        {"prompt": "q"},
    ]
    file = write_rows(tmp_path / "labels.jsonl", rows)
    told = [skip.detail for skip in read_labels(file, CHECKS).skips]
    assert [detail.split(": ")[0] for detail in told] == [f"{file}:{line}" for line in (2, 3, 4)]
    assert "nor `chosen` and `rejected`" in told[0]
    assert "at least two different texts" in told[1]
    assert "nor `chosen` and `rejected`" in told[2]
