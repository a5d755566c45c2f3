"""What Anthropic and OpenAI are asked to keep of a body, which is not changed itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from judgeforge.calls.prefixes import marked
from judgeforge.calls.providers.base import (
    ChatRequest,
    Marks,
    ReplySchema,
    SharedPrefix,
    open_provider,
)
from judgeforge.config.model import ModelConfig
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart
from tests.local_server.prefix_cache import pieces_of

SCHEMA = ReplySchema("s", {"type": "object", "properties": {}})
AT = SharedPrefix(1, characters=8)
PICTURE = ImagePart(image_url=ImageUrl(url="https://example.org/a.png"))
PARTS = (TextPart(text="It is"), PICTURE, TextPart(text="an answer"))


def model(provider: str, name: str, **fields: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": provider, "model": name, **fields})


def body_of(config: ModelConfig, content: Any = "It is a text.") -> dict[str, Any]:
    messages = (Message(role="system", content="Judge."), Message(role="user", content=content))
    request = ChatRequest(messages, 100, 0.0, reply_schema=SCHEMA)
    return open_provider(config, None).body(config, request)


CLAUDE, SOL, MINI = (
    model("anthropic", "claude-sonnet-5"),
    model("openai", "gpt-6-sol"),
    model("openai", "gpt-5.4-mini"),
)


@pytest.mark.parametrize("config", [CLAUDE, SOL], ids=["anthropic", "openai"])
@pytest.mark.parametrize("content", ["It is a text.", PARTS], ids=["text", "pictures"])
def test_a_row_is_marked_where_its_answers_begin(config: ModelConfig, content: Any) -> None:
    body = body_of(config, content)
    before = copy.deepcopy(body)
    at = AT if isinstance(content, str) else SharedPrefix(1, parts=2)
    sent = marked(config, body, Marks(at, "row"))
    assert body == before
    read = [piece for piece in pieces_of(_wire(config), sent) if piece.text]
    ends = [piece.text for piece in read if piece.mark]
    assert len(ends) == 2
    assert ends[0] == b"Judge."
    assert ends[1] == (b"It is a " if isinstance(content, str) else ends[1])
    plain = pieces_of(_wire(config), body)
    assert b"".join(piece.text for piece in read) == b"".join(piece.text for piece in plain), (
        "what the model reads is the same"
    )
    if not isinstance(content, str):
        assert b"a.png" in ends[1]


def _wire(config: ModelConfig) -> Any:
    return config.provider


class TestAnthropic:
    def test_marks_the_rubric_alone_where_no_row_is_to_be_kept(self) -> None:
        sent = marked(CLAUDE, body_of(CLAUDE), Marks(AT))
        assert sent["system"][-1]["cache_control"] == {"type": "ephemeral"}
        assert sent["messages"] == body_of(CLAUDE)["messages"]

    def test_marks_for_an_hour_in_a_batch_also_what_has_no_place(self) -> None:
        sent = marked(CLAUDE, body_of(CLAUDE), Marks(for_an_hour=True))
        assert sent["system"][-1]["cache_control"]["ttl"] == "1h"

    def test_leaves_a_body_without_a_rubric_alone(self) -> None:
        request = ChatRequest((Message(role="user", content="Hi"),), 100, 1.0)
        body = open_provider(CLAUDE, None).body(CLAUDE, request)
        assert marked(CLAUDE, body, Marks(for_an_hour=True)) == body

    def test_marks_nothing_where_the_rubric_begins_the_users_message(self) -> None:
        config = model("anthropic", "claude-sonnet-5", system_role="user")
        body = body_of(config)
        assert marked(config, body, Marks(AT, "row")) == body


class TestOpenAI:
    def test_tells_its_own_address_which_requests_belong_together(self) -> None:
        assert marked(MINI, body_of(MINI), Marks(AT, "row"))["prompt_cache_key"] == "row"
        other = model("openai", "gpt-5.4-mini", base_url="http://127.0.0.1:1/v1")
        assert marked(other, body_of(other), Marks(AT, "row")) == body_of(other)

    def test_has_models_before_gpt_5_6_keep_by_themselves(self) -> None:
        sent = marked(MINI, body_of(MINI), Marks(AT, "row"))
        assert sent["messages"] == body_of(MINI)["messages"]
        assert "prompt_cache_options" not in sent

    @pytest.mark.parametrize("name", ["gpt-5.6", "gpt-5.6-luna", "gpt-6-sol", "openai/gpt-6.1-sol"])
    def test_has_later_ones_write_only_what_is_marked(self, name: str) -> None:
        config = model("openai", name)
        sent = marked(config, body_of(config), Marks(AT))
        assert sent["prompt_cache_options"] == {"mode": "explicit"}
        assert "prompt_cache_breakpoint" in sent["messages"][0]["content"][-1]
        assert isinstance(sent["messages"][1]["content"], str)

    def test_leaves_what_the_configuration_says_of_its_cache(self) -> None:
        config = model(
            "openai",
            "gpt-6-sol",
            params={"prompt_cache_key": "mine", "prompt_cache_options": {"mode": "implicit"}},
        )
        assert marked(config, body_of(config), Marks(AT, "row")) == body_of(config)
