"""Rewards of vLLM, SGLang and TEI against a server that speaks all three, sigmoid included."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.calls.money.price_list import price_of
from judgeforge.calls.money.prices import FREE, most_output_tokens
from judgeforge.calls.providers.base import ChatRequest, Provider, RewardRequest, open_provider
from judgeforge.config.model import ModelConfig
from judgeforge.errors import (
    ConfigError,
    MalformedReplyError,
    OverlongRequestError,
    StatusError,
    UnsuitedRequestError,
)
from judgeforge.text.messages import ImagePart, ImageUrl, Message, ToolCall
from tests.local_server import LocalServer, faults, quality_of
from tests.support.run_setup import model, rows, run, write_config

GOOD, BAD = "[quality=0.9] Paris.", "[quality=0.2] Bananas."
CHATML = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endfor %}"
)
KINDS = ["vllm", "sglang", "tei", "tei-pair"]
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The folder of a tokenizer whose texts begin with a token of its own."""
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "chat_template.jinja").write_text("<s>" + CHATML)
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": {"content": "<s>"}}))
    return folder


def configured(server: LocalServer, kind: str, template: Path, **fields: Any) -> dict[str, Any]:
    written = {"chat_template": str(template)} if kind in {"sglang", "tei"} else {}
    return {
        "provider": "tei" if kind.startswith("tei") else "classify",
        "model": "skywork",
        "base_url": server.base_url,
        **written,
        **fields,
    }


def conversation(answer: str, *before: Message) -> RewardRequest:
    asked = Message(role="user", content="Capital of France?")
    return RewardRequest((*before, asked, Message(role="assistant", content=answer)))


def opened(fields: dict[str, Any]) -> tuple[ModelConfig, Provider]:
    config = ModelConfig.model_validate(fields)
    return config, open_provider(config, None)


def reward(fields: dict[str, Any], request: RewardRequest) -> tuple[float, ...]:
    config, provider = opened(fields)

    async def ask() -> tuple[float, ...]:
        try:
            raw = await provider.send(provider.body(config, request), model=config)
            return provider.read(raw.body).rewards
        finally:
            await provider.close()

    return asyncio.run(ask())


def read(provider: str, raw: object) -> tuple[float, ...]:
    """``raw``: JSON, or a value of it."""
    fields = {"provider": provider, "model": "m", "base_url": "http://127.0.0.1:1"}
    _, opened_one = opened(fields)
    content = raw if isinstance(raw, str) else json.dumps(raw)
    return opened_one.read(content.encode()).rewards


