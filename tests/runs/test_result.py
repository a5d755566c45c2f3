"""What a run gives back to Python, and that its folder loads as a data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import Dataset, load_dataset

from judgeforge import RunResult
from judgeforge.records import Skip, SkipReason
from judgeforge.results.export.arrow import COLUMNS, arrow_schema
from tests.local_server import LocalServer
from tests.support.run_setup import rows, run, write_config


@pytest.fixture
def result(tmp_path: Path, server: LocalServer) -> RunResult:
    config = write_config(tmp_path, server, prompts=6, pairing={"strategy": "adjacent"})
    return run(config, tmp_path / "run")


def test_pairs_are_a_dataset_of_all_columns_in_input_order(result: RunResult) -> None:
    assert isinstance(result.pairs, Dataset)
    assert result.pairs.column_names == list(COLUMNS)
    assert result.pairs.features.arrow_schema.types == arrow_schema().types
    assert result.pairs.to_list() == rows(result.folder / "pairs.jsonl")
    assert list(dict.fromkeys(result.pairs["prompt_id"])) == [f"p{n}" for n in range(6)]


def test_a_pair_is_what_trainers_read(result: RunResult) -> None:
    row = result.pairs[0]
    assert [message["role"] for message in row["prompt"]] == ["user"]
    assert [message["role"] for message in row["chosen"] + row["rejected"]] == ["assistant"] * 2
    assert row["score_margin"] == pytest.approx(row["score_chosen"] - row["score_rejected"])
    assert 0.5 <= row["confidence"] <= 1
    assert "margin" not in row


def test_the_folder_of_a_run_loads_as_its_pairs(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    assert {path.name for path in result.folder.glob("*.jsonl")} >= {"pairs.jsonl", "skips.jsonl"}
    data = load_dataset(str(result.folder))
    assert list(data) == ["train"]
    assert data["train"].to_list() == result.pairs.to_list()
    assert data["train"].features == result.pairs.features


def test_the_parquet_of_a_run_has_the_same_rows(result: RunResult) -> None:
    from pyarrow import parquet

    table = parquet.read_table(result.folder / "pairs.parquet")
    assert table.to_pylist() == rows(result.folder / "pairs.jsonl")


def test_the_card_of_a_run_states_its_facts(result: RunResult) -> None:
    card = (result.folder / "README.md").read_text(encoding="utf-8")
    totals = result.manifest["totals"]
    for fact in (
        f"| pairs | {len(result.pairs)} |",
        "| prompts | 6 |",
        f"| calls sent | {totals['calls']['paid']:,} |",
        f"| cost (USD) | {totals['cost_usd']:,.4f} |",
        "**Rubric**: graded, version 1",
        "4 a prompt, from small (openai)",
        "**Judges**: small (openai) (pointwise, 1 x).",
    ):
        assert fact in card
    assert "not complete" not in card


def test_a_run_without_a_pair_has_an_empty_dataset_of_all_columns(
    tmp_path: Path, server: LocalServer
) -> None:
    config = write_config(tmp_path, server, prompts=2, pairing={"min_margin": 1.0})
    result = run(config, tmp_path / "run")
    assert len(result.pairs) == 0
    assert result.pairs.column_names == list(COLUMNS)
    assert all(isinstance(skip, Skip) for skip in result.skips)
    assert [skip.reason for skip in result.skips] == [SkipReason.BELOW_MARGIN] * 2


def test_the_manifest_is_the_one_on_disk(result: RunResult) -> None:
    saved = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    assert saved == {"format_version": saved["format_version"], **result.manifest}
