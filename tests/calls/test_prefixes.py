"""What calls begin with in common, and whether a cache makes anything of it."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.money.prices import ModelPrice, Rates
from judgeforge.calls.prefixes import (
    HITS_IN_BATCHES,
    PrefixRules,
    marking_pays,
    prefix_rules,
)
from judgeforge.calls.providers.base import ChatRequest, SharedPrefix
from judgeforge.config.model import ModelConfig
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart

PLAIN = ModelPrice((Rates(1.0, 4.0, 1.0, 1.0),), "test")
CACHED = ModelPrice((Rates(1.0, 4.0, 0.1, 1.0),), "test")
WRITTEN = ModelPrice((Rates(1.0, 4.0, 0.1, 1.25, hour_write=2.0),), "test")
RUBRIC, CONVERSATION = "Judge by this. " * 400, "It was long ago. " * 400


def model(provider: str = "openai", name: str = "m", **fields: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": provider, "model": name, **fields})


class TestTheRules:
    @pytest.mark.parametrize(
        ("asked", "price", "known"),
        [
            ("auto", PLAIN, False),
            ("auto", None, False),
            ("auto", CACHED, True),
            (True, PLAIN, True),
            (True, None, True),
            (False, CACHED, False),
        ],
    )
    def test_are_of_a_server_whose_cache_saves_or_is_said_to_keep(
        self, asked: object, price: ModelPrice | None, known: bool
    ) -> None:
        assert (prefix_rules(model(prompt_cache=asked), price) is not None) is known

    @pytest.mark.parametrize("provider", ["local", "openai_decisions", "systemone"])
    def test_are_of_no_model_that_does_not_chat_with_a_server(self, provider: str) -> None:
        address = {"base_url": "http://127.0.0.1:1/v1"} if provider == "systemone" else {}
        assert prefix_rules(model(provider, **address), CACHED) is None
        with pytest.raises(ValueError, match="take `prompt_cache` out"):
            model(provider, prompt_cache=True, **address)

    @pytest.mark.parametrize(
        ("provider", "name", "least"),
        [
            ("openai", "gpt-5.4", 1024),
            ("anthropic", "claude-sonnet-4-6", 1024),
            ("anthropic", "claude-opus-4-6", 4096),
            ("anthropic", "claude-haiku-4-5-20251001", 4096),
            ("anthropic", "claude-opus-4-7", 2048),
            ("anthropic", "claude-opus-5", 512),
        ],
    )
    def test_know_the_least_length_of_a_model(self, provider: str, name: str, least: int) -> None:
        rules = prefix_rules(model(provider, name), CACHED)
        assert rules is not None
        assert rules.least_tokens == least

    def test_of_a_server_of_ones_own_ask_for_one_block(self) -> None:
        rules = prefix_rules(model(prompt_cache=True), PLAIN)
        assert rules == PrefixRules(16, writes_cost=False)

    def test_know_whether_writing_costs_more(self) -> None:
        for price, costs in ((CACHED, False), (WRITTEN, True)):
            rules = prefix_rules(model(), price)
            assert rules is not None
            assert rules.writes_cost is costs


def request(
    conversation: str = CONVERSATION, answer: str = "Yes.", rubric: str = RUBRIC
) -> ChatRequest:
    messages = (
        Message(role="system", content=rubric),
        Message(role="user", content=conversation + answer),
    )
    return ChatRequest(messages, 100, 0.0, shared=SharedPrefix(1, len(conversation)))


class TestAPrefix:
    RULES = PrefixRules(1024, writes_cost=False)

    def test_is_the_same_for_questions_about_one_row(self) -> None:
        first, second = (self.RULES.prefix_of("m", request(answer=text)) for text in ("A", "B"))
        assert first == second
        assert first is not None
        assert None not in {first.rubric, first.row}

    def test_shares_its_rubric_with_other_rows(self) -> None:
        first = self.RULES.prefix_of("m", request())
        second = self.RULES.prefix_of("m", request("Another one. " * 400))
        assert first is not None
        assert second is not None
        assert first.rubric == second.rubric
        assert first.row != second.row

    def test_is_of_its_model_alone(self) -> None:
        assert self.RULES.prefix_of("m", request()) != self.RULES.prefix_of("n", request())

    def test_has_no_row_where_the_conversation_is_not_worth_a_wait(self) -> None:
        prefix = self.RULES.prefix_of("m", request("Short."))
        assert prefix is not None
        assert (prefix.row, prefix.rubric is None) == (None, False)

    def test_may_be_of_a_row_whose_rubric_alone_is_too_short(self) -> None:
        prefix = self.RULES.prefix_of("m", request(rubric="Judge it."))
        assert prefix is not None
        assert (prefix.rubric, prefix.row is None) == (None, False)

    def test_is_none_of_what_is_too_short_or_no_question_of_a_judge(self) -> None:
        assert self.RULES.prefix_of("m", request("Short.", rubric="Judge it.")) is None
        alone = ChatRequest((Message(role="user", content=CONVERSATION * 9),), 100, 1.0)
        assert self.RULES.prefix_of("m", alone) is None

    def test_counts_pictures_and_tells_them_apart(self) -> None:
        def seen(url: str) -> ChatRequest:
            parts = (
                TextPart(text="What is this?"),
                ImagePart(image_url=ImageUrl(url=url)),
                TextPart(text="A sea."),
            )
            turns = (Message(role="system", content="Judge."), Message(role="user", content=parts))
            return ChatRequest(turns, 100, 0.0, shared=SharedPrefix(1, parts=2))

        one, two = (self.RULES.prefix_of("m", seen(f"https://example.org/{n}.png")) for n in "12")
        assert one is not None
        assert two is not None
        assert one.row != two.row


class TestMarking:
    @pytest.mark.parametrize(("requests", "pays"), [(1, False), (2, True), (12, True)])
    def test_pays_from_two_requests_that_are_sent_one_after_the_other(
        self, requests: int, pays: bool
    ) -> None:
        assert marking_pays(requests, WRITTEN) is pays

    def test_pays_for_more_of_them_in_batches_where_many_reads_miss(self) -> None:
        by_number = [marking_pays(n, WRITTEN, in_batch=True) for n in range(1, 13)]
        least = by_number.index(True) + 1
        miss = 1 - HITS_IN_BATCHES
        assert least > 2
        assert by_number == [n >= least for n in range(1, 13)]
        assert 2.0 + (least - 1) * (0.1 * HITS_IN_BATCHES + 2.0 * miss) < least


class TestACallAsItIsSent:
    def endpoint(self, provider: str, name: str, **fields: Any) -> Endpoint:
        from judgeforge.calls.providers.base import open_provider

        config = model(provider, name, **fields)
        return Endpoint("m", config, open_provider(config, None), None, WRITTEN)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("provider", "name"),
        [("anthropic", "claude-sonnet-5"), ("openai", "gpt-6-sol"), ("openai", "gpt-5.4")],
    )
    def test_has_the_key_that_it_has_without_marks(self, provider: str, name: str) -> None:
        marked, plain = (
            self.endpoint(provider, name, prompt_cache=asked) for asked in ("auto", False)
        )
        call = marked.call(_with_schema(request()), 0)
        assert call.key == plain.call(_with_schema(request()), 0).key
        assert call.prefix is not None
        sent = marked.marked(call, 4).sent
        assert sent is not None
        assert sent != call.body

    def test_asks_anthropic_to_keep_it_for_an_hour_in_a_batch_and_reserves_that(self) -> None:
        endpoint = self.endpoint("anthropic", "claude-sonnet-5")
        call = endpoint.call(_with_schema(request()), 0)
        sent = endpoint.marked(call, 12, in_batch=True).sent
        assert sent is not None
        marks = [sent["system"][-1], sent["messages"][0]["content"][0]]
        assert [one["cache_control"] for one in marks] == [{"type": "ephemeral", "ttl": "1h"}] * 2
        direct, batched = endpoint.most_pico(call), endpoint.most_pico(call, in_batch=True)
        assert direct is not None
        assert batched is not None
        tokens = call.request_bytes + 1000
        assert direct >= tokens * 1.25e6
        assert batched >= tokens * 2.0e6

    def test_keeps_no_row_that_no_other_request_begins_with(self) -> None:
        endpoint = self.endpoint("anthropic", "claude-sonnet-5")
        sent = endpoint.marked(endpoint.call(_with_schema(request()), 0), 1).sent
        assert sent is not None
        assert isinstance(sent["messages"][0]["content"], str)

    def test_keeps_nothing_where_that_is_switched_off(self) -> None:
        endpoint = self.endpoint("anthropic", "claude-sonnet-5", prompt_cache=False)
        call = endpoint.call(_with_schema(request()), 0)
        assert "cache_control" in str(call.body)
        assert "cache_control" not in str(endpoint.marked(call, 4).sent)


def _with_schema(asked: ChatRequest) -> ChatRequest:
    from dataclasses import replace

    from judgeforge.calls.providers.base import ReplySchema

    return replace(asked, reply_schema=ReplySchema("s", {"type": "object", "properties": {}}))
