"""A reply that is streamed though nobody asked for it is the reply that it would have been."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.openai_chat import read_chat_completion
from judgeforge.calls.providers.streams import whole_reply

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def chunk(delta: dict[str, Any] | None = None, **choice: Any) -> dict[str, Any]:
    part = {"index": 0, "delta": delta or {}, "finish_reason": None, **choice}
    return {"object": "chat.completion.chunk", "model": "m", "choices": [part]}


def streamed(*events: object, done: bool = True, between: str = "\n\n") -> bytes:
    said = [f"data: {json.dumps(event)}" for event in events] + ["data: [DONE]"] * done
    return (between.join(said) + between).encode()


WORDS = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "Let "}),
    chunk({"reasoning_content": "me see."}),
    chunk({"content": "Wood, "}),
    chunk({"content": "cork."}),
    chunk(finish_reason="stop"),
    {"object": "chat.completion.chunk", "choices": [], "usage": USAGE},
)


@pytest.mark.parametrize(
    "raw",
    [
        streamed(*WORDS),
        streamed(*WORDS, between="\r\n\r\n"),
        streamed(*WORDS, between="\n"),
        b": keep alive\n\nevent: message\nid: 1\n" + streamed(*WORDS),
        streamed(*WORDS, done=False),
        streamed(*WORDS).replace(b"data: ", b"data:"),
        b"\n".join(json.dumps(each).encode() for each in WORDS),
        streamed(*WORDS[:-1], {"choices": [{"index": 1, "delta": {"content": "no"}}]}, WORDS[-1]),
    ],
    ids=[
        "as OpenAI does", "Windows line ends", "no empty lines", "comments and names of events",
        "no last word", "no blank", "a line of JSON each", "a second answer beside it",
    ],
)  # fmt: skip
def test_the_chunks_of_a_completion_are_one_answer(raw: bytes) -> None:
    reply = read_chat_completion(whole_reply(raw))
    assert (reply.text, reply.reasoning, reply.finish) == ("Wood, cork.", "Let me see.", "stop")
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (9, 4)
    assert reply.model == "m"


def test_a_whole_completion_as_the_only_event_is_it() -> None:
    whole = {"choices": [{"message": {"content": "Cork."}, "finish_reason": "length"}]}
    reply = read_chat_completion(whole_reply(streamed(whole)))
    assert (reply.text, reply.finish) == ("Cork.", "length")


def test_a_whole_completion_after_comments_is_it() -> None:
    whole = json.dumps({"choices": [{"message": {"content": "Cork."}, "finish_reason": "stop"}]})
    assert read_chat_completion(whole_reply(f": wait\n\n{whole}\n".encode())).text == "Cork."


def test_what_was_said_so_far_is_not_said_again() -> None:
    parts = zip(("Wood, ", "cork."), ("Wood, ", "Wood, cork."), strict=True)
    said = [chunk({"content": new}, message={"content": whole}) for new, whole in parts]
    last = chunk(finish_reason="stop", message={"content": "Wood, cork."})
    assert read_chat_completion(whole_reply(streamed(*said, last))).text == "Wood, cork."


def test_the_texts_of_an_older_api_are_one_answer() -> None:
    texts = [{"choices": [{"index": 0, "text": text}]} for text in ("Wood, ", "cork.")]
    assert read_chat_completion(whole_reply(streamed(*texts))).text == "Wood, cork."


def test_a_call_in_pieces_is_one_call_with_its_arguments() -> None:
    def call(**function: str) -> dict[str, Any]:
        return chunk({"tool_calls": [{"index": 0, "function": function}]})

    begun = {"index": 0, "id": "x1", "type": "function", "function": {"name": "judgment"}}
    other = {"index": 1, "id": "x2", "function": {"name": "other", "arguments": "{}"}}
    raw = streamed(
        chunk({"role": "assistant", "tool_calls": [begun]}),
        call(name="judgment", arguments='{"sco'),
        call(arguments='re": 1}'),
        chunk({"tool_calls": [other]}),
        chunk(finish_reason="tool_calls"),
    )
    reply = read_chat_completion(whole_reply(raw))
    assert [(one.id, one.name, one.arguments) for one in reply.tool_calls] == [
        ("x1", "judgment", '{"score": 1}'),
        ("x2", "other", "{}"),
    ]


def test_probabilities_of_all_chunks_are_kept() -> None:
    def token(text: str) -> dict[str, Any]:
        told = {"content": [{"token": text, "logprob": -0.5, "top_logprobs": []}]}
        return chunk({"content": text}, logprobs=told)

    raw = streamed(token("a"), token("b"), chunk(finish_reason="stop"))
    reply = read_chat_completion(whole_reply(raw))
    assert [one.text for one in reply.tokens] == ["a", "b"]


@pytest.mark.parametrize(
    ("events", "done"),
    [
        (WORDS[:-2], False),
        ((*WORDS[:-2], {"error": {"message": "gone", "code": 502}}), True),
        ((*WORDS[:-2], {"object": "error", "message": "gone", "code": 502}), True),
    ],
    ids=["nothing more", "an error", "an error as vLLM has it"],
)
def test_a_stream_that_ends_before_the_answer_is_no_whole_answer(
    events: tuple[object, ...], *, done: bool
) -> None:
    reply = read_chat_completion(whole_reply(streamed(*events, done=done)))
    assert (reply.finish, reply.text) == ("failed", "Wood, cork.")


def test_an_error_alone_is_that_error() -> None:
    said = {"error": {"message": "Insufficient credits", "code": 402}}
    assert json.loads(whole_reply(streamed(said))) == said
    told = b'event: error\ndata: {"message": "slow down", "code": 429}\n\n'
    assert json.loads(whole_reply(told)) == {"message": "slow down", "code": 429}


def of_anthropic(*events: dict[str, Any]) -> bytes:
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()


USED = {"input_tokens": 9, "output_tokens": 1}
BEGUN = {"type": "message_start", "message": {"content": [], "stop_reason": None, "usage": USED}}
ENDED = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn"},
    "usage": {"output_tokens": 4},
}


def block(place: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": place, "content_block": begun},
        *({"type": "content_block_delta", "index": place, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": place},
    ]


def test_the_blocks_of_a_message_are_one_answer() -> None:
    thought = {"type": "thinking_delta", "thinking": "Let me see."}
    texts = [{"type": "text_delta", "text": text} for text in ("Wood, ", "cork.")]
    raw = of_anthropic(
        BEGUN,
        {"type": "ping"},
        *block(0, {"type": "thinking", "thinking": ""}, thought),
        *block(1, {"type": "text", "text": ""}, *texts),
        ENDED,
        {"type": "message_stop"},
    )
    reply = AnthropicMessages(None, None).read(whole_reply(raw))
    assert (reply.text, reply.reasoning, reply.finish) == ("Wood, cork.", "Let me see.", "stop")
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (9, 4)


def test_the_input_of_a_tool_in_pieces_is_one() -> None:
    parts = [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"a":', " 1}")]
    used = {"type": "tool_use", "id": "t", "name": "judgment", "input": {}}
    raw = of_anthropic(BEGUN, *block(0, used, *parts), ENDED)
    (call,) = AnthropicMessages(None, None).read(whole_reply(raw)).tool_calls
    assert (call.name, call.arguments) == ("judgment", '{"a": 1}')


def test_a_message_that_is_broken_off_is_no_whole_answer() -> None:
    texts = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Wood"})
    broken = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for events in ([BEGUN, *texts], [BEGUN, *texts, broken]):
        reply = AnthropicMessages(None, None).read(whole_reply(of_anthropic(*events)))
        assert (reply.finish, reply.text) == ("failed", "Wood")


@pytest.mark.parametrize(
    "raw",
    [b"{}", b"", b"data: hello\n\n", b"data: [1, 2]\n\n", b": \n\n", b'data: {"choices": 3}\n\n'],
)
def test_what_is_no_stream_of_a_reply_is_left_as_it_came(raw: bytes) -> None:
    assert whole_reply(raw) == raw


@pytest.mark.parametrize(
    "piece",
    ["data: x\n", "data: [\n", "data: {}\n", "data:\n\n", 'data: {"choices": [{"delta": {}}]}\n'],
)
def test_a_quarter_of_a_mebibyte_of_events_takes_seconds_and_no_minutes(piece: str) -> None:
    raw = (piece * (2**18 // len(piece))).encode()
    start = time.process_time()
    whole_reply(raw)
    assert time.process_time() - start < 10


def test_an_event_may_have_several_lines() -> None:
    raw = b'data: {"choices": [{"message":\ndata: {"content": "Cork."}}]}\n\ndata: [DONE]\n\n'
    assert read_chat_completion(whole_reply(raw)).text == "Cork."