class TestTheRequest:
    @each_kind
    def test_brings_the_raw_reward_and_not_its_sigmoid(
        self, server: LocalServer, template: Path, kind: str
    ) -> None:
        server.behaviour.noise_sd = 0.0
        fields = configured(server, kind, template)
        assert reward(fields, conversation(GOOD)) == pytest.approx((28.0,))
        assert reward(fields, conversation(BAD)) == pytest.approx((0.0,))

    def test_of_vllm_says_that_no_activation_is_wanted_and_cuts_nothing(
        self, server: LocalServer, template: Path
    ) -> None:
        config, provider = opened(configured(server, "vllm", template))
        system = Message(role="system", content="Be short.")
        assert provider.body(config, conversation(GOOD, system)) == {
            "model": "skywork",
            "use_activation": False,
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": "Capital of France?"},
                {"role": "assistant", "content": GOOD},
            ],
        }

    def test_of_sglang_is_one_text_without_the_token_that_its_tokenizer_adds(
        self, server: LocalServer, template: Path
    ) -> None:
        config, provider = opened(configured(server, "sglang", template))
        body = provider.body(config, conversation(GOOD))
        assert body == {
            "model": "skywork",
            "text": [
                f"<|im_start|>user\nCapital of France?<|im_end|>\n"
                f"<|im_start|>assistant\n{GOOD}<|im_end|>\n"
            ],
        }

    def test_of_tei_asks_for_raw_scores_of_a_whole_text_or_of_a_pair(
        self, server: LocalServer, template: Path
    ) -> None:
        config, provider = opened(configured(server, "tei-pair", template))
        assert provider.body(config, conversation(GOOD)) == {
            "inputs": [["Capital of France?", GOOD]],
            "raw_scores": True,
            "truncate": False,
        }
        config, provider = opened(configured(server, "tei", template))
        (shown,) = provider.body(config, conversation(GOOD))["inputs"]
        assert len(shown) == 1

    @each_kind
    def test_costs_no_output(self, server: LocalServer, template: Path, kind: str) -> None:
        config, provider = opened(configured(server, kind, template))
        assert most_output_tokens(provider.body(config, conversation(GOOD))) == 0

    @pytest.mark.parametrize("base", ["", "/v1", "/v1/"])
    def test_goes_beside_v1_wherever_the_base_url_ends(
        self, server: LocalServer, template: Path, base: str
    ) -> None:
        fields = configured(server, "vllm", template, base_url=server.base_url + base)
        reward(fields, conversation(GOOD))
        assert server.requests[-1].path == "/classify"
        _, provider = opened(fields)
        assert provider.base_url == server.base_url  # one server, one key in the cache

    def test_of_tei_is_refused_for_more_than_a_prompt_and_an_answer_without_a_template(
        self, server: LocalServer, template: Path
    ) -> None:
        config, provider = opened(configured(server, "tei-pair", template))
        with pytest.raises(UnsuitedRequestError, match="with `chat_template` of the model"):
            provider.body(config, conversation(GOOD, Message(role="system", content="Hi.")))

    @pytest.mark.parametrize(
        ("message", "what"),
        [
            (Message(role="tool", content="9 C", tool_call_id="c"), "tool calls"),
            (
                Message(
                    role="assistant",
                    content=None,
                    tool_calls=(ToolCall(id="c", name="w", arguments="{}"),),
                ),
                "tool calls",
            ),
            (
                Message(
                    role="user",
                    content=(ImagePart(image_url=ImageUrl(url="https://x.org/a.png")),),
                ),
                "pictures",
            ),
        ],
    )
    @each_kind
    def test_holds_words_only(
        self, server: LocalServer, template: Path, kind: str, message: Message, what: str
    ) -> None:
        config, provider = opened(configured(server, kind, template))
        with pytest.raises(UnsuitedRequestError, match=f"the conversation has {what}"):
            provider.body(config, conversation(GOOD, message))

    def test_is_never_a_chat(self, server: LocalServer, template: Path) -> None:
        config, provider = opened(configured(server, "vllm", template))
        chat = ChatRequest((Message(role="user", content="Hi."),), 9, 0.0)
        with pytest.raises(TypeError, match="gives rewards only"):
            provider.body(config, chat)


NAN = pytest.approx((float("nan"),), nan_ok=True)
ODD = {
    "a sigmoid that was asked not to be there": ([0.99], (0.99,)),
    "two labels": ([1.5, -0.5], (1.5, -0.5)),
    "nested lists": ([[[2.5]]], (2.5,)),
    "a bare number": (2.5, (2.5,)),
    "nothing": ([], ()),
    "null": ([None], NAN),
    "a text": (["high"], NAN),
    "a boolean": ([True], NAN),
    "a number of 400 digits": ([10**400], (float("inf"),)),
    "an object": ([{"score": 1.0}], NAN),
}


