"""Lines of finished prompts: what other programs read from them and write again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.records import PreferencePair
from judgeforge.results.export.arrow import pairs_dataset
from judgeforge.results.export.export import export_pairs
from judgeforge.store.finished_prompt import finished_prompt
from judgeforge.text.messages import Message
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


def written(file: Path, *pairs: PreferencePair) -> Path:
    lines = (
        line
        for one in pairs
        for line in finished_prompt(prompt_id=one.prompt_id, digest="d", pairs=[one]).lines["pairs"]
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def costing(cost_usd: float) -> PreferencePair:
    made = pair()
    source = made.provenance.model_copy(update={"cost_usd": cost_usd})
    return made.model_copy(update={"provenance": source})


MADE = [
    *(pair(**answers(chosen=text or "x", rejected=text)) for text in TEXTS),
    *(pair(text or "p") for text in TEXTS),
    pair(prompt=(Message(role="system", content="s"), Message(role="user", content="u"))),
    costing(0.000000123456),
    without_cost(pair()),
    pair(score_chosen=0.7837081257138335, score_rejected=1 / 3, score_margin=2 / 3),
    pair(confidence=1 - 1e-12, score_margin=1e-11),
]


@pytest.mark.parametrize("made", MADE)
def test_a_copy_that_datasets_or_pandas_writes_has_the_same_rows_to_ten_digits(
    made: PreferencePair, tmp_path: Path
) -> None:
    file = written(tmp_path / "pairs.jsonl", made, pair("other"))
    pairs_dataset(file).to_json(tmp_path / "copy.jsonl")
    table = pairs_dataset(file).to_pandas()
    table.to_json(tmp_path / "pandas.jsonl", orient="records", lines=True)
    for copy in ("copy.jsonl", "pandas.jsonl"):
        assert _rounded(_rows(tmp_path / copy)) == _rounded(_rows(file))


@pytest.mark.parametrize("made", MADE)
def test_the_copy_that_an_export_writes_has_the_same_rows(
    made: PreferencePair, tmp_path: Path
) -> None:
    file = written(tmp_path / "run" / "pairs.jsonl", made, pair("other"))
    export_pairs(file.parent, target="jsonl", to=tmp_path / "copy.jsonl")
    assert _rows(tmp_path / "copy.jsonl") == _rows(file)


def _rows(file: Path) -> list[Any]:
    return [json.loads(row) for row in file.read_bytes().splitlines()]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 10) if isinstance(value, float) else value
