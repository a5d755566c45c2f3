"""Pairs by design in a run: judged on a share, with a probability, the same however it was run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.ranking.pairing.delta import is_audited
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import PreferencePair
from judgeforge.results.explain import explain
from judgeforge.results.judged_prompts import judged_prompts
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.run_setup import model, rows, run, write_config

PROMPTS = 40
RESULTS = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl")
SAMPLING: dict[str, Any] = {"models": ["strong", "weak"], "completions": 2}
DELTA: dict[str, Any] = {
    "strategy": "delta",
    "chosen_from": "strong",
    "rejected_from": "weak",
    "audit": 0.5,
}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as started:
        started.behaviour.skill_by_model = {"strong": 0.8, "weak": 0.2}
        yield started


def delta_config(folder: Path, server: LocalServer, **parts: Any) -> Path:
    folder.mkdir(exist_ok=True)
    names = ("strong", "weak", "small", "other")
    return write_config(
        folder,
        server,
        prompts=PROMPTS,
        **{
            "models": {name: model(server, model=name) for name in names},
            "sampling": {
                "models": ["strong", "weak"],
                "completions": 2,
                "seed": 7,
                "max_tokens": 64,
            },
            "judging": {"judges": [{"model": "small"}, {"model": "other"}]},
            "pairing": DELTA,
            **parts,
        },
    )


@pytest.fixture(scope="module")
def whole(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delta")
    assert run(delta_config(folder, server), folder / "out").exit_code == 0
    return folder / "out"


def test_every_pair_has_a_probability_and_only_a_share_was_judged(whole: Path) -> None:
    pairs = rows(whole / "pairs.jsonl")
    rules = PairingRules.model_validate(DELTA)
    assert len(pairs) == PROMPTS
    judged = [pair for pair in pairs if pair["audit"]["judged"]]
    designed = [pair for pair in pairs if not pair["audit"]["judged"]]
    assert {pair["prompt_id"] for pair in judged} == {
        pair["prompt_id"] for pair in pairs if is_audited(rules, pair["prompt_id"])
    }
    assert all(pair["provenance"]["judgment_ids"] for pair in judged)
    assert not any(pair["provenance"]["judgment_ids"] for pair in designed)
    assert {row["prompt_id"] for row in rows(whole / "judgments.jsonl")} == {
        pair["prompt_id"] for pair in judged
    }
    (said,) = {pair["confidence"] for pair in designed}
    audit = designed[0]["audit"]
    assert audit["pairs"] == len(judged)
    assert 0.5 < audit["low"] < said == audit["better"] < audit["high"]
    mean = sum(pair["confidence"] for pair in judged) / len(judged)
    assert said == pytest.approx((mean * len(judged) + 1) / (len(judged) + 3))
    assert all(pair["strategy"] == "delta" for pair in pairs)
    assert all(PreferencePair.model_validate(pair).audit for pair in pairs)


def test_the_table_has_a_column_for_the_audit(whole: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(whole / "pairs.parquet")
    assert table.num_rows == PROMPTS
    assert table.column("audit").to_pylist() == [
        pair["audit"] for pair in rows(whole / "pairs.jsonl")
    ]


def test_the_card_and_the_page_say_what_was_judged(whole: Path) -> None:
    card = (whole / "README.md").read_text()
    assert "## Pairs by design" in card
    assert "| strong | weak |" in card
    page = (whole / "report.html").read_text()
    assert "The audit of pairs by design" in page
    assert "How wide the pairs are" in page
    reason = _reason(whole, rows(whole / "pairs.jsonl"), judged=False)
    assert "It was not judged: the probability and the scores are those of" in reason


def _reason(folder: Path, pairs: list[dict[str, Any]], *, judged: bool) -> str:
    one = next(pair for pair in pairs if pair["audit"]["judged"] is judged)
    return explain(folder, one["id"]).reason


@pytest.mark.slow
def test_a_run_in_parts_gives_the_bytes_of_a_whole_one(
    server: LocalServer, whole: Path, tmp_path: Path
) -> None:
    config = delta_config(tmp_path, server)
    run(config, tmp_path / "out", limit=7)
    run(config, tmp_path / "out", limit=31)
    run(config, tmp_path / "out")
    for name in RESULTS:
        assert (tmp_path / "out" / name).read_bytes() == (whole / name).read_bytes(), name
    (tmp_path / "out" / "pairs.jsonl").unlink()
    run(config, tmp_path / "out")
    assert (tmp_path / "out" / "pairs.jsonl").read_bytes() == (whole / "pairs.jsonl").read_bytes()


def test_plan_counts_the_judgments_of_the_audit(
    server: LocalServer, whole: Path, tmp_path: Path
) -> None:
    planned = plan_run(judgeforge.load_config(delta_config(tmp_path, server)))
    judgments = len(rows(whole / "judgments.jsonl"))
    assert planned.calls == 2 * PROMPTS + judgments
    assert any(f"judges the pair of {judgments // 4} of" in note for note in planned.notes)


def test_where_the_weak_one_is_named_as_strong_no_pair_is_given(
    server: LocalServer, tmp_path: Path
) -> None:
    turned = DELTA | {"chosen_from": "weak", "rejected_from": "strong"}
    result = run(delta_config(tmp_path, server, pairing=turned), tmp_path / "out")
    assert result.exit_code == 0, "what was found out did not fail"
    assert rows(tmp_path / "out" / "pairs.jsonl") == []
    skips = rows(tmp_path / "out" / "skips.jsonl")
    assert {row["reason"] for row in skips} == {"not_shown_better", "wrong_writers"}
    assert len(skips) == PROMPTS == sum(result.manifest["totals"]["skips"].values())
    assert all(row["audit"]["better"] < 0.5 for row in skips if row["reason"] == "wrong_writers")
    told = next(row for row in skips if row["reason"] == "not_shown_better")
    assert "judged pairs of weak over strong" in told["detail"]
    assert told["prompt"], "what was asked is kept"
    assert any("exchange chosen_from and rejected_from" in note for note in result.notes)
    assert "does not show that weak is better" in (tmp_path / "out" / "report.html").read_text()


def test_pairs_below_min_confidence_are_named_by_what_the_audit_says(
    server: LocalServer, tmp_path: Path
) -> None:
    config = delta_config(tmp_path, server, pairing=DELTA | {"min_confidence": 0.999})
    run(config, tmp_path / "out")
    skips = rows(tmp_path / "out" / "skips.jsonl")
    found = [row for row in skips if "judged pairs" in row["detail"]]
    assert found
    assert all(row["reason"] == "below_confidence" for row in found)
    assert all("min_confidence is 0.999" in row["detail"] for row in found)


def test_the_best_of_pairs_by_design_are_kept(server: LocalServer, tmp_path: Path) -> None:
    config = delta_config(tmp_path, server, pairing=DELTA | {"best": {"pairs": 5}})
    result = run(config, tmp_path / "out")
    assert len(rows(tmp_path / "out" / "pairs.jsonl")) == 5
    left_out = rows(tmp_path / "out" / "skips.jsonl")
    assert len(left_out) == PROMPTS - 5 == result.manifest["totals"]["skips"]["not_among_best"]
    assert all("best keeps the" in row["detail"] for row in left_out)


def test_without_an_audit_no_judge_is_needed_and_nothing_is_measured(
    server: LocalServer, tmp_path: Path
) -> None:
    config = delta_config(tmp_path, server, pairing=DELTA | {"audit": 0}, judging={})
    before = len(server.requests)
    result = run(config, tmp_path / "out")
    assert len(server.requests) - before <= 2 * PROMPTS
    pairs = rows(tmp_path / "out" / "pairs.jsonl")
    assert len(pairs) == PROMPTS
    nothing = {"judged": False, "pairs": 0, "better": None, "low": None, "high": None}
    assert all((pair["confidence"], pair["audit"]) == (0.5, nothing) for pair in pairs)
    assert "nothing was measured" in (tmp_path / "out" / "README.md").read_text()
    quality = json.loads((tmp_path / "out" / "manifest.json").read_text())["quality"]
    assert quality["expected_wrong"]["by_confidence"] is None, "0.5 is no probability here"
    assert not result.assumes_confidence


def test_judges_whom_nobody_asks_are_not_said_to_agree(server: LocalServer, tmp_path: Path) -> None:
    config = delta_config(tmp_path, server, pairing=DELTA | {"audit": 0})
    assert not any("judges agree" in one for one in check_run(judgeforge.load_config(config)).notes)
    assert not run(config, tmp_path / "out").assumes_confidence


def test_an_audit_without_a_judge_is_refused_with_what_to_do(
    server: LocalServer, tmp_path: Path
) -> None:
    config = judgeforge.load_config(delta_config(tmp_path, server, judging={}))
    with pytest.raises(ConfigError, match="or say `audit: 0`"):
        judgeforge.run(config, tmp_path / "out")


def test_check_warns_of_an_audit_that_shows_nothing(server: LocalServer, tmp_path: Path) -> None:
    small = delta_config(tmp_path, server, pairing=DELTA | {"audit": 0.05})
    (warning,) = (
        one for one in check_run(judgeforge.load_config(small)).warnings if "audit" in one
    )
    assert "hardly show that chosen is better" in warning
    assert "audit: 0.75 draws about 30" in warning


def test_sides_of_pairs_by_design_are_good_and_bad_as_the_audit_says(whole: Path) -> None:
    pairs = {pair["prompt_id"]: pair for pair in rows(whole / "pairs.jsonl")}
    for prompt in judged_prompts(RunFolder(whole)):
        pair = pairs[prompt.prompt_id]
        if not pair["audit"]["judged"]:
            chosen, rejected = prompt.completions
            assert chosen.probability_above(0.5) == pair["confidence"]
            assert rejected.probability_above(0.5) == 1 - pair["confidence"]
            assert chosen.completion.model == "strong"
