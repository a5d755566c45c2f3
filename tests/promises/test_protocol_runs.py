"""Every protocol takes prompts the whole way against the local server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.ranking.validation import judgments_of_prompt
from judgeforge.records import Judgment
from tests.local_server import LocalServer, quality_of
from tests.support.run_setup import RUBRIC, model, rows, run, write_config


def judged(
    folder: Path, server: LocalServer, judge: dict[str, Any], prompts: int = 6, **parts: Any
) -> tuple[judgeforge.RunResult, list[dict[str, Any]], dict[str, float]]:
    config = write_config(folder, server, prompts=prompts, judging={"judges": [judge]}, **parts)
    result = run(config, folder / "out")
    texts = {row["id"]: row["text"] for row in rows(folder / "out" / "completions.jsonl")}
    qualities = {name: quality_of(text) for name, text in texts.items()}
    return result, rows(folder / "out" / "judgments.jsonl"), qualities


@pytest.mark.parametrize(
    "judge",
    [
        {"protocol": "pointwise", "criteria": "separate"},
        {"protocol": "pairwise"},
        {"protocol": "pairwise", "orders": "random"},
        {"protocol": "listwise", "repeats": 2},
        {"protocol": "decisions", "pairs": True, "model": "jev"},
    ],
    ids=lambda judge: "-".join(map(str, judge.values())),
)
def test_pairs_follow_the_hidden_quality(
    tmp_path: Path, server: LocalServer, judge: dict[str, Any]
) -> None:
    models = {"small": model(server), "jev": model(server, "systemone", model="jev")}
    _, made, qualities = judged(
        tmp_path, server, {"model": "small", **judge}, prompts=8, models=models
    )
    assert all(judgment["missing"] is None for judgment in made)
    assert judgments_of_prompt(Judgment(**one) for one in made)  # a script may bring them again
    sides = [pair["provenance"] for pair in rows(tmp_path / "out" / "pairs.jsonl")]
    right = [qualities[side["chosen_id"]] > qualities[side["rejected_id"]] for side in sides]
    assert len(right) >= 7
    assert sum(right) >= len(right) - 1


class TestPairwise:
    @pytest.mark.parametrize("provider", ["openai", "anthropic"])
    @pytest.mark.parametrize("criteria", ["together", "separate"])
    def test_verdicts_follow_the_hidden_quality_in_both_orders(
        self, tmp_path: Path, server: LocalServer, provider: str, criteria: str
    ) -> None:
        judge = {"model": "small", "protocol": "pairwise", "criteria": criteria}
        _, made, qualities = judged(tmp_path, server, judge, prompts=3, provider=provider)
        assert len(made) == 3 * 12
        for judgment in made:
            first, second = (qualities[i] for i in judgment["completion_ids"])
            if abs(first - second) > 0.2:
                assert judgment["verdict"] == ("a" if first > second else "b")
                assert 0 < judgment["strength"] <= 1
            assert judgment["missing"] is None
            assert len(judgment["calls"]) == (2 if criteria == "separate" else 0)

    def test_a_judge_that_prefers_what_it_sees_first_contradicts_itself(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        server.behaviour.position_bias = 2.0
        _, made, _ = judged(tmp_path, server, {"model": "small", "protocol": "pairwise"}, prompts=1)
        assert {judgment["verdict"] for judgment in made} == {"a"}


@pytest.mark.parametrize("criteria", ["together", "separate"])
def test_listwise_scores_follow_the_hidden_quality(
    tmp_path: Path, server: LocalServer, criteria: str
) -> None:
    judge = {"model": "small", "protocol": "listwise", "criteria": criteria}
    _, made, qualities = judged(tmp_path, server, judge)
    assert len(made) == 6
    assert len(server.calls(kind="judge")) == (12 if criteria == "separate" else 6)
    orders = {tuple(i.rpartition(".")[2] for i in row["completion_ids"]) for row in made}
    assert len(orders) > 1
    for judgment in made:
        shown = [qualities[i] for i in judgment["completion_ids"]]
        best = max(range(4), key=shown.__getitem__)
        assert judgment["scores"][best] >= max(judgment["scores"]) - 0.15


class TestLogprobs:
    def test_are_expected_scores_with_a_doubt_of_their_own(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        result, made, qualities = judged(
            tmp_path, server, {"model": "small", "logprobs": True}, prompts=3
        )
        assert result.manifest["totals"]["pairs"] == 3
        for judgment in made:
            assert judgment["note"] is None
            assert 0 < judgment["score_sd"] < 0.3
            quality = qualities[judgment["completion_ids"][0]]
            assert judgment["criteria"]["quality"] == pytest.approx(quality, abs=0.15)

    def test_fall_back_with_a_note_where_the_provider_has_none(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        judge = {"model": "small", "logprobs": True}
        result, made, _ = judged(tmp_path, server, judge, prompts=2, provider="anthropic")
        assert result.manifest["totals"]["pairs"] == 2
        assert all("without token probabilities" in judgment["note"] for judgment in made)

    def test_fall_back_where_the_reply_comes_as_a_tool_call(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        own = model(server, structured="tool")
        judge = {"model": "small", "logprobs": True}
        _, made, _ = judged(tmp_path, server, judge, prompts=1, models={"small": own})
        assert all("without token probabilities" in judgment["note"] for judgment in made)


@pytest.mark.parametrize("protocol", ["pointwise", "pairwise", "listwise"])
def test_a_reference_is_shown_by_every_protocol(
    tmp_path: Path, server: LocalServer, protocol: str
) -> None:
    row = {"id": "p", "prompt": "Two and two?", "reference": "It is four, plainly."}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(row) + "\n")
    judged(tmp_path, server, {"model": "small", "protocol": protocol})
    for record in server.calls(kind="judge"):
        asked = record.body["messages"][-1]["content"]
        assert "It is four, plainly." in asked
        assert "known to be good" in asked


def test_a_required_check_outweighs_the_judge(tmp_path: Path, server: LocalServer) -> None:
    rows_in = [
        {"id": f"p{i}", "prompt": f"Fact {i}?", "completions": [
            "[quality=0.9] a very good answer that is far too long for the rule",
            "[quality=0.2] short",
            "[quality=0.1] brief",
        ]}
        for i in range(3)
    ]  # fmt: skip
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows_in))
    config = write_config(tmp_path, server, pairing={"strategy": "all_pairs"})
    brief = "  - {name: brief, weight: 0.1, check: {max_words: 4}, required: true}\n"
    (tmp_path / "rubric.yaml").write_text(RUBRIC + brief)
    run(config, tmp_path / "out")
    pairs = rows(tmp_path / "out" / "pairs.jsonl")
    assert len(pairs) == 9
    for pair in pairs:
        assert not pair["provenance"]["chosen_id"].endswith("c0")
        if pair["provenance"]["rejected_id"].endswith("c0"):
            assert pair["confidence"] == 1.0
    best = {row["id"]: row["p_best"] for row in rows(tmp_path / "out" / "completions.jsonl")}
    assert all(p == 0 for name, p in best.items() if name.endswith("c0"))