class TestTheReply:
    @pytest.mark.parametrize("name", ODD)
    def test_is_told_as_it_is_whatever_the_server_puts_there(self, name: str) -> None:
        value, expected = ODD[name]
        assert read("classify", {"data": [{"index": 0, "probs": value}]}) == expected
        assert read("classify", [{"embedding": value}]) == expected
        assert read("classify", {"embedding": value, "meta_info": None}) == expected

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            ([{"score": 2.5, "label": "L"}], (2.5,)),
            ([[{"score": 2.5, "label": "L"}]], (2.5,)),
            ([[{"score": 2.5}, {"score": 1.0}]], (2.5, 1.0)),
            ([[{"label": "L"}]], NAN),
            ([], ()),
            ([[]], ()),
        ],
    )
    def test_of_tei_is_a_list_or_a_list_of_lists(
        self, raw: object, expected: tuple[float, ...]
    ) -> None:
        assert read("tei", raw) == expected

    @pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
    def test_may_be_no_finite_number(self, word: str) -> None:
        (found,) = read("classify", f'{{"data":[{{"index":0,"probs":[{word}]}}]}}')
        assert not math.isfinite(found)

    def test_is_in_the_order_of_its_indexes(self) -> None:
        data = [{"index": 1, "probs": [1.0]}, {"index": 0, "probs": [0.5]}]
        assert read("classify", {"data": data}) == (0.5, 1.0)

    def test_tells_the_tokens_where_the_server_counts_them(
        self, server: LocalServer, template: Path
    ) -> None:
        for kind in ("vllm", "sglang"):
            config, provider = opened(configured(server, kind, template))

            async def ask(config: ModelConfig = config, provider: Provider = provider) -> Any:
                body = provider.body(config, conversation(GOOD))
                return provider.read((await provider.send(body, model=config)).body)

            usage = asyncio.run(ask()).usage
            assert usage is not None
            assert (usage.input_tokens > 0, usage.output_tokens) == (True, 0)

    @pytest.mark.parametrize(
        ("provider", "raw"),
        [
            ("classify", "<html>"),
            ("classify", '{"data": 7}'),
            ("classify", '{"choices": []}'),
            ("classify", '[{"score": 1.0}]'),
            ("classify", "[" * 2000),
            ("tei", '{"score": 1.0}'),
            ("tei", "7"),
            ("tei", ""),
        ],
    )
    def test_that_is_none_of_this_api_is_malformed(self, provider: str, raw: str) -> None:
        with pytest.raises(MalformedReplyError):
            read(provider, raw)


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (400, "This model's maximum context length is 16384 tokens. However, you requested"),
            (413, "Input validation error: `inputs` must have less than 512 tokens. Given: 733"),
            (400, "The input (9000 tokens) is longer than the model's context length"),
        ],
    )
    def test_of_a_conversation_that_is_too_long_concern_that_one_alone(
        self, server: LocalServer, template: Path, status: int, said: str
    ) -> None:
        server.faults.add(faults.status(status, body={"error": said}))
        with pytest.raises(OverlongRequestError) as refused:
            reward(configured(server, "vllm", template), conversation(GOOD))
        assert not refused.value.stops_run

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (404, "Not Found"),
            (501, "not implemented"),
            (400, "The model does not support Classification API"),
        ],
    )
    def test_of_a_server_without_a_reward_model_stop_the_run_and_say_how_to_start_one(
        self, server: LocalServer, template: Path, status: int, said: str
    ) -> None:
        server.faults.add(faults.status(status, body={"error": {"message": said}}))
        with pytest.raises(StatusError, match="--runner pooling") as refused:
            reward(configured(server, "vllm", template), conversation(GOOD))
        assert refused.value.stops_run


