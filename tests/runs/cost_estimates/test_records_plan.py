"""The writers' records in a run: what they settle and save, and what is said of that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import judgeforge
from judgeforge.config.judges import JudgingConfig
from judgeforge.errors import ConfigError
from judgeforge.results.explain import explain
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.support.run_setup import model, rows, run, write_config

PROMPTS, FIRST = 56, 32
RESULTS = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(noise_sd=0.1) as started:
        started.behaviour.skill_by_model = {"strong": 0.8, "weak": 0.2}
        yield started


def records_config(folder: Path, server: LocalServer, **judging: Any) -> Path:
    folder.mkdir(exist_ok=True)
    names = ("strong", "weak", "small", "other")
    dear = {"input_per_mtok": 10.0, "output_per_mtok": 40.0}
    return write_config(
        folder,
        server,
        prompts=PROMPTS,
        models={
            name: model(server, model=name) | ({"price": dear} if name == "other" else {})
            for name in names
        },
        sampling={"models": ["strong", "weak"], "completions": 2, "seed": 7, "max_tokens": 64},
        judging={
            "judges": [{"model": "small"}, {"model": "other", "tier": 2}],
            "cascade": {"target_confidence": 0.85, "of": "pair"},
            "fit_prompts": FIRST,
            "writer_prior": True,
            **judging,
        },
    )


@pytest.fixture(scope="module")
def whole(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    assert run(records_config(folder, server), folder / "out").exit_code == 0
    return folder / "out"


def test_nothing_is_asked_that_the_records_have_settled(whole: Path) -> None:
    judged = {row["prompt_id"] for row in rows(whole / "judgments.jsonl")}
    pairs = rows(whole / "pairs.jsonl")
    assert {f"p{n}" for n in range(FIRST)} <= judged, "these are learnt from"
    settled = [pair for pair in pairs if pair["prompt_id"] not in judged]
    assert len(settled) > (PROMPTS - FIRST) / 2
    assert all(pair["confidence"] + pair["p_tie"] / 2 >= 0.85 for pair in settled)
    assert all(
        (pair["chosen_model"], pair["rejected_model"]) == ("strong", "weak") for pair in settled
    )
    assert all(pair["provenance"]["judges"] == [] for pair in settled)


def test_explain_says_what_the_record_was_worth(whole: Path) -> None:
    judged = {row["prompt_id"] for row in rows(whole / "judgments.jsonl")}
    for pair in rows(whole / "pairs.jsonl"):
        found = explain(whole, pair["id"]).records
        assert found is not None
        assert found.gap > 0.3
        if pair["prompt_id"] in judged:
            assert 0.0 < found.share < 1.0
            assert found.confidence_without is not None
        else:
            assert (found.share, found.confidence_without) == (1.0, None)


def test_card_and_page_show_the_records(whole: Path) -> None:
    assert "## The writers' records" in (whole / "README.md").read_text()
    assert "which count as evidence" in (whole / "report.html").read_text()


def test_plan_saves_nothing_before_a_run_has_shown_it(
    server: LocalServer, whole: Path, tmp_path: Path
) -> None:
    config = judgeforge.load_config(records_config(tmp_path, server))
    before, after = (plan_run(config, out=folder) for folder in (tmp_path / "none", whole))
    assert before.calls >= 2 * PROMPTS + 2 * PROMPTS, "the first tier is asked everything"
    assert after.calls < before.calls
    assert after.calls_high == before.calls_high
    assert any("until then nothing counts as saved" in note for note in before.notes)
    assert any("saves about" in note for note in after.notes)


@pytest.mark.slow
def test_a_run_in_parts_gives_the_bytes_of_a_whole_one(
    server: LocalServer, whole: Path, tmp_path: Path
) -> None:
    config = records_config(tmp_path, server)
    for limit in (5, 40, None):
        run(config, tmp_path / "out", limit=limit)
    for name in RESULTS:
        assert (tmp_path / "out" / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_folder_that_knew_no_writers_needs_force(server: LocalServer, tmp_path: Path) -> None:
    without = judgeforge.load_config(records_config(tmp_path, server, writer_prior=False))
    judgeforge.run(without, tmp_path / "out", limit=3)
    changed = judgeforge.load_config(records_config(tmp_path, server))
    with pytest.raises(ConfigError, match="writer_prior"):
        judgeforge.run(changed, tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"calibration": "labels.json"}, "leave out one of them"),
        ({"fit_prompts": 0}, "`fit_prompts` is 0"),
    ],
)
def test_records_need_prompts_to_learn_from(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        JudgingConfig.model_validate({"writer_prior": True, **settings})
