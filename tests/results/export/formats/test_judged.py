"""KTO's rows: every judged completion is good, bad, or in doubt and left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError, StoreError
from judgeforge.records import Completion
from judgeforge.results.export.export import ExportSummary, export_pairs
from judgeforge.results.export.targets import ExportOptions
from tests.support.hand_made import MANIFEST, pair, write_pairs
from tests.support.rich_pairs import TOOLS, tool_pair
from tests.support.run_setup import rows

FORMAT = {"format_version": 1}


def completion(prompt_id: str, index: int, score: float | None, **fields: Any) -> dict[str, Any]:
    made = Completion(
        id=f"{prompt_id}.c{index}",
        prompt_id=prompt_id,
        index=index,
        model="writer",
        text=f"Answer {index}.",
        finish="stop",
    )
    ranked = {"score": score, "score_sd": 0.05, "p_best": 0.5}
    return {**made.model_dump(mode="json"), **ranked, **fields}


def write(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two prompts: one with a pair, one that is a tie, and so in skips.jsonl only."""
    folder = tmp_path / "run"
    write_pairs(folder / "pairs.jsonl", [pair("p1")])
    skip = {
        "prompt_id": "p2",
        "line": 2,
        "reason": "tie",
        "detail": "",
        "prompt": [{"role": "user", "content": "Question p2?"}],
    }
    write(folder / "skips.jsonl", [{"prompt_id": "p0", "line": 1, "reason": "too_long"}, skip])
    write(
        folder / "completions.jsonl",
        [
            completion("p1", 0, 0.9),
            completion("p1", 1, 0.1),
            completion("p1", 2, None, finish="refusal"),
            completion("p1", 3, 0.9, duplicate_of="p1.c0", signs=[]),
            completion("p2", 0, 0.51),
            completion("p2", 1, 0.8),
        ],
    )
    veto = {"completion_ids": ["p2.c1"], "prompt_id": "p2", "failed_required": ["no_names"]}
    write(folder / "judgments.jsonl", [veto])
    (folder / "manifest.json").write_text(json.dumps({**FORMAT, **MANIFEST}), encoding="utf-8")
    return folder


def export(folder: Path, to: Path, target: str = "kto", **options: Any) -> ExportSummary:
    return export_pairs(folder, target=target, to=to, options=ExportOptions(**options))


def test_good_and_bad_follow_the_posterior_also_without_a_pair(
    folder: Path, tmp_path: Path
) -> None:
    summary = export(folder, tmp_path / "out.jsonl", good_above=0.5)
    found = rows(tmp_path / "out.jsonl")
    assert [(row["prompt"][0]["content"], row["score"], row["label"]) for row in found] == [
        ("Question p1?", 0.9, True),
        ("Question p1?", 0.1, False),
        ("Question p2?", 0.8, False),  # it fails a required check
    ]
    assert found[0]["completion"] == [{"role": "assistant", "content": "Answer 0."}]
    assert list(summary.lines())[1] == (
        "1 completion good, 2 bad; 1 of 4 (25.0%) left out as in doubt: neither above nor below a "
        "score of 0.500 with a probability of 0.8"
    )


def test_the_mean_score_parts_good_from_bad_unless_one_is_named(
    folder: Path, tmp_path: Path
) -> None:
    summary = export(folder, tmp_path / "out.jsonl", least_sure=0.51)
    mean = (0.9 + 0.1 + 0.51 + 0.8) / 4
    assert f"score of {mean:.3f}" in summary.notes[0]
    assert len(rows(tmp_path / "out.jsonl")) == 4


def test_labels_are_typed_in_parquet_and_weights_come_on_request(
    folder: Path, tmp_path: Path
) -> None:
    from datasets import load_dataset

    export(folder, tmp_path / "out.parquet", good_above=0.5, with_weight=True)
    data = load_dataset(
        "parquet", data_files=str(tmp_path / "out.parquet"), split="train", cache_dir=str(tmp_path)
    )
    assert data.features["label"].dtype == "bool"
    expected = [2 * max(p, 1 - p) - 1 for p in data["soft_label"]]
    assert data["weight"][:] == pytest.approx(expected, abs=1e-9)


def test_tools_stand_in_all_rows(tmp_path: Path, folder: Path) -> None:
    write_pairs(folder / "pairs.jsonl", [tool_pair("p1")])
    export(folder, tmp_path / "out.jsonl", good_above=0.5)
    assert [row["tools"] for row in rows(tmp_path / "out.jsonl")] == [TOOLS, TOOLS, None]


def test_ranked_rows_have_the_best_first_and_all_scores(folder: Path, tmp_path: Path) -> None:
    export(folder, tmp_path / "out.jsonl", "ranked")
    first, second = rows(tmp_path / "out.jsonl")
    assert first["scores"] == [0.9, 0.1]
    veto = "p2.c1 has the higher score and fails a required check"
    ordered = [one[0]["content"] for one in second["completions"]]
    assert ordered == ["Answer 0.", "Answer 1."], veto
    assert second["prompt"] == [{"role": "user", "content": "Question p2?"}]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_supervised_rows_are_the_best_answer_of_each_prompt(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    from datasets import load_dataset

    summary = export(folder, tmp_path / f"out.{suffix}", "sft")
    kind, file = {"jsonl": "json"}.get(suffix, suffix), str(tmp_path / f"out.{suffix}")
    first, second = load_dataset(kind, data_files=file, split="train", cache_dir=str(tmp_path))
    assert first["completion"][0]["content"] == "Answer 0."
    assert (first["score"], first["model"]) == (0.9, "writer")
    assert second["completion"][0]["content"] == "Answer 0."  # the other fails a required check
    assert summary.notes == ()


def test_supervised_rows_are_only_those_that_are_surely_good_enough(
    folder: Path, tmp_path: Path
) -> None:
    summary = export(folder, tmp_path / "out.jsonl", "sft", good_above=0.5, least_sure=0.9)
    assert [row["score"] for row in rows(tmp_path / "out.jsonl")] == [0.9]
    first, note = summary.lines()
    assert first.endswith("out.jsonl: 1 prompt (sft, train)")
    assert note == (
        "left out 1 prompt: the best answer fails a required check, or does not exceed a score of "
        "0.5 with a probability of 0.9"
    )


def test_a_prompt_whose_answers_all_fail_what_is_required_has_no_supervised_row(
    folder: Path, tmp_path: Path
) -> None:
    veto = [
        {"completion_ids": [f"p2.c{n}"], "prompt_id": "p2", "failed_required": ["no_names"]}
        for n in range(2)
    ]
    write(folder / "judgments.jsonl", veto)
    summary = export(folder, tmp_path / "out.jsonl", "sft")
    assert len(rows(tmp_path / "out.jsonl")) == 1
    said = "left out 1 prompt: the best answer fails a required check"
    assert summary.notes == (said,)


def test_a_folder_of_an_earlier_version_lacks_prompts_and_says_so(
    folder: Path, tmp_path: Path
) -> None:
    write(folder / "skips.jsonl", [{"prompt_id": "p2", "line": 2, "reason": "tie", "detail": ""}])
    with pytest.raises(StoreError, match=r"`p2`.*earlier version.*--force"):
        export(folder, tmp_path / "out.jsonl")


@pytest.mark.parametrize("least_sure", [0.5, 1.1])
def test_a_surety_out_of_range_is_refused(folder: Path, tmp_path: Path, least_sure: float) -> None:
    with pytest.raises(ConfigError, match="least-sure"):
        export(folder, tmp_path / "out.jsonl", least_sure=least_sure)