class TestTheConfiguration:
    def test_a_server_on_this_machine_is_free_and_any_other_has_a_price(self) -> None:
        here = {"provider": "classify", "model": "m", "base_url": "http://127.0.0.1:8000"}
        away = {**here, "base_url": "https://rewards.example.org"}
        priced = {**away, "price": {"input_per_mtok": 0.1, "output_per_mtok": 0}}
        assert price_of(ModelConfig.model_validate(here)) == FREE
        assert price_of(ModelConfig.model_validate(away)) is None
        known = price_of(ModelConfig.model_validate(priced))
        assert known is not None
        assert known.upper_bound(1_000_000, 0) > 0

    @pytest.mark.parametrize(
        ("provider", "name", "value"),
        [
            ("classify", "use_activation", True),
            ("classify", "truncate_prompt_tokens", 512),
            ("tei", "truncate", True),
            ("tei", "raw_scores", False),
        ],
    )
    def test_params_neither_squash_nor_cut(self, provider: str, name: str, value: object) -> None:
        fields = {"provider": provider, "model": "m", "base_url": "http://127.0.0.1:1"}
        for params in ({name: value}, {"extra_body": {name: value}}):
            with pytest.raises(ValueError, match=f"`params.{name}` is set by judgeforge itself"):
                ModelConfig.model_validate({**fields, "params": params})

    def test_a_chat_template_is_for_reward_models(self) -> None:
        with pytest.raises(ValueError, match="`chat_template` is for reward models"):
            ModelConfig.model_validate(
                {"provider": "openai", "model": "m", "chat_template": "t.jinja"}
            )

    def test_a_chat_template_that_is_not_there_is_named_before_the_run(
        self, tmp_path: Path, server: LocalServer
    ) -> None:
        fields = configured(server, "sglang", tmp_path / "nowhere")
        message = refusal(tmp_path, server, fields)
        assert "models.rm.chat_template: no chat template" in message

    def test_a_reward_model_can_neither_chat_nor_decide(
        self, tmp_path: Path, server: LocalServer, template: Path
    ) -> None:
        fields = configured(server, "vllm", template)
        for protocol in ("pointwise", "decisions"):
            message = refusal(tmp_path, server, fields, protocol=protocol)
            assert "writes no text: set `protocol: reward`" in message

    def test_a_chat_model_gives_no_rewards(self, tmp_path: Path, server: LocalServer) -> None:
        message = refusal(tmp_path, server, model(server))
        assert "needs a reward model, and provider `openai` has none: use `classify`" in message

    def test_another_reward_model_never_stands_in_since_its_scale_is_another(
        self, tmp_path: Path, server: LocalServer, template: Path
    ) -> None:
        fields = configured(server, "vllm", template, fallback="other")
        other = configured(server, "vllm", template, model="another")
        message = refusal(tmp_path, server, fields, other=other)
        assert "rewards of two models are on two scales" in message

    def test_without_prompts_to_learn_from_and_without_labels_there_is_no_scale(
        self, tmp_path: Path, server: LocalServer, template: Path
    ) -> None:
        fields = configured(server, "vllm", template)
        message = refusal(tmp_path, server, fields, judging={"fit_prompts": 0})
        assert "judging.fit_prompts: must be more than 0" in message

    def test_how_good_an_answer_is_is_no_question_to_reward_models_alone(
        self, tmp_path: Path, server: LocalServer, template: Path
    ) -> None:
        fields = configured(server, "vllm", template)
        message = refusal(tmp_path, server, fields, pairing={"min_chosen_score": 0.6})
        assert "has no meaning where all judges are reward models" in message


def refusal(
    folder: Path,
    server: LocalServer,
    fields: dict[str, Any],
    *,
    protocol: str = "reward",
    other: dict[str, Any] | None = None,
    judging: dict[str, Any] | None = None,
    **parts: Any,
) -> str:
    models = {"small": model(server), "rm": fields, **({"other": other} if other else {})}
    judges = [{"model": "rm", "protocol": protocol}]
    config = write_config(
        folder, server, models=models, judging={"judges": judges, **(judging or {})}, **parts
    )
    with pytest.raises(ConfigError) as refused:
        judgeforge.run(judgeforge.load_config(config), folder / "out")
    assert not server.calls()
    return str(refused.value)


@each_kind
def test_a_run_follows_the_hidden_quality_and_keeps_the_raw_rewards(
    tmp_path: Path, server: LocalServer, template: Path, kind: str
) -> None:
    models = {"small": model(server), "rm": configured(server, kind, template)}
    judges = [{"model": "rm", "protocol": "reward"}]
    result = run(
        write_config(tmp_path, server, prompts=8, models=models, judging={"judges": judges}),
        tmp_path / "out",
    )
    assert result.exit_code == 0
    texts = {row["id"]: row["text"] for row in rows(tmp_path / "out" / "completions.jsonl")}
    made = rows(tmp_path / "out" / "judgments.jsonl")
    assert len(made) == 32
    for row in made:
        (name,) = row["completion_ids"]
        assert row["score"] is None
        assert row["rewards"][0] == pytest.approx(40 * quality_of(texts[name]) - 8, abs=4)
    for pair in rows(tmp_path / "out" / "pairs.jsonl"):
        chosen, rejected = (pair["provenance"][side] for side in ("chosen_id", "rejected_id"))
        assert quality_of(texts[chosen]) > quality_of(texts[rejected])
        assert 0.5 < pair["confidence"] < 0.8  # assumed, not measured
    again = run(tmp_path / "config.yaml", tmp_path / "again")
    assert again.manifest["totals"]["calls"]["paid"] == 0
