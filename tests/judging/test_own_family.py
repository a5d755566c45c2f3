"""Judges and completions of one model family: known by name, marked, and left out where asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.config.judges import JudgeConfig
from judgeforge.config.model import ModelConfig
from judgeforge.errors import ConfigError
from judgeforge.judging.own_family import OwnFamily, families_of
from judgeforge.judging.panel import Panel
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.support.fake_asks import FakeAsks, make_completion, make_prompt, make_rubric, says
from tests.support.run_setup import model, rows, run, write_config


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("gpt-5.4-mini", {"gpt"}),
        ("o4-mini", {"gpt"}),
        ("openai/gpt-oss-20b", {"gpt"}),
        ("claude-haiku-4-5", {"claude"}),
        ("google/gemma-3-27b-it", {"gemini"}),
        ("meta-llama/Llama-3.3-70B-Instruct", {"llama"}),
        ("Qwen2.5-7B-Instruct", {"qwen"}),
        ("deepseek-r1-distill-qwen-7b", {"deepseek", "qwen"}),
        ("models/Mixtral-8x7B.Q4.gguf", {"mistral"}),
        ("smollm2-135m", {"smollm"}),
        ("phi-4", {"phi"}),
        ("sapphire-2", {"sapphire-2"}),
        ("our-own-Model", {"our-own-model"}),
    ],
)
def test_a_family_is_known_by_the_name(name: str, families: set[str]) -> None:
    assert families_of(name) == families


def test_what_a_provider_serves_itself_is_of_its_family() -> None:
    own = ModelConfig(provider="openai", model="ft-2026-helper")
    elsewhere = own.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})
    assert families_of(own.model, own) == {"gpt"}
    assert families_of(elsewhere.model, elsewhere) == {"ft-2026-helper"}


MODELS = {
    "writer": ModelConfig(provider="openai", model="gpt-5.4-nano"),
    "other": ModelConfig(provider="anthropic", model="claude-haiku-4-5"),
    "judge": ModelConfig(provider="openai", model="gpt-5.4"),
}
COMPLETIONS = [
    make_completion(f"It is {i}.", i).model_copy(update={"model": name})
    for i, name in enumerate(["writer", "other", "ChatGPT", "given"])
]


def judged_by(protocol: str, *, exclude: bool) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    asks = FakeAsks(lambda _: says("{}"))
    judge = JudgeConfig.model_validate({"model": "judge", "protocol": protocol, "orders": "both"})
    panel = Panel([judge], make_rubric(), asks, OwnFamily(MODELS, exclude=exclude))
    made = asyncio.run(panel.judge(make_prompt(), COMPLETIONS))
    return [(judgment.completion_ids, judgment.own_family) for judgment in made]


def test_a_judgment_names_the_completions_of_the_judges_own_family() -> None:
    assert judged_by("pointwise", exclude=False) == [
        (("p1.c0",), ("p1.c0",)),
        (("p1.c1",), ()),
        (("p1.c2",), ("p1.c2",)),
        (("p1.c3",), ()),
    ]


@pytest.mark.parametrize("protocol", ["pointwise", "pairwise", "listwise"])
def test_they_are_not_judged_where_the_configuration_says_so(protocol: str) -> None:
    made = judged_by(protocol, exclude=True)
    assert {i for ids, _ in made for i in ids} == {"p1.c1", "p1.c3"}
    assert all(own == () for _, own in made)


def families(server: LocalServer, **judging: object) -> dict[str, Any]:
    return {
        "models": {
            "small": model(server, model="gpt-small"),
            "llama": model(server, model="llama-3"),
        },
        "sampling": {"models": ["small", "llama"], "completions": 4, "seed": 7},
        "judging": {"judges": [{"model": "small"}, {"model": "llama"}], **judging},
    }


def test_a_run_counts_where_it_happened(tmp_path: Path, server: LocalServer) -> None:
    result = run(write_config(tmp_path, server, prompts=2, **families(server)), tmp_path / "out")
    assert result.manifest["own_family_judgments"] == {"llama": 4, "small": 4}
    card = (tmp_path / "out" / "README.md").read_text()
    assert "their own model family" in card
    assert "small 4 times" in card


def test_a_run_without_it_judges_each_completion_by_others_as_planned(
    tmp_path: Path, server: LocalServer
) -> None:
    parts = families(server, exclude_own_family=True)
    config = write_config(tmp_path, server, prompts=2, **parts)
    planned = plan_run(judgeforge.load_config(config)).calls
    result = run(config, tmp_path / "out")
    assert result.manifest["own_family_judgments"] == {}
    assert result.manifest["totals"]["pairs"] == 2
    assert planned == result.manifest["totals"]["calls"]["paid"] == 16
    models = {row["id"]: row["model"] for row in rows(tmp_path / "out" / "completions.jsonl")}
    for row in rows(tmp_path / "out" / "judgments.jsonl"):
        assert models[row["completion_ids"][0]] != row["judge"]
    assert "their own model family" not in (tmp_path / "out" / "README.md").read_text()


def test_a_writer_whom_nobody_may_judge_is_a_mistake(tmp_path: Path, server: LocalServer) -> None:
    parts = families(server, judges=[{"model": "small"}], exclude_own_family=True)
    with pytest.raises(ConfigError, match="no judge is left for the completions of `small`"):
        run(write_config(tmp_path, server, **parts), tmp_path / "out")
