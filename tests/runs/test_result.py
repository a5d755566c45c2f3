"""What a run gives back to Python, and that its folder loads as a data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import Dataset, load_dataset

from judgeforge import RunResult
from judgeforge.records import Skip, SkipReason
from judgeforge.results.export.arrow import COLUMNS, arrow_schema
from judgeforge.results.report.words import SKIP_WORDS
from judgeforge.runs.result import summarise
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
    assert 1 - row["confidence"] - row["p_tie"] <= row["confidence"] <= 1
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


@pytest.mark.parametrize("reason", [reason for reason in SkipReason if reason.is_failure])
def test_too_many_skips_are_told_with_the_commonest_reason_an_example_and_what_helps(
    tmp_path: Path, reason: SkipReason
) -> None:
    other = SkipReason.EMPTY_PROMPT if reason != SkipReason.EMPTY_PROMPT else SkipReason.TOO_LONG
    reasons = [
        SkipReason.TIE,
        SkipReason.TIE,
        SkipReason.TIE,
        SkipReason.TIE,
        other,
        reason,
        reason,
    ]
    skips = [
        Skip(prompt_id=f"p{n}", line=n + 1, reason=one, detail=f"why\x1b[2J {n}" + "!" * 999)
        for n, one in enumerate(reasons)
    ]
    lines = "".join(f"{skip.model_dump_json()}\n" for skip in skips)
    (tmp_path / "skips.jsonl").write_text(lines, encoding="utf-8")
    totals = {
        "prompts": 10,
        "pairs": 3,
        "skips": {"tie": 4, other.value: 1, reason.value: 2},
        "calls": {"paid": 0, "cached": 0},
        "tokens": {"input": 0, "output": 0},
        "cost_usd": 0.0,
    }
    manifest = {
        "status": "skipped",
        "message": None,
        "updated_at": "2026-01-01T00:00:00+00:00",
        "totals": totals,
        "last_run": totals,
    }
    result = RunResult(tmp_path, manifest, 5)
    assert result.failures is not None
    assert result.failures.startswith("3 of 10 prompts failed, more than limits.max_skip_share")
    assert f"The commonest reason is `{reason}` (2; " in result.failures
    assert "such as `p5`: why" in result.failures
    assert "\x1b" not in result.failures
    assert len(result.failures) < 999
    assert f"What helps: {SKIP_WORDS[reason].advice}." in result.failures
    summary = summarise(result)
    assert summary["message"] == result.failures
    assert summary["text"].startswith("judgeforge: too many skips: ")
    assert summary["status"] == "skipped"


@pytest.mark.parametrize("code", [0, 3, 4, 74, 130])
def test_a_run_that_did_not_fail_by_its_skips_says_nothing_of_them(
    tmp_path: Path, code: int
) -> None:
    assert RunResult(tmp_path, {}, code).failures is None
