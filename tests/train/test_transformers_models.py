"""Models of `transformers` in this process: rewards, and decisions by the next token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.calls.providers.base import (
    DecisionQuestion,
    DecisionRequest,
    ModelReply,
    ModelRequest,
    RewardRequest,
)
from judgeforge.calls.providers.transformers_local import TransformersProvider
from judgeforge.config.model import ModelConfig
from judgeforge.errors import ConfigError, OverlongRequestError
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.run_setup import model, rows, run, write_config
from tests.train import tiny_model

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]
ANSWERS = ["Yes.", "No, and here is why: it rains. " * 9, "Perhaps so.", "It is 9 C and raining."]
QUESTIONS = (
    DecisionQuestion("sound", "yes_no", "Is it sound?"),
    DecisionQuestion("good", "levels", "How good?", (("1", "bad"), ("2", "fair"), ("3", "good"))),
    DecisionQuestion("better", "choice", "Which?", (("A", "a"), ("B", "b"), ("tie", "equal"))),
)


@pytest.fixture(scope="module")
def reward_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reward-model")
    tiny_model.reward_model().save_pretrained(folder)
    tiny_model.tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def chat_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tiny_model.save_language_model(tmp_path_factory.mktemp("chat-model")))


def configured(folder: Path, **fields: Any) -> ModelConfig:
    return ModelConfig(provider="transformers", model=str(folder), **fields)


def conversation(answer: str) -> RewardRequest:
    turns = (
        Message(role="user", content="Do I need a coat?"),
        Message(role="assistant", content=answer),
    )
    return RewardRequest(turns)


def decision(state: str) -> DecisionRequest:
    turns = Message(role="system", content="Judge."), Message(role="user", content=state)
    return DecisionRequest(turns, QUESTIONS)


def asked(config: ModelConfig, *requests: ModelRequest) -> list[ModelReply]:
    """All at once."""

    async def ask() -> list[ModelReply]:
        provider = TransformersProvider()
        try:
            bodies = [provider.body(config, request) for request in requests]
            sent = (provider.send(body, model=config) for body in bodies)
            return [provider.read(raw.body) for raw in await asyncio.gather(*sent)]
        finally:
            await provider.close()

    return asyncio.run(ask())


class TestRewards:
    def test_are_the_raw_logit_of_the_conversation_as_the_chat_template_writes_it(
        self, reward_folder: Path
    ) -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        loaded = AutoModelForSequenceClassification.from_pretrained(reward_folder).eval()
        tokenizer = AutoTokenizer.from_pretrained(reward_folder)
        turns = [message.model_dump() for message in conversation(ANSWERS[0]).messages]
        ids = tokenizer(tokenizer.apply_chat_template(turns, tokenize=False), return_tensors="pt")
        with torch.inference_mode():
            expected = float(loaded(**ids).logits[0, 0])
        (reply,) = asked(configured(reward_folder), conversation(ANSWERS[0]))
        assert reply.rewards == pytest.approx((expected,), abs=1e-6)
        assert reply.usage is not None
        assert reply.usage.input_tokens == ids["input_ids"].shape[1]

    def test_are_the_same_in_a_batch_with_longer_ones_as_alone(self, reward_folder: Path) -> None:
        requests = [conversation(answer) for answer in ANSWERS]
        config = configured(reward_folder)
        together = [reply.rewards[0] for reply in asked(config, *requests)]
        alone = [asked(config, request)[0].rewards[0] for request in requests]
        assert together == pytest.approx(alone, abs=1e-5)
        assert len(set(together)) == len(ANSWERS)

    def test_of_a_conversation_beyond_the_context_are_refused_and_not_of_a_part_of_it(
        self, reward_folder: Path
    ) -> None:
        with pytest.raises(OverlongRequestError, match=r"tokens do not fit into the 64"):
            asked(configured(reward_folder, context_tokens=64), conversation(ANSWERS[1]))

    def test_do_not_come_of_a_chat_model_whose_head_would_be_random(
        self, chat_folder: Path
    ) -> None:
        with pytest.raises(ConfigError, match="is a chat model: it gives no reward"):
            asked(configured(chat_folder), conversation(ANSWERS[0]))


class TestDecisions:
    def test_are_distributions_over_the_answers_of_each_question(self, chat_folder: Path) -> None:
        (reply,) = asked(configured(chat_folder), decision("It rains."))
        sound, good, better = reply.decisions
        assert 0.0 < sound.probabilities["yes"] < 1.0
        assert set(good.probabilities) == {"0", "1", "2"}
        assert set(better.probabilities) == {"A", "B", "tie"}
        for each in (good, better):
            assert sum(each.probabilities.values()) == pytest.approx(1.0)

    def test_are_those_of_the_next_token_whatever_is_in_the_same_batch(
        self, chat_folder: Path
    ) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        loaded = AutoModelForCausalLM.from_pretrained(chat_folder).eval()
        tokenizer = AutoTokenizer.from_pretrained(chat_folder)
        asked_for = "It rains.\n\nIs it sound?\nAnswer with Yes or No and nothing else."
        turns = [{"role": "system", "content": "Judge."}, {"role": "user", "content": asked_for}]
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        with torch.inference_mode():
            logits = loaded(**tokenizer(text, return_tensors="pt")).logits[0, -1]
        chances = torch.softmax(logits, -1)
        yes, no = (
            sum(float(chances[tokenizer(form)["input_ids"][0]]) for form in forms)
            for forms in (("Yes", "yes"), ("No", "no"))
        )
        replies = asked(
            configured(chat_folder), decision("It rains."), decision("A longer state. " * 30)
        )
        assert replies[0].decisions[0].probabilities["yes"] == pytest.approx(
            yes / (yes + no), abs=1e-5
        )


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, reward_folder: Path, chat_folder: Path
) -> Iterator[Path]:
    """A run whose completions were given, judged by both kinds in this process."""
    folder = tmp_path_factory.mktemp("run")
    with LocalServer() as server:
        lines = [
            {"id": f"p{n}", "prompt": f"Why {n}?", "completions": [f"{a} {n}" for a in ANSWERS]}
            for n in range(5)
        ]
        (folder / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        models = {
            "rm": {"provider": "transformers", "model": str(reward_folder)},
            "chat": {"provider": "transformers", "model": str(chat_folder)},
        }
        judges = [
            {"model": "rm", "protocol": "reward"},
            {"model": "chat", "protocol": "decisions"},
        ]
        config = write_config(
            folder,
            server,
            prompts={"path": "rows.jsonl"},
            models=models,
            sampling=None,
            judging={"judges": judges},
        )
        result = run(config, folder / "out")
        assert result.exit_code == 0
        assert not server.calls()
    return folder / "out"


def test_a_run_is_judged_in_this_process_for_nothing(finished: Path) -> None:
    made = rows(finished / "judgments.jsonl")
    assert len(made) == 2 * 5 * len(ANSWERS)
    assert not [one for one in made if one["missing"]]
    assert sum(one["cost_usd"] for one in made) == 0.0
    rewards = [one["rewards"][0] for one in made if one["judge"] == "rm"]
    assert len(set(rewards)) > len(ANSWERS)
    assert all("good" not in one["criteria"] for one in made)


class TestBeforeTheRun:
    def test_a_chat_model_is_refused_as_a_reward_model(
        self, tmp_path: Path, server: LocalServer, chat_folder: Path
    ) -> None:
        message = self._refusal(tmp_path, server, chat_folder, "reward")
        assert "is not a sequence classifier (LlamaForCausalLM)" in message

    def test_a_reward_model_is_refused_where_decisions_are_asked(
        self, tmp_path: Path, server: LocalServer, reward_folder: Path
    ) -> None:
        message = self._refusal(tmp_path, server, reward_folder, "decisions")
        assert "is not a chat model (LlamaForSequenceClassification)" in message

    def test_a_classifier_of_several_labels_is_refused(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        folder = tmp_path / "three"
        folder.mkdir()
        known = {"architectures": ["LlamaForSequenceClassification"], "num_labels": 3}
        (folder / "config.json").write_text(json.dumps(known))
        message = self._refusal(tmp_path, server, folder, "reward")
        assert "has 3 outputs; a reward model has one" in message

    def test_a_folder_without_a_model_is_named(self, tmp_path: Path, server: LocalServer) -> None:
        message = self._refusal(tmp_path, server, tmp_path, "reward")
        assert "has no config.json" in message

    def _refusal(self, folder: Path, server: LocalServer, place: Path, protocol: str) -> str:
        models = {
            "small": model(server),
            "judge": {"provider": "transformers", "model": str(place)},
        }
        config = write_config(
            folder,
            server,
            models=models,
            judging={"judges": [{"model": "judge", "protocol": protocol}]},
        )
        with pytest.raises(ConfigError) as refused:
            judgeforge.run(judgeforge.load_config(config), folder / "out")
        assert not server.calls()
        return str(refused.value)
