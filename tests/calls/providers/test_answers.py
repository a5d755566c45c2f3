"""How a reply ended, by the words of many servers: what is not known is not taken for whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.calls.providers.answers import ended
from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.openai_chat import read_chat_completion

WORDS = {
    "stop": "stop STOP eos eos_token EOS_TOKEN end_turn stop_sequence tool_calls function_call "
    "tool_use COMPLETE completed FINISH_REASON_STOP endTurn stop-sequence",
    "length": "length MAX_TOKENS max_tokens max_output_tokens model_length maxTokens "
    "model_context_window_exceeded context_length_exceeded FINISH_REASON_MAX_TOKENS "
    "length_limit_reached compaction context_overflow",
    "content_filter": "content_filter SAFETY sensitive RECITATION BLOCKLIST PROHIBITED_CONTENT "
    "SPII guardrail_intervened content_filtered ERROR_TOXIC",
    "refusal": "refusal",
    "failed": "error ERROR abort network_error insufficient_system_resource cancelled timeout "
    "MALFORMED_FUNCTION_CALL USER_CANCEL TOO_MANY_TOOL_CALLS MISSING_THOUGHT_SIGNATURE preempted",
    "unknown": "pause_turn repetition OTHER unspecified FINISH_REASON_UNSPECIFIED weird "
    "stopped_by_the_operator not_stop",
}


@pytest.mark.parametrize(
    ("word", "finish"), [(word, how) for how, words in WORDS.items() for word in words.split()]
)
def test_a_word_of_a_server_has_one_meaning(word: str, finish: str) -> None:
    found, end = ended(word, "text")
    assert found == finish
    assert (end is not None) == (finish in {"unknown", "failed"})


@pytest.mark.parametrize(
    ("said", "upstream", "finish"),
    [
        ("stop", "MAX_TOKENS", "length"),
        (None, "length", "length"),
        ("stop", "SAFETY", "content_filter"),
        ("stop", "network_error", "failed"),
        ("stop", "refusal", "refusal"),
        ("stop", "end_turn", "stop"),
        ("stop", None, "stop"),
        ("stop", "a_word_of_its_own", "stop"),
        ("length", "stop", "length"),
        ("weird", "MAX_TOKENS", "unknown"),
        ("stop", 3, "stop"),
    ],
)
def test_an_upstream_that_cut_a_reply_is_believed_before_its_gateway(
    said: object, upstream: object, finish: str
) -> None:
    message = {"content": "text"}
    choice = {"message": message, "finish_reason": said, "native_finish_reason": upstream}
    reply = read_chat_completion(json.dumps({"choices": [choice]}).encode())
    assert reply.finish == finish


def test_a_server_that_says_nothing_is_believed() -> None:
    for said in (None, ""):
        assert ended(said, "text") == ("stop", None)
        assert ended(said, " ") == ("empty", None)


@pytest.mark.parametrize("said", [7, True, ["odd", "stop"], {"kind": "x"}, "x" * 100_000, "\ud83d"])
def test_a_reason_of_any_shape_is_unknown_and_never_an_error(said: object) -> None:
    found, end = ended(said, "text")
    assert found == "unknown"
    assert end is not None
    assert len(end.encode()) < 1000


def test_a_reason_that_is_an_object_is_read_by_its_type() -> None:
    assert ended({"type": "length", "length": 200}, "text")[0] == "length"
    assert ended({"type": "stop", "matched": 2}, "text")[0] == "stop"


def completion(**choice: Any) -> bytes:
    message = {"role": "assistant", "content": "Half a sen"}
    return json.dumps({"choices": [{"message": message, **choice}]}).encode()


def test_a_choice_with_an_error_is_broken_off_whatever_else_it_says() -> None:
    raw = completion(finish_reason="stop", error={"code": 502, "message": "upstream went away"})
    reply = read_chat_completion(raw)
    assert (reply.finish, reply.end) == ("failed", "error: upstream went away")
    assert read_chat_completion(completion(finish_reason="stop", error=None)).finish == "stop"


def test_both_apis_keep_the_word_that_is_not_known() -> None:
    assert read_chat_completion(completion(finish_reason="weird")).end == "weird"
    raw = {"content": [{"type": "text", "text": "Half a sen"}], "stop_reason": "pause_turn"}
    reply = AnthropicMessages("http://127.0.0.1:1", "key").read(json.dumps(raw).encode())
    assert (reply.finish, reply.end) == ("unknown", "pause_turn")
