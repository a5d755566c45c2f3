"""Both wire formats of decisions against a server that speaks them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.decision_create_params import DecisionCreateParams
from pydantic import TypeAdapter

import judgeforge
from judgeforge.calls.providers.base import (
    DecisionQuestion,
    DecisionRequest,
    Provider,
    Usage,
    open_provider,
)
from judgeforge.config.model import ModelConfig
from judgeforge.errors import ConfigError, MalformedReplyError
from judgeforge.text.messages import Message
from tests.local_server import LocalServer, faults, quality_of
from tests.support.run_setup import model, rows, run, write_config

PROVIDERS = ["openai_decisions", "systemone"]
both = pytest.mark.parametrize("provider", PROVIDERS)


def config(
    folder: Path, server: LocalServer, provider: str, prompts: int = 3, **judge: Any
) -> Path:
    jev = model(server, provider, model="jev", price={"input_per_mtok": 0.05, "output_per_mtok": 0})
    return write_config(
        folder,
        server,
        prompts=prompts,
        models={"small": model(server), "jev": jev},
        judging={"judges": [{"model": "jev", "protocol": "decisions", **judge}]},
    )


def judgments(folder: Path) -> list[dict[str, Any]]:
    return rows(folder / "judgments.jsonl")


@both
def test_scores_follow_the_hidden_quality(
    tmp_path: Path, server: LocalServer, provider: str
) -> None:
    result = run(config(tmp_path, server, provider, prompts=20), tmp_path / "out")
    assert result.exit_code == 0
    right = [
        quality_of(pair["chosen"][0]["content"]) > quality_of(pair["rejected"][0]["content"])
        for pair in rows(tmp_path / "out" / "pairs.jsonl")
    ]
    assert len(right) >= 19
    assert sum(right) / len(right) >= 0.95
    assert len(server.calls(model="jev")) == 80  # one request a completion, whatever the rubric
    one = judgments(tmp_path / "out")[0]
    assert set(one["criteria"]) == {"quality", "sound"}
    assert 0 < one["score_sd"] < 0.3
    assert sum(p for k, p in one["probabilities"].items() if k[:8] == "quality.") == (
        pytest.approx(1)
    )


@both
def test_pairs_are_asked_in_both_orders(tmp_path: Path, server: LocalServer, provider: str) -> None:
    run(config(tmp_path, server, provider, prompts=1, pairs=True), tmp_path / "out")
    texts = {row["id"]: row["text"] for row in rows(tmp_path / "out" / "completions.jsonl")}
    made = judgments(tmp_path / "out")
    assert len(made) == 12
    assert len({tuple(row["completion_ids"]) for row in made}) == 12
    for row in made:
        first, second = (quality_of(texts[i]) for i in row["completion_ids"])
        assert set(row["probabilities"]) == {"a", "b", "tie"}
        if abs(first - second) > 0.15:
            assert row["verdict"] == ("a" if first > second else "b")


@both
def test_a_server_whose_model_cannot_decide_stops_the_run_and_is_not_asked_again(
    tmp_path: Path, server: LocalServer, provider: str
) -> None:
    error = {"error": {"message": "jev is not a decision model"}}
    server.faults.add(faults.status(501, body=error), when=lambda r: r.model == "jev")
    result = run(config(tmp_path, server, provider, prompts=1), tmp_path / "out")
    assert (result.exit_code, result.manifest["status"]) == (4, "provider")
    bodies = [record.raw for record in server.calls(model="jev")]
    assert len(set(bodies)) == len(bodies)
    message = str(result.stopped_by)
    assert "not a decision model" in message
    assert "cannot answer decisions there" in message
    assert "A chat model judges with another `protocol`" in message


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "The model `jev` does not support the systemone endpoint"),
        (400, "logprobs mode must be raw_logprobs"),
        (405, "Method Not Allowed"),
    ],
)
def test_so_does_a_400_that_says_as_much(
    tmp_path: Path, server: LocalServer, status: int, said: str
) -> None:
    fault = faults.status(status, body={"error": {"message": said}})
    server.faults.add(fault, when=lambda r: r.model == "jev")
    result = run(config(tmp_path, server, "systemone", prompts=1), tmp_path / "out")
    assert result.exit_code == 4
    assert said in str(result.stopped_by)


@pytest.mark.parametrize("status", [400, 413])
def test_a_state_that_is_too_long_costs_its_prompt_only(
    tmp_path: Path, server: LocalServer, status: int
) -> None:
    fault = faults.status(status, body={"error": "request exceeds 64 KiB"})
    server.faults.add(fault, when=lambda r: r.model == "jev", nth=(1, 2, 3, 4))
    result = run(config(tmp_path, server, "systemone", prompts=3), tmp_path / "out")
    assert result.manifest["status"] in {"complete", "skipped"}
    found = [row for row in judgments(tmp_path / "out") if row["missing"]]
    assert {row["missing_kind"] for row in found} == {"too_long"}
    missing = [row["missing"] for row in found]
    assert len(missing) == 4
    assert "request exceeds 64 KiB" in missing[0]
    assert "too long for this server" in missing[0]
    assert len(server.calls(model="jev")) == 12


def test_a_server_that_limits_its_requests_says_so_for_each(
    tmp_path: Path, server: LocalServer
) -> None:
    server.behaviour.most_bytes = 200
    settings = config(tmp_path, server, "systemone", prompts=1)
    (tmp_path / "prompts.jsonl").write_text(
        json.dumps({"prompt": "Hello?", "completions": ["x" * 100, "y" * 100]}) + "\n"
    )
    result = run(settings, tmp_path / "out")
    assert result.manifest["totals"]["skips"] == {"too_few_judged": 1}
    assert all("at most 200" in row["missing"] for row in judgments(tmp_path / "out"))


@both
def test_a_declined_question_leaves_the_others_standing(
    tmp_path: Path, server: LocalServer, provider: str
) -> None:
    fault = faults.refused_decision()
    server.faults.add(fault, when=lambda r: r.model == "jev")
    result = run(config(tmp_path, server, provider, prompts=2), tmp_path / "out")
    assert result.manifest["totals"]["pairs"] == 2
    for row in judgments(tmp_path / "out"):
        assert set(row["criteria"]) == {"quality"}
        assert row["weight"] == 3
        assert "`sound`" in row["note"]


@both
def test_a_missing_answer_and_missing_distributions_are_noted(
    tmp_path: Path, server: LocalServer, provider: str
) -> None:
    server.faults.add(faults.missing_decision(), when=lambda r: r.model == "jev", nth=1)
    server.faults.add(faults.without_distributions(), when=lambda r: r.model == "jev")
    run(config(tmp_path, server, provider, prompts=1), tmp_path / "out")
    notes = [row["note"] for row in judgments(tmp_path / "out")]
    assert sum("has no answer" in note for note in notes) == 1
    assert sum("no distribution came for `quality`" in note for note in notes) == 3


def test_input_is_all_that_is_paid(tmp_path: Path, server: LocalServer) -> None:
    result = run(config(tmp_path, server, "openai_decisions"), tmp_path / "out")
    prices = {"small": {"input_per_mtok": 1.0, "output_per_mtok": 4.0}}
    prices["jev"] = {"input_per_mtok": 0.05, "output_per_mtok": 0}
    assert result.manifest["totals"]["cost_usd"] == pytest.approx(server.billed_usd(prices))


QUESTIONS = (
    DecisionQuestion("good", "levels", "How good?", (("1", "bad"), ("2", "good"))),
    DecisionQuestion("safe", "yes_no", "Is it safe?"),
    DecisionQuestion("better", "choice", "Which?", (("A", "the first"), ("B", "the second"))),
)
REQUEST = DecisionRequest((), QUESTIONS)


def provider_of(server: LocalServer, name: str) -> tuple[Provider, ModelConfig]:
    settings = ModelConfig.model_validate(
        {"provider": name, "model": "jev", "base_url": server.openai_url}
    )
    return open_provider(settings, None), settings


def test_the_wire_of_openai(server: LocalServer) -> None:
    provider, settings = provider_of(server, "openai_decisions")
    assert provider.body(settings, REQUEST)["questions"] == [
        {
            "type": "score",
            "name": "good",
            "instructions": "How good?",
            "levels": [
                {"label": "1", "description": "bad"},
                {"label": "2", "description": "good"},
            ],
        },
        {"type": "predicate", "name": "safe", "instructions": "Is it safe?"},
        {
            "type": "choice",
            "name": "better",
            "instructions": "Which?",
            "choices": [
                {"value": "A", "description": "the first"},
                {"value": "B", "description": "the second"},
            ],
        },
    ]


def test_the_wire_of_system_one(server: LocalServer) -> None:
    provider, settings = provider_of(server, "systemone")
    body = provider.body(settings, REQUEST)
    assert isinstance(body["state"], str)
    assert body["questions"] == {
        "good": {"type": "score", "instructions": "How good?", "criteria": ["bad", "good"]},
        "safe": {"type": "noul", "instructions": "Is it safe?"},
        "better": {
            "type": "choice",
            "instructions": "Which?",
            "criteria": {"A": "the first", "B": "the second"},
        },
    }


def test_the_wire_of_openai_is_that_of_its_sdk(server: LocalServer) -> None:
    provider, settings = provider_of(server, "openai_decisions")
    asked = DecisionRequest((Message(role="user", content="[quality=0.9] x"),), QUESTIONS)
    body = provider.body(settings, asked)
    TypeAdapter(DecisionCreateParams).validate_python(body)

    async def exchange() -> Any:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="none") as client:
            theirs = await client.decisions.create(**body)
        raw = await provider.send(body, model=settings)
        await provider.close()
        return theirs, provider.read(raw.body)

    theirs, ours = asyncio.run(exchange())
    score, predicate, choice = theirs.answers
    assert [answer.name for answer in ours.decisions] == ["good", "safe", "better"]
    assert ours.decisions[0].position == score.score
    assert ours.decisions[1].probabilities == {"yes": predicate.probability}
    assert ours.decisions[2].choice == choice.choice
    assert ours.usage.input_tokens == theirs.usage.input_tokens


@pytest.mark.parametrize("usage", [{"input_tokens": 7}, {"prompt_tokens": 7}])
def test_system_one_hosts_count_tokens_under_two_names(
    server: LocalServer, usage: dict[str, Any]
) -> None:
    provider, _ = provider_of(server, "systemone")
    reply = provider.read(json.dumps({"answers": {}, "usage": usage}).encode())
    assert reply.usage == Usage(7, 0)


@both
@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"input_tokens": 7, "output_tokens": 2.0, "input_tokens_details": None}, Usage(7, 2)),
        ({"input_tokens": 7, "output_tokens": None}, None),
        ({"input_tokens": None}, None),
        ({}, None),
    ],
)
def test_usage_with_holes_costs_no_decision(
    server: LocalServer, provider: str, usage: dict[str, Any], read: Usage | None
) -> None:
    answers = [] if provider == "openai_decisions" else {}
    raw = json.dumps({"answers": answers, "usage": usage}).encode()
    assert provider_of(server, provider)[0].read(raw).usage == read


@both
def test_half_a_character_costs_no_decision(server: LocalServer, provider: str) -> None:
    choice = {"type": "choice", "name": "better", "choice": "A\ud800"}
    answers = [choice] if provider == "openai_decisions" else {"better": choice}
    raw = json.dumps({"answers": answers}).encode()
    (answer,) = provider_of(server, provider)[0].read(raw).decisions
    assert answer.choice == "A\ufffd"


@both
@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"answers": 3}', b'{"answers": [3]}'])
def test_what_holds_no_decisions_is_malformed(
    server: LocalServer, provider: str, raw: bytes
) -> None:
    with pytest.raises(MalformedReplyError):
        provider_of(server, provider)[0].read(raw)


class TestTheConfiguration:
    @both
    def test_refuses_a_decision_model_that_is_to_chat(
        self, tmp_path: Path, server: LocalServer, provider: str
    ) -> None:
        with pytest.raises(ConfigError, match=r"judges\[0\]\.protocol: .*`protocol: decisions`"):
            run(config(tmp_path, server, provider, protocol="pairwise"), tmp_path / "out")

    def test_refuses_a_chat_model_that_is_to_decide(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        judging = {"judges": [{"model": "small", "protocol": "decisions"}]}
        with pytest.raises(ConfigError, match="needs a decision model"):
            run(write_config(tmp_path, server, judging=judging), tmp_path / "out")

    def test_refuses_to_sample_from_a_decision_model(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        models = {"small": model(server), "jev": model(server, "systemone")}
        sampling = {"models": ["jev"]}
        with pytest.raises(ConfigError, match="cannot be sampled"):
            run(write_config(tmp_path, server, models=models, sampling=sampling), tmp_path / "out")

    def test_refuses_system_one_without_an_address(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        models = {"small": model(server), "jev": {"provider": "systemone", "model": "jev"}}
        with pytest.raises(ConfigError, match="base_url"):
            judgeforge.load_config(write_config(tmp_path, server, models=models))

    @pytest.mark.parametrize(
        "setting", [{"repeats": 2}, {"temperature": 0.5}, {"logprobs": True}, {"orders": "one"}]
    )
    def test_refuses_settings_that_mean_nothing_for_decisions(
        self, tmp_path: Path, server: LocalServer, setting: dict[str, Any]
    ) -> None:
        with pytest.raises(ConfigError, match=r"has no meaning for a judge|with `pairs: true`"):
            judgeforge.load_config(config(tmp_path, server, "systemone", **setting))


BESIDE: list[dict[str, Any]] = [
    {"model": 5},
    {"usage": "many"},
    {"usage": []},
]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_cannot_be_read_beside_the_answers_costs_no_answer(
    server: LocalServer, provider: str, beside: dict[str, Any]
) -> None:
    door, _ = provider_of(server, provider)
    answers: Any = (
        {"q": {"noul": 0.7}, "r": {"noul": "high", "probabilities": None}}
        if provider == "systemone"
        else [
            {"type": "predicate", "name": "q", "probability": 0.7, "probabilities": None},
            {"type": "predicate", "name": "r", "probability": "high"},
        ]
    )
    first, second = door.read(json.dumps({"answers": answers, **beside}).encode()).decisions
    assert (first.name, first.probabilities) == ("q", {"yes": 0.7})
    assert (second.name, second.probabilities) == ("r", {})


def test_levels_and_choices_are_told_however_they_are_written(server: LocalServer) -> None:
    door, _ = provider_of(server, "openai_decisions")
    told = [{"value": 1.0, "probability": 0.9}, {"value": 2, "probability": 0.1}, None]
    answer = {"type": "score", "name": "q", "score": 1.1, "probabilities": told, "choice": 1}
    [found] = door.read(json.dumps({"answers": [answer]}).encode()).decisions
    assert (found.probabilities, found.choice) == ({"1": 0.9, "2": 0.1}, "1")
