"""Anthropic's message batches: how a request stands in one, and how each result is read."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from judgeforge.calls.call import key_of
from judgeforge.calls.providers.anthropic_batches import AnthropicBatches
from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.batches import write_requests

KEY = key_of("request")
BATCHES = AnthropicBatches(AnthropicMessages(None, "sk-none"))


def line(result: Any) -> bytes:
    return json.dumps({"custom_id": KEY, "result": result}).encode() + b"\n"


def test_the_key_of_a_call_is_just_what_anthropic_takes() -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", KEY)


def test_all_requests_are_one_object(tmp_path: Any) -> None:
    file = tmp_path / "batch.jsonl"
    requests = [BATCHES.request(f"k{n}", {"model": "m", "n": n}) for n in range(3)]
    write_requests(file, requests, BATCHES.wrapping)
    assert json.loads(file.read_bytes()) == {
        "requests": [{"custom_id": f"k{n}", "params": {"model": "m", "n": n}} for n in range(3)]
    }


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"type": "succeeded", "message": {"content": []}}, "answered"),
        (
            {"type": "errored", "error": {"type": "error", "error": {"type": "api_error"}}},
            "refused",
        ),
        ({"type": "expired"}, "not_run"),
        ({"type": "canceled"}, "not_run"),
        ({"type": "paused"}, "lost"),
        (None, "lost"),
    ],
)
def test_each_kind_of_result(result: Any, kind: str) -> None:
    read = BATCHES.read(line(result))
    assert read is not None
    assert (read.key, read.kind) == (KEY, kind)


def test_what_an_error_says_is_kept() -> None:
    error = {"type": "invalid_request_error", "message": "max_tokens: too large"}
    read = BATCHES.read(line({"type": "errored", "error": {"type": "error", "error": error}}))
    assert read is not None
    assert read.body == {"error": error}


@pytest.mark.parametrize("raw", [b"", b"nonsense", b'{"result": {}}'])
def test_what_is_no_line_of_results_is_passed_over(raw: bytes) -> None:
    assert BATCHES.read(raw) is None
