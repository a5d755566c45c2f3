"""OpenAI's batches: how a request stands in a file, and how each kind of result is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.calls.providers.openai_batches import OpenAIBatches
from judgeforge.calls.providers.openai_chat import OpenAIChat

KEY = "a" * 64
BATCHES = OpenAIBatches(OpenAIChat("https://example.test/api/openai/v3", "sk-none"))


def line(**fields: Any) -> bytes:
    return json.dumps({"id": "batch_req_1", "custom_id": KEY, **fields}).encode() + b"\n"


def test_a_request_is_one_line_with_the_key_of_its_call_and_the_path_of_the_api() -> None:
    """Whatever the address of the server is, the path inside of a file is OpenAI's own."""
    written = BATCHES.request(KEY, {"model": "m", "text": "a\nb\u2028c ж"})
    assert b"\n" not in written
    assert "\u2028".encode() not in written
    assert json.loads(written) == {
        "custom_id": KEY,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m", "text": "a\nb\u2028c ж"},
    }


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"response": {"status_code": 200, "body": {"choices": []}}, "error": None}, "answered"),
        ({"response": {"status_code": "200", "body": '{"choices": [1]}'}, "error": {}}, "answered"),
        ({"response": {"body": {"choices": [{}]}}, "error": None}, "answered"),
        ({"response": '{"status_code": 200, "body": {"choices": []}}'}, "answered"),
        ({"response": {"status_code": "500", "body": "down"}, "error": None}, "refused"),
        ({"response": {"body": {"choices": [{}]}}, "error": {"code": "batch_expired"}}, "not_run"),
        ({"response": {"status_code": 429, "body": {"error": {}}}, "error": None}, "refused"),
        ({"response": None, "error": {"code": "invalid_request", "message": "no"}}, "refused"),
        ({"response": None, "error": {"code": "batch_expired"}}, "not_run"),
        ({"response": None, "error": {"code": "batch_cancelled"}}, "not_run"),
        ({"response": {"status_code": 0, "body": {}}, "error": None}, "lost"),
        ({"response": {"status_code": 0}, "error": {"code": "unknown"}}, "lost"),
        ({"response": None, "error": None}, "lost"),
        ({}, "lost"),
        ({"response": "text", "error": 7}, "lost"),
    ],
)
def test_only_status_200_is_an_answer(fields: dict[str, Any], kind: str) -> None:
    read = BATCHES.read(line(**fields))
    assert read is not None
    assert (read.key, read.kind) == (KEY, kind)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"custom_id": 7}', b"\xff", b"[" * 100_000])
def test_what_is_no_line_of_results_is_passed_over(raw: bytes) -> None:
    assert BATCHES.read(raw) is None


def test_a_body_may_be_a_text_of_json() -> None:
    read = BATCHES.read(line(response={"status_code": 200, "body": '{"choices": [1]}'}))
    assert read is not None
    assert read.body == {"choices": [1]}
