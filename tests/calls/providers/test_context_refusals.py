"""A request that is too long for a server is told from other refusals, with the number to set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls.providers.context_refusals import context_refusal, rate_refusal
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.run_setup import rows, run, write_config

LONG: list[tuple[int, Any, int | None]] = [
    (400, {"error": {"code": "context_length_exceeded", "message": "This model's maximum context "
           "length is 128000 tokens. However, your messages resulted in 130000 tokens."}}, 128_000),
    (400, {"error": {"message": "Input exceeds.", "code": "context_length_exceeded"}}, None),
    (400, {"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 2500,
           "message": "the request exceeds the available context size", "n_ctx": 2048}}, 2048),
    (400, {"object": "error", "code": 400, "message": "This model's maximum context length is 4096 "
           "tokens. However, you requested 5000 tokens (4500 in the messages, 500 in the "
           "completion). Please reduce the length."}, 4096),
    (400, {"message": "The decoder prompt (length 9000) is longer than the maximum model length of "
           "8192. Make sure that max_model_len is no smaller."}, 8192),
    (400, {"message": "The input (9000 tokens) is longer than the model's context length "
           "(8,192 tokens)."}, 8192),
    (400, {"type": "error", "error": {"type": "invalid_request_error",
           "message": "prompt is too long: 210000 tokens > 200000 maximum"}}, 200_000),
    (400, {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum "
           "context length"}, 32_768),
    (422, {"error": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"}, 4096),
    (400, {"error": {"message": "litellm.ContextWindowExceededError: too much"}}, None),
    (500, {"error": {"message": "the prompt exceeds the context size (2048)"}}, 2048),
    (400, {"error": {"message": "The input token count (1200000) exceeds the maximum number of "
           "tokens allowed (1048576)."}}, 1_048_576),
    (400, {"error": "This model's maximum prompt length is 131072 but the request contains 140000 "
           "tokens."}, 131_072),
    (422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: "
           "2000"}, 1024),
    (400, {"error": {"message": "Your request exceeded model token limit: 8192"}}, 8192),
    (400, {"message": "Range of input length should be [1, 129024]"}, 129_024),
    (400, {"message": "invalid params, context window exceeds limit (2013)"}, None),
    (400, {"detail": "Input length 9000 exceeds the maximum of 4096"}, 4096),
    (400, {"error": "Trying to keep the first 4500 tokens when context overflows. However, the "
           "model is loaded with context length of only 4096 tokens"}, 4096),
    (400, {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - "
           "received 4300."}, 4081),
    (400, {"code": "1261", "message": "Prompt too long"}, None),
]  # fmt: skip
OTHER: list[tuple[int, Any]] = [
    (400, {"error": {"message": "Unknown parameter: context_length"}}),
    (413, {"error": {"code": "rate_limit_exceeded", "message": "Request too large for model `x` on "
           "tokens per minute (TPM): maximum context length of a minute is 6000"}}),
    (429, {"error": {"code": "context_length_exceeded", "message": "x"}}),
    (400, {"error": {"message": "`max_tokens` is too large: at most 8192"}}),
    (400, {"error": {"message": "Input should be less than or equal to 1"}}),
    (400, {"error": {"message": "temperature: input 3 exceeds the range"}}),
    (400, {"error": {"message": "The answer was about the context of a poem."}}),
    (404, {"error": {"message": "maximum context length is 4096"}}),
]  # fmt: skip


def _words(body: Any) -> list[str]:
    if isinstance(body, dict):
        return [word for value in body.values() for word in _words(value)]
    return [str(body)]


@pytest.mark.parametrize(("status", "body", "tokens"), LONG)
def test_what_is_too_long_is_told_with_the_number_to_set(
    status: int, body: Any, tokens: int | None
) -> None:
    advice = context_refusal(status, body, " ".join(_words(body)))
    assert advice is not None
    assert f"`context_tokens: {tokens}`" in advice if tokens else "to what the server has" in advice


@pytest.mark.parametrize(("status", "body"), OTHER)
def test_every_other_refusal_is_none(status: int, body: Any) -> None:
    assert context_refusal(status, body, json.dumps(body)) is None


TPM = "Request too large for gpt-4o in organization o on tokens per min (TPM): Limit {}, {}"


def test_a_request_larger_than_a_minute_allows_can_never_pass() -> None:
    for status, said in (
        (429, TPM.format("30,000", "Requested 45,000. The tokens must be reduced.")),
        (413, TPM.format("6000", "Requested 9000, please reduce your message size")),
    ):
        advice = rate_refusal(status, said)
        assert advice is not None
        assert "`max_tokens`" in advice


def test_a_request_that_only_came_too_soon_is_tried_again() -> None:
    assert rate_refusal(429, TPM.format("30000", "Used 28000, Requested 3000. Try in 2s.")) is None
    assert rate_refusal(429, "Rate limit reached: Limit 3, Used 3.") is None
    assert rate_refusal(400, TPM.format("6000", "Requested 9000")) is None


def _about_the_second(record: RequestRecord) -> bool:
    return b"fact number 1." in record.raw


@pytest.mark.parametrize("who", ["completion", "judge"])
def test_a_prompt_that_is_too_long_for_the_server_is_skipped_as_such_and_can_be_retried(
    tmp_path: Path, server: LocalServer, who: str
) -> None:
    body = LONG[3][1]
    server.faults.add(
        faults.status(400, body=body), when=lambda r: r.kind == who and _about_the_second(r)
    )
    config, out = write_config(tmp_path, server, prompts=6), tmp_path / "out"
    result = run(config, out)
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 5)
    if who == "completion":
        [skip] = result.skips
        assert (skip.reason, "`context_tokens: 4096`" in skip.detail) == ("too_long", True)
        assert {row["finish"] for row in rows(out / "completions.jsonl") if not row["text"]} == {
            "too_long"
        }
        server.faults.clear()
        assert run(config, out).did_nothing
        assert run(config, out, retry_skipped=True).manifest["totals"]["pairs"] == 6
    else:
        missing = [row for row in rows(out / "judgments.jsonl") if row["missing"]]
        assert {row["missing_kind"] for row in missing} == {"too_long"}
        assert "`context_tokens: 4096`" in missing[0]["missing"]
