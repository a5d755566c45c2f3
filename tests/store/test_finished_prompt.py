"""Lines of finished prompts: what other programs read from them and write again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.records import Message, PreferencePair
from judgeforge.results.export.arrow import pairs_dataset
from judgeforge.store.finished_prompt import finished_prompt
from tests.support.hand_made import answers, pair, without_cost

TEXTS = [
    "a/b \\ \"quoted\" 'too'",
    "line\nbreaks\r\nand\ttabs\u2028and others\u0085",
    "caf\u00e9, cafe\u0301, \u4e2d\u6587, \U0001f600",
    "2024-01-01T00:00:00Z",
    "1e400 NaN null true",
    "",
    "<script>&amp;</script>\x7f\u200b",
]


def line(one: PreferencePair) -> str:
    written = finished_prompt(prompt_id=one.prompt_id, digest="d", pairs=[one])
    return written.lines["pairs"][0]


def costing(cost_usd: float) -> PreferencePair:
    made = pair()
    source = made.provenance.model_copy(update={"cost_usd": cost_usd})
    return made.model_copy(update={"provenance": source})


@pytest.mark.parametrize(
    "made",
    [
        *(pair(**answers(chosen=text or "x", rejected=text)) for text in TEXTS),
        *(pair(text or "p") for text in TEXTS),
        pair(score_chosen=0.7837081257138335, score_rejected=1 / 3, score_margin=2 / 3),
        pair(confidence=1 - 1e-12, score_margin=1e-11),
        pair(prompt=(Message(role="system", content="s"), Message(role="user", content="u"))),
        costing(0.000000123456),
        costing(1234.000000000001),
        without_cost(pair()),
    ],
)
def test_a_copy_that_datasets_writes_has_the_same_rows(
    made: PreferencePair, tmp_path: Path
) -> None:
    file, copy = tmp_path / "pairs.jsonl", tmp_path / "copy.jsonl"
    file.write_text(line(made) + "\n" + line(pair("other")) + "\n", encoding="utf-8")
    pairs_dataset(file).to_json(copy)
    assert _rows(copy) == _rows(file)
    assert _rows(pandas_copy(file, tmp_path / "pandas.jsonl")) == _rows(file)


def pandas_copy(file: Path, to: Path) -> Path:
    pairs_dataset(file).to_pandas().to_json(to, orient="records", lines=True)
    return to


def test_figures_keep_ten_digits_and_everything_else_is_as_it_was() -> None:
    made = pair(score_chosen=0.12345678901234, confidence=2 / 3)
    written = PreferencePair.model_validate_json(line(made))
    assert (written.score_chosen, written.confidence) == (0.1234567890, 0.6666666667)
    kept = {"score_chosen": made.score_chosen, "confidence": made.confidence}
    assert written.model_copy(update=kept) == made


def _rows(file: Path) -> list[Any]:
    return [json.loads(row) for row in file.read_bytes().splitlines()]
