"""The bodies that go to chat completions, and the replies that come back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from judgeforge.calls.providers.asked_reply import as_asked
from judgeforge.calls.providers.base import ChatRequest, ReplySchema, Usage
from judgeforge.calls.providers.openai_chat import OpenAIChat
from judgeforge.config.model import ModelConfig
from judgeforge.errors import MalformedReplyError
from judgeforge.text.messages import Message

SCHEMA = ReplySchema("judgment", {"type": "object", "properties": {"ok": {"type": "boolean"}}})
MESSAGES = (Message(role="system", content="Be brief."), Message(role="user", content="Why?"))
OWN_SERVER = "http://127.0.0.1:8000/v1"


def body(
    *,
    model: str = "gpt-4.1",
    schema: ReplySchema | None = None,
    seed: int | None = None,
    **own: Any,
) -> dict[str, Any]:
    config = ModelConfig(provider="openai", model=model, **own)
    request = ChatRequest(MESSAGES, 99, temperature=0.5, seed=seed, reply_schema=schema)
    return OpenAIChat(config.base_url, "key").body(config, request)


def reply(message: dict[str, Any], **more: Any) -> bytes:
    finish = more.pop("finish_reason", "stop")
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode()


def read(message: dict[str, Any], **more: Any) -> Any:
    return OpenAIChat(None, None).read(reply(message, **more))


def test_a_request_is_the_messages_and_the_settings() -> None:
    assert body(seed=3) == {
        "model": "gpt-4.1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why?"},
        ],
        "max_completion_tokens": 99,
        "temperature": 0.5,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("own", "limit", "has_temperature"),
    [
        ({"model": "gpt-4.1"}, "max_completion_tokens", True),
        ({"model": "gpt-5.4-mini"}, "max_completion_tokens", False),
        ({"model": "o4-mini"}, "max_completion_tokens", False),
        ({"model": "gpt-5.4-mini", "base_url": OWN_SERVER}, "max_tokens", True),
        ({"model": "gpt-5.4", "send_temperature": True}, "max_completion_tokens", True),
        ({"model": "my", "base_url": OWN_SERVER, "send_temperature": False}, "max_tokens", False),
        (
            {"base_url": OWN_SERVER, "max_tokens_field": "max_completion_tokens"},
            "max_completion_tokens",
            True,
        ),
        ({"max_tokens_field": "max_tokens"}, "max_tokens", True),
    ],
)
def test_models_differ_in_what_they_take(
    own: dict[str, Any], limit: str, has_temperature: bool
) -> None:
    sent = body(**own)
    assert {name for name in sent if "max_" in name} == {limit}
    assert ("temperature" in sent) == has_temperature


def test_a_schema_is_asked_for_in_the_way_that_is_configured() -> None:
    by_format = body(schema=SCHEMA)["response_format"]["json_schema"]
    assert by_format == {"name": "judgment", "strict": True, "schema": SCHEMA.schema}
    by_tool = body(schema=SCHEMA, structured="tool")
    assert by_tool["tools"][0]["function"]["parameters"] == SCHEMA.schema
    assert by_tool["tool_choice"]["function"] == {"name": "judgment"}
    by_words = body(schema=SCHEMA, structured="instruction")
    assert by_words["messages"][0]["content"].startswith("Be brief.\n\n")
    assert json.dumps(SCHEMA.schema) in by_words["messages"][0]["content"]
    assert not {"response_format", "tools"} & by_words.keys()


def test_params_pass_through() -> None:
    params = {"top_p": 0.9, "stop": ["\n"], "extra_body": {"min_p": 0.1}}
    sent = body(params=params)
    assert (sent["top_p"], sent["stop"], sent["min_p"]) == (0.9, ["\n"], 0.1)
    assert "extra_body" not in sent


@pytest.mark.parametrize(
    ("message", "finish", "wanted"),
    [
        ({"content": "Yes."}, "stop", ("Yes.", "stop", None)),
        ({"content": "Yes"}, "length", ("Yes", "length", None)),
        ({"content": None}, "content_filter", ("", "content_filter", None)),
        ({"content": " \n"}, "stop", (" \n", "empty", None)),
        ({"content": None, "refusal": "No."}, "stop", ("No.", "refusal", None)),
        ({"content": "<think>hm</think>Yes."}, "stop", ("Yes.", "stop", "hm")),
        ({"content": "hm</think>Yes."}, "stop", ("Yes.", "stop", "hm")),
        ({"content": "<think>hm"}, "length", ("", "length", "hm")),
        ({"content": "Yes.", "reasoning_content": "hm"}, "stop", ("Yes.", "stop", "hm")),
        ({"content": "Yes.", "reasoning": "hm"}, "stop", ("Yes.", "stop", "hm")),
        ({"content": None, "tool_calls": [{"function": {"arguments": '{"ok": true}'}}]},
         "tool_calls", ('{"ok": true}', "stop", None)),
    ],
)  # fmt: skip
def test_a_reply_is_its_text_its_end_and_its_reasoning(
    message: dict[str, Any], finish: str, wanted: tuple[str, str, str | None]
) -> None:
    found = read(message, finish_reason=finish)
    assert (found.text, found.finish, found.reasoning) == wanted


def test_usage_has_its_parts() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 25},
    }
    assert read({"content": "a"}, usage=usage).usage == Usage(100, 40, 60, 0, 25)


@pytest.mark.parametrize(("total", "output"), [(541, 509), (41, 9), (0, 9), (None, 9)])
def test_reasoning_that_only_the_total_counts_is_output(total: int | None, output: int) -> None:
    usage = {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": total}
    assert read({"content": "a"}, usage=usage).usage == Usage(32, output)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": 0, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": -1},
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 6}},
        {},
        {"prompt_tokens": 5, "completion_tokens": None},
        {"prompt_tokens": 5.5, "completion_tokens": 1},
        {"prompt_tokens": 5, "completion_tokens": 10**400},
    ],
)
def test_usage_that_cannot_be_true_is_unknown(usage: dict[str, Any] | None) -> None:
    assert read({"content": "a"}, usage=usage).usage is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"choices": []}', b"<html>", b"\xff"])
def test_anything_else_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        OpenAIChat(None, None).read(raw)


TEXT = {"type": "text", "text": "Yes."}


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, TEXT], "Yes.", "hm"),
        ([{"text": "hm", "thought": True}, {"text": "Yes."}], "Yes.", "hm"),
        ([{"type": "thinking", "thinking": "hm"}, TEXT], "Yes.", "hm"),
        ([{"type": "reasoning", "text": "hm"}, TEXT], "Yes.", "hm"),
        ([{"type": "reasoning", "summary": [{"text": "hm"}]}, TEXT], "Yes.", "hm"),
        ([TEXT, {"type": "output_text", "text": " No."}], "Yes. No.", None),
        (["Yes.", " No."], "Yes. No.", None),
        ([{"type": "reference", "reference_ids": [1]}, TEXT], "Yes.", None),
        (TEXT, "Yes.", None),
        ([{"type": "text", "text": {"value": "Yes."}}], "Yes.", None),
        ([], "", None),
        (7, "7", None),
        (7.5, "7.5", None),
        ({"scores": {"quality": 7}, "note": "é"}, '{"scores": {"quality": 7}, "note": "é"}', None),
        ({}, "", None),
    ],
)
def test_an_answer_in_parts_is_joined(content: Any, text: str, reasoning: str | None) -> None:
    found = read({"content": content})
    assert (found.text, found.reasoning) == (text, reasoning)


@pytest.mark.parametrize(
    "beside",
    [
        {"refusal": {"reason": None}},
        {"refusal": False},
        {"reasoning_content": 5},
        {"reasoning": {"effort": "low"}},
        {"reasoning_details": 7},
        {"tool_calls": {}},
        {"tool_calls": [{"id": "x"}, None, 3]},
        {"tool_calls": [{"function": None}]},
        {"function_call": "none"},
        {"annotations": 3, "audio": "x"},
    ],
)
def test_what_cannot_be_read_beside_an_answer_costs_no_answer(beside: dict[str, Any]) -> None:
    found = read({"content": "Yes.", **beside})
    assert (found.text, found.finish, found.reasoning) == ("Yes.", "stop", None)


@pytest.mark.parametrize(
    "usage",
    [
        "none",
        [1],
        {"prompt_tokens": "many", "completion_tokens": 3},
        {"prompt_tokens": {"text": 5}, "completion_tokens": 3},
    ],
)
def test_usage_that_cannot_be_read_costs_no_answer(usage: Any) -> None:
    found = read({"content": "Yes."}, usage=usage, model={"id": 3})
    assert (found.text, found.usage, found.model) == ("Yes.", None, None)


@pytest.mark.parametrize("details", ["none", 3, [], {"cached_tokens": "few"}])
def test_details_of_usage_that_cannot_be_read_cost_the_details(details: Any) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": details}
    assert read({"content": "Yes."}, usage=usage).usage == Usage(9, 3)


def with_logprobs(logprobs: Any) -> Any:
    choice = {"message": {"content": "Yes"}, "finish_reason": "stop", "logprobs": logprobs}
    return OpenAIChat(None, None).read(json.dumps({"choices": [choice]}).encode())


@pytest.mark.parametrize(
    "logprobs",
    ["none", 3, {"tokens": ["Yes"], "token_logprobs": [-0.1]}, {"content": "Yes"},
     {"content": [{"token": "Yes", "logprob": -0.1, "top_logprobs": {"Yes": -0.1}}]},
     {"content": [{"id": 3}]}, {"content": None}],
)  # fmt: skip
def test_probabilities_that_cannot_be_read_cost_no_answer(logprobs: Any) -> None:
    found = with_logprobs(logprobs)
    assert (found.text, found.tokens) == ("Yes", ())


def test_a_token_that_is_impossible_has_no_probability() -> None:
    alternatives = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": None}]
    token = {"token": "Yes", "logprob": -0.1, "top_logprobs": alternatives}
    [read_token, bare] = with_logprobs(
        {"content": [token, {"token": "!", "logprob": -0.5, "top_logprobs": None}]}
    ).tokens
    assert read_token.alternatives == (("Yes", -0.1),)
    assert bare.alternatives == (("!", -0.5),)


ARGUMENTS = '{"ok": true}'


@pytest.mark.parametrize("content", [None, "", "\n\n", [], "<think>hm</think>\n", "hm</think>\n"])
@pytest.mark.parametrize(
    "calls",
    [
        {"tool_calls": [{"function": {"arguments": ARGUMENTS}}]},
        {"tool_calls": [{"function": {"arguments": {"ok": True}}}]},
        {"tool_calls": [{"id": 3}, {"function": {"arguments": ARGUMENTS}}]},
        {"function_call": {"name": "judgment", "arguments": ARGUMENTS}},
    ],
)
def test_arguments_are_the_answer_where_there_is_no_other(
    content: Any, calls: dict[str, Any]
) -> None:
    found = read({"content": content, **calls}, finish_reason="tool_calls")
    assert (found.text, found.finish) == (ARGUMENTS, "stop")


@pytest.mark.parametrize("content", ["I call the tool.", "\n", '{"ok": false}', "<think>hm"])
def test_arguments_are_the_answer_where_a_tool_was_asked_for(content: str) -> None:
    message = {"content": content, "tool_calls": [{"function": {"arguments": ARGUMENTS}}]}
    config = ModelConfig(provider="openai", model="m", structured="tool")
    asked = body(schema=SCHEMA, structured="tool")
    assert as_asked(read(message), asked, config).text == ARGUMENTS
    if content.strip() and not content.startswith("<"):
        assert as_asked(read(message), body(), config).text == content


def test_tags_around_an_answer_after_a_thought_are_taken_off_unless_they_were_asked_for() -> None:
    config, asked = ModelConfig(provider="openai", model="m"), body()
    found = read({"content": "<think>hm</think>\n<answer>\nYes.\n</answer>"})
    assert as_asked(found, asked, config).text == "Yes."
    asked["messages"].append({"role": "user", "content": "Write <answer>…</answer>."})
    assert as_asked(found, asked, config).text == "<answer>\nYes.\n</answer>"
    without = read({"content": "<answer>Yes.</answer>"})
    assert as_asked(without, body(), config).text == "<answer>Yes.</answer>"


@pytest.mark.parametrize("content", ["`</think>` closes it.", "<think>hm</think>Yes."])
def test_nothing_is_cut_where_thoughts_come_apart(content: str) -> None:
    found = read({"content": content, "reasoning_content": "They ask about tags."})
    assert (found.text, found.reasoning) == (content, "They ask about tags.")


def test_thoughts_in_tags_of_the_model_are_taken_out() -> None:
    config = ModelConfig(provider="openai", model="m", thinking_tags=("<ponder>", "</ponder>"))
    found = as_asked(read({"content": "<ponder>hm</ponder>Yes."}), body(), config)
    assert (found.text, found.finish, found.reasoning) == ("Yes.", "stop", "hm")
    cut = as_asked(read({"content": "<ponder>hm"}), body(), config)
    assert (cut.text, cut.finish, cut.reasoning) == ("", "empty", "hm")


@pytest.mark.parametrize("tags", [["<a>"], ["<a>", "<a>"], ["", "</a>"], ["<a>", " "], "<a>"])
def test_tags_are_two_different_texts(tags: Any) -> None:
    with pytest.raises(ValidationError):
        ModelConfig.model_validate({"provider": "openai", "model": "m", "thinking_tags": tags})


@pytest.mark.parametrize(
    ("message", "thoughts"),
    [
        ({"reasoning_content": None, "reasoning": "So."}, "So."),
        ({"reasoning_content": "", "reasoning_details": [{"text": "So."}]}, "So."),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "So."}]}, "So."),
    ],
)
def test_thoughts_are_found_beside_an_empty_place_for_them(
    message: dict[str, Any], thoughts: str
) -> None:
    found = read({"content": "The tag `</think>` closes them.", **message})
    assert (found.text, found.reasoning) == ("The tag `</think>` closes them.", thoughts)


@pytest.mark.parametrize(
    "message",
    [
        {"content": [{"type": "refusal", "refusal": "I cannot."}]},
        {
            "content": [
                None,
                {"type": "text", "text": "Hm."},
                {"type": "refusal", "text": "I cannot."},
            ]
        },
        {"content": None, "refusal": ["I cannot."]},
    ],
)
def test_a_refusal_is_one_wherever_it_stands(message: dict[str, Any]) -> None:
    assert (read(message).text, read(message).finish) == ("I cannot.", "refusal")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([None, 3, {"type": "text", "text": "whole"}], "whole"),
        ({"type": "good", "score": 3}, '{"type": "good", "score": 3}'),
        ({"text": "Brief.", "score": 3}, '{"text": "Brief.", "score": 3}'),
        ({"type": "text", "text": "whole"}, "whole"),
        ({"text": "whole"}, "whole"),
        (True, "true"),
    ],
)
def test_content_in_other_forms_is_the_answer(content: object, text: str) -> None:
    assert read({"content": content}).text == text


@pytest.mark.parametrize(
    "calls",
    [
        [{"id": "c", "name": "look", "arguments": "[1]"}],
        {"id": "c", "function": {"name": "look", "arguments": "[1]"}},
        [{"id": "c", "function": {"name": "look", "arguments": [1]}}],
    ],
)
def test_a_call_is_found_in_the_forms_in_which_servers_send_it(calls: object) -> None:
    (call,) = read({"content": None, "tool_calls": calls}, finish_reason="tool_calls").tool_calls
    assert (call.id, call.name, call.arguments) == ("c", "look", "[1]")


def test_an_error_beside_the_choices_makes_no_whole_answer_of_them() -> None:
    found = read({"content": "Half of"}, error={"message": "upstream died", "code": 502})
    assert (found.finish, found.end) == ("failed", "error: upstream died")


def _choice(index: int | None, said: str, **more: Any) -> dict[str, Any]:
    logprobs = {"content": [{"token": said, "logprob": -0.5}]}
    place = {} if index is None else {"index": index}
    return {
        **place,
        "message": {"content": said},
        "finish_reason": "stop",
        "logprobs": logprobs,
    } | more


@pytest.mark.parametrize(
    "choices",
    [
        [_choice(1, "Other.", finish_reason="length"), _choice(0, "First.")],
        [_choice(2, "Other."), _choice(0, "First."), _choice(1, "Other.")],
        [_choice(None, "First."), _choice(None, "Other.")],
        [_choice(3, "First.")],
        [_choice(1, "Other."), _choice(0, "First."), "broken"],
    ],
)
def test_of_several_answers_the_one_that_was_asked_for_is_read_in_whichever_order_they_come(
    choices: list[Any],
) -> None:
    found = OpenAIChat(None, None).read(json.dumps({"choices": choices}).encode())
    assert (found.text, found.finish) == ("First.", "stop")
    assert [one.text for one in found.tokens] == ["First."]
