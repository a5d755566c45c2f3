"""A refusal keeps the server's own words, wherever they are, and is what it says it is."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from judgeforge.calls.providers.base import open_provider
from judgeforge.calls.providers.http_errors import retry_after_s
from judgeforge.config.model import ModelConfig
from judgeforge.errors import (
    PAGE_STATUS,
    FlaggedInputError,
    MalformedReplyError,
    StatusError,
)
from tests.calls.providers.test_http import send, texts_of
from tests.local_server import LocalServer, faults

both = pytest.mark.parametrize("provider", ["openai", "anthropic"])


def refusal(
    server: LocalServer, status: int, body: object, provider: str = "openai"
) -> StatusError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    server.faults.add(faults.Fault("refusal", status=status, body=raw))
    with pytest.raises(StatusError) as caught:
        send(server, provider, "Hello.")
    return caught.value


SAID = [
    ({"detail": "Input length 9000 exceeds 4096"}, "Input length 9000 exceeds 4096"),
    ({"detail": [{"loc": ["body", "top_k"], "msg": "Field required", "type": "missing"}]},
     "missing body top_k Field required"),
    ({"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "No such function"},
     "about:blank Forbidden No such function"),
    ({"errors": [{"code": 7003, "message": "Could not route"}], "success": False},
     "7003 Could not route"),
    ({"errors": ["too long", "too hot"]}, "too long too hot"),
    ({"message": "No route matched"}, "No route matched"),
    ({"error": "model is loading", "estimated_time": 20.0}, "model is loading"),
    ({"error": {"type": "invalid_request_error", "code": "bad", "message": "No."}},
     "invalid_request_error bad No."),
    ({"object": "error", "message": "Too long.", "type": "BadRequestError", "code": 400},
     "BadRequestError 400 Too long."),
    ([{"error": {"code": 400, "message": "Bad field", "status": "INVALID_ARGUMENT"}}],
     "400 Bad field"),
    ({"code": "1113", "msg": "no balance", "success": False}, "1113 no balance"),
    ({"error": {"message": "Provider returned error", "metadata": {"raw": "upstream is full"}}},
     "Provider returned error upstream is full"),
    ({"fault": {"faultstring": "policy"}}, '{"fault": {"faultstring": "policy"}}'),
    ({"fault": {"faultstring": "too long by far"}}, "too long by far"),
    ({"code": "BadInput", "Message": "Too many tokens."}, "BadInput Too many tokens."),
    ({"title": "One or more errors.", "errors": {"messages": ["Is required."], "n": ["Be 1."]}},
     "One or more errors. messages Is required. n Be 1."),
    ({"error_code": "X1", "description": "The model is gone."}, "The model is gone."),
    (b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
     "502 Bad Gateway nginx"),
    (b"<!DOCTYPE html><style>b { color: red }</style><script>go()</script><!-- x --><b>No.</b>",
     "No."),
    (b"upstream connect error", "upstream connect error"),
    (gzip.compress(b'{"detail": "Too long by far."}', mtime=0), "Too long by far."),
    ('{"detail": "Größer als erlaubt."}'.encode("utf-16"), "Größer als erlaubt."),
    (b"\xff\xfe", "\ufffd\ufffd"),
    (b"", "(without a word)"),
    (b"[" * 100_000, "[" * 400),
]  # fmt: skip


@both
@pytest.mark.parametrize(("body", "said"), SAID)
def test_a_refusal_says_what_the_server_said(
    server: LocalServer, provider: str, body: object, said: str
) -> None:
    error = refusal(server, 400, body, provider)
    assert str(error).startswith(f"HTTP 400 from small: {said}")
    assert len(str(error)) < 600


def test_keys_and_control_characters_are_not_among_the_words(server: LocalServer) -> None:
    said = str(refusal(server, 400, {"detail": "key sk-proj-0123456789abcdefghij\x1b[31m\nno"}))
    assert "0123456789" not in said
    assert "\x1b" not in said
    assert "\n" not in said


@both
@pytest.mark.parametrize("status", [404, 405])
def test_a_wrong_path_is_shown(server: LocalServer, provider: str, status: int) -> None:
    error = refusal(server, status, {"detail": "Not Found"}, provider)
    path = "/v1/messages" if provider == "anthropic" else "/v1/chat/completions"
    assert f"{path} was asked" in str(error)


@pytest.mark.parametrize("raw", [b"404 page not found", b"<!DOCTYPE html><b>A web interface</b>"])
def test_a_base_url_that_ends_at_the_root_is_said_to_lack_v1(
    server: LocalServer, raw: bytes
) -> None:
    server.faults.add(faults.Fault("at its root", status=404, body=raw))
    with pytest.raises(StatusError, match=r"end `base_url` with that") as at_root:
        send(server, "openai", "Hello.", base_url=server.base_url)
    assert f"{server.base_url}/chat/completions was asked" in str(at_root.value)
    server.faults.add(faults.Fault("below v1", status=404, body=raw))
    with pytest.raises(StatusError) as below:
        send(server, "openai", "Hello.")
    assert "end `base_url`" not in str(below.value)


def of_choice(content: str | None = None, **fields: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content, "refusal": None}
    return {"choices": [{"index": 0, "message": message, **fields}]}


NO_TOKENS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@pytest.mark.parametrize(
    ("body", "status", "retryable", "stops"),
    [
        ({"error": {"message": "Insufficient credits.", "code": 402}}, 402, False, True),
        ({"error": {"message": "Bad key", "code": "401"}}, 401, False, True),
        ({"error": {"message": "Slow down", "code": 429}}, 429, True, False),
        ({"error": {"message": "Slow down", "type": "rate_limit_error"}}, 429, True, False),
        ({"error": {"message": "Key?", "code": "invalid_api_key"}}, 401, False, True),
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "x"}},
            529,
            True,
            False,
        ),
        ({"error": {"message": "Upstream", "code": 502}, "choices": []}, 502, True, False),
        ({"error": {"message": "No such model", "type": "not_found_error"}}, 404, False, False),
        ({"error": "the model crashed"}, 500, True, False),
        ({"detail": "worker died"}, 500, True, False),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, 401, False, True),
        ({"base_resp": {"status_code": 1002, "status_msg": "x"}, "choices": None}, 429, True,
         False),
        ({"base_resp": {"status_code": 1008, "status_msg": "x"}, "choices": None}, 402, False,
         True),
        ({"code": "Throttling.RateQuota", "message": "x"}, 429, True, False),
        ({"code": "Arrearage", "message": "x"}, 402, False, True),
        ({"error": '{"code": 429, "message": "slow"}'}, 429, True, False),
        ({"detail": {"error": {"code": 503, "message": "x"}}}, 503, True, False),
        ({"type": "error", "error": {"type": "timeout_error", "message": "x"}}, 504, True, False),
        (of_choice(error={"code": 429, "message": "slow"}), 429, True, False),
        (of_choice(error={"code": 402, "message": "no credit"}), 402, False, True),
        (of_choice(error={"message": "broke"}, finish_reason="error"), 500, True, False),
        ({**of_choice(finish_reason="stop"), "error": {"code": 429, "message": "x"}}, 429, True,
         False),
        ({**of_choice(finish_reason="stop"), "usage": NO_TOKENS}, 500, True, False),
        (
            {
                "choices": [
                    {"index": 1, "message": {"content": "Of another answer."}},
                    {"index": 0, "message": {"content": ""}, "error": {"code": 429}},
                ]
            },
            429,
            True,
            False,
        ),
        ({"error": {"message": "x", "status": "RESOURCE_EXHAUSTED"}}, 429, True, False),
        ({"error": {"message": "x", "status": "UNAUTHENTICATED"}}, 401, False, True),
        ({"code": "InvalidApiKey", "message": "x"}, 401, False, True),
        ({"error": "x", "error_type": "overloaded"}, 529, True, False),
        ({"object": "error", "message": "x", "type": "NotFoundError"}, 404, False, False),
        ({"error": {"message": '{"error": {"code": 402, "message": "x"}}', "code": None}}, 402,
         False, True),
        ({"httpStatus": 429, "errorMessage": "x"}, 429, True, False),
        ({"error": {"message": "x", "code": 9 * 10**400}}, 500, True, False),
        ({"error": {"message": "x", "code": "\u00b2"}}, 500, True, False),
        ([{"error": {"message": "Full", "code": 503, "status": "UNAVAILABLE"}}], 503, True, False),
    ],
)  # fmt: skip
def test_an_error_with_status_200_is_that_error(
    server: LocalServer, body: object, status: int, retryable: bool, stops: bool
) -> None:
    error = refusal(server, 200, body)
    assert (error.status, error.retryable, error.stops_run) == (status, retryable, stops)
    assert "(sent with status 200)" in str(error)


@pytest.mark.parametrize(
    "around",
    [
        '{"code": 200, "message": "ok", "data": REPLY}',
        '{"success": true, "error": null, "msg": "ok", "result": REPLY}',
        '{"message": "done", "data": {"status": "done", "response": REPLY}}',
        '{"statusCode": 200, "message": "ok", "body": TEXT}',
    ],
)
def test_a_reply_in_an_envelope_is_no_error_for_what_a_gateway_says_beside_it(
    server: LocalServer, around: str
) -> None:
    reply = json.dumps({**of_choice("It is blue.", finish_reason="stop"), "error": None})
    raw = around.replace("REPLY", reply).replace("TEXT", json.dumps(reply)).encode()
    server.faults.add(faults.Fault("in an envelope", status=200, body=raw))
    assert texts_of(send(server, "openai", "Hello."), "openai") == ["It is blue."]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"code": 200, "message": "ok", "data": of_choice(error={"code": 429})}, 429),
        ({"code": 503, "message": "full", "error": None, "data": of_choice("x")}, 503),
        ({"code": 0, "message": "ok", "error": {"code": 402}, "data": of_choice("x")}, 402),
        ({"message": "It failed", "error": None, "data": {"content": None}}, 500),
    ],
)
def test_an_error_in_or_around_an_envelope_is_that_error(
    server: LocalServer, body: object, status: int
) -> None:
    assert refusal(server, 200, body).status == status


def test_moderation_with_status_200_is_about_this_request_alone(server: LocalServer) -> None:
    error = {"code": 403, "message": "Flagged", "metadata": {"reasons": ["violence"]}}
    filtered = {"hate": {"filtered": True, "severity": "high"}}
    bodies: list[dict[str, object]] = [
        {"error": error},
        of_choice(error=error),
        {"choices": [], "prompt_filter_results": [{"content_filter_results": filtered}]},
        {"choices": None, "prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}},
        {"error": {"code": 400, "metadata": {"raw": '{"error": {"code": "content_filter"}}'}}},
    ]
    for body in bodies:
        assert isinstance(refusal(server, 200, body), FlaggedInputError), body


@both
def test_a_web_page_with_status_200_is_no_reply_and_names_the_address(
    server: LocalServer, provider: str
) -> None:
    error = refusal(server, 200, b"\n<!doctype html><title>Open WebUI</title>", provider)
    assert (error.status, error.retryable, error.stops_run) == (PAGE_STATUS, True, False)
    assert "Open WebUI" in str(error)
    assert "check `base_url`, http://127.0.0.1" in str(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"message": "x", "type": "exceeded_current_quota_error"}}),
        (429, {"error": {"message": "x", "code": "1113"}}),
        (400, {"error": {"message": "x", "code": "Arrearage", "type": "Arrearage"}}),
        (403, {"error": {"message": "x", "code": "AccountOverdueError"}}),
        (400, {"error": {"message": "x", "type": "budget_exceeded", "code": "400"}}),
        (200, {"error": {"message": "x", "code": "1113"}}),
        (400, {"error": {"message": "You have reached your specified API usage limits. You will "
               "regain access on 2026-12-01.", "type": "invalid_request_error"}}),
    ],
)  # fmt: skip
def test_an_account_without_credit_stops_the_run_whatever_the_code(
    server: LocalServer, status: int, body: object
) -> None:
    error = refusal(server, status, body)
    assert (error.retryable, error.stops_run) == (False, True)
    assert "no credit left" in str(error)


def test_a_key_that_is_refused_with_status_400_stops_the_run_and_names_the_key(
    server: LocalServer,
) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    said = {"code": 400, "message": "API key expired.", "status": "INVALID_ARGUMENT"}
    error = refusal(server, 400, [{"error": {**said, "details": [info]}}])
    assert (error.status, error.retryable, error.stops_run) == (401, False, True)
    assert "Check the key" in str(error)


@pytest.mark.parametrize("code", ["json_validate_failed", "tool_use_failed"])
def test_a_reply_that_the_server_could_not_read_itself_is_its_failure(
    server: LocalServer, code: str
) -> None:
    body = {"error": {"message": "No JSON.", "code": code, "failed_generation": '{"a": '}}
    error = refusal(server, 400, body)
    assert (error.status, error.retryable, error.stops_run) == (500, True, False)
    assert "(sent with status 400)" in str(error)


@pytest.mark.parametrize(
    ("status", "retryable"), [(500, True), (502, True), (501, False), (498, True), (499, True)]
)
def test_what_a_server_does_not_do_at_all_is_not_tried_again(
    server: LocalServer, status: int, retryable: bool
) -> None:
    assert refusal(server, status, {"error": "x"}).retryable is retryable


@pytest.mark.parametrize(
    "body",
    [
        of_choice("", finish_reason="content_filter") | {"usage": NO_TOKENS},
        of_choice("", finish_reason="length") | {"usage": NO_TOKENS},
        of_choice("Yes.", finish_reason="stop") | {"usage": NO_TOKENS},
        of_choice("Half a sen", finish_reason="error", error={"code": 502, "message": "x"}),
        of_choice("Yes.") | {"base_resp": {"status_code": 0, "status_msg": "success"}},
        of_choice("") | {"usage": NO_TOKENS | {"prompt_tokens": 9}},
    ],
)
def test_what_says_or_counts_something_is_a_reply(server: LocalServer, body: object) -> None:
    server.faults.add(faults.Fault("odd", body=json.dumps(body).encode()))
    [reply] = send(server, "openai", "Hello.")
    assert json.loads(reply.body) == body


NO_ERROR = {"message": "", "type": "", "param": "", "code": None}


@pytest.mark.parametrize("beside", [None, {}, "", {"code": None}, NO_ERROR, {"code": 0}])
def test_an_error_beside_an_answer_costs_no_answer(server: LocalServer, beside: object) -> None:
    message = {"content": 'Say "error".'}
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "error": beside}
    server.faults.add(faults.Fault("beside", body=json.dumps(body).encode()))
    [reply] = send(server, "openai", "Hello.")
    assert json.loads(reply.body)["choices"][0]["message"] == message


@both
@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\ndata: [DONE]\n\n',
        b"event: message_start\ndata: {}\n\n",
        b": keep-alive\n\ndata: {}\n\n",
        b'{"message": {"content": "H"}, "done": false}\n{"message": {}, "done": true}\n',
        b'\r\ndata:{"choices":[]}\r\n',
    ],
)
def test_a_stream_that_was_not_asked_for_is_named(provider: str, raw: bytes) -> None:
    with pytest.raises(MalformedReplyError, match="is a stream, which was not asked for"):
        open_provider(ModelConfig.model_validate({"provider": provider, "model": "m"}), None).read(
            raw
        )


@pytest.mark.parametrize("length", [30, 300, 8000])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms", "x-ratelimit-reset-requests"])
def test_a_header_about_limits_of_any_length_is_read_at_once(
    server: LocalServer, name: str, length: int
) -> None:
    server.faults.add(faults.status(429, headers={name: "9" * length}))
    with pytest.raises(StatusError) as caught:
        send(server, "openai", "Hello.")
    assert caught.value.retry_after_s is None
    assert all(len(value) <= 200 for value in caught.value.headers.values())


@pytest.mark.parametrize("value", ["9" * 400, "1e9", "nan", "-1", "٣", "1" * 4000 + "x", "Thu, 01"])
def test_a_wait_that_makes_no_sense_is_ignored(value: str) -> None:
    assert retry_after_s({"retry-after": value}) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-1", "retry-after": "9"}, 9.0),
    ],
)
def test_a_wait_is_read_where_it_makes_sense(headers: dict[str, str], seconds: float) -> None:
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize("zone", [" GMT", " +0000", " -0000", ""])
def test_a_date_without_a_zone_is_one_of_greenwich(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        date = datetime.now(UTC) + timedelta(hours=1)
        waited = retry_after_s({"retry-after": date.strftime(f"%a, %d %b %Y %H:%M:%S{zone}")})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert waited == pytest.approx(3600, abs=30)
