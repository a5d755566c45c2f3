"""The local server speaks both APIs well enough for their own SDKs, and fails as told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.local_server import Limits, LocalServer, faults, quality_of

LEVELS = {
    "type": "object",
    "properties": {
        "rationale": {"type": "string"},
        "correctness": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
        "clarity": {"type": "integer", "minimum": 1, "maximum": 101},
        "safe": {"type": "boolean"},
    },
    "required": ["rationale", "correctness", "clarity", "safe"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "judgment", "schema": LEVELS}}
SHOWN = "The answer: [quality=0.2] quoted, then [quality=0.75] at the end."


@pytest.fixture
def openai_client(server: LocalServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key="test", base_url=server.openai_url, max_retries=0, timeout=5
    ) as client:
        yield client


@pytest.fixture
def anthropic_client(server: LocalServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key="test", base_url=server.anthropic_url, max_retries=0, timeout=5
    ) as client:
        yield client


def ask(client: openai.OpenAI, content: str = "Say hi.", **extra: Any) -> Any:
    return client.chat.completions.create(
        model="writer", messages=[{"role": "user", "content": content}], **extra
    )


def ask_anthropic(
    client: anthropic.Anthropic, content: str = "Say hi.", **extra: Any
) -> anthropic.types.Message:
    return client.messages.create(
        model="claude",
        max_tokens=200,
        messages=[{"role": "user", "content": content}],
        extra_body=extra,
    )


def text(reply: Any) -> str:
    return reply.choices[0].message.content


# Completions


def test_an_openai_completion_has_a_hidden_quality_and_a_usage(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.behaviour.cached_share, server.behaviour.reasoning_tokens = 0.5, 7
    reply = ask(openai_client)
    assert reply.choices[0].finish_reason == "stop"
    assert 0 <= quality_of(text(reply)) <= 1
    used, record = reply.usage, server.requests[0]
    assert used.prompt_tokens == len(record.raw) // 4
    assert used.prompt_tokens_details.cached_tokens == used.prompt_tokens // 2
    assert used.completion_tokens == len(text(reply).split()) + 7
    assert used.completion_tokens_details.reasoning_tokens == 7
    assert (record.kind, record.model, record.status) == ("completion", "writer", 200)
    assert record.authorization
    assert not record.x_api_key


def test_an_anthropic_completion_counts_cached_input_apart(
    server: LocalServer, anthropic_client: anthropic.Anthropic
) -> None:
    server.behaviour.cached_share = server.behaviour.cache_write_share = 0.25
    reply = ask_anthropic(anthropic_client)
    assert reply.stop_reason == "end_turn"
    assert 0 <= quality_of(reply.content[0].text) <= 1
    used, tokens = reply.usage, server.requests[0].tokens
    assert used.cache_read_input_tokens == used.cache_creation_input_tokens == tokens.input // 4
    assert used.input_tokens == tokens.input - tokens.cached - tokens.cache_write
    assert server.requests[0].authorization or server.requests[0].x_api_key
    assert server.requests[0].headers["anthropic-version"]


def test_equal_requests_are_further_draws_and_a_new_server_repeats_them(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    first = [text(ask(openai_client)) for _ in range(3)]
    assert len(set(first)) == 3
    with LocalServer() as again:
        other = openai.OpenAI(api_key="test", base_url=again.openai_url)
        assert [text(ask(other)) for _ in range(3)] == first


@pytest.mark.parametrize("extra", [{"seed": 5}, {"temperature": 0}])
def test_a_seed_or_temperature_0_repeats_itself(
    openai_client: openai.OpenAI, extra: dict[str, Any]
) -> None:
    assert text(ask(openai_client, **extra)) == text(ask(openai_client, **extra))


def test_a_failed_attempt_does_not_use_up_a_draw(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.faults.add(faults.status(500), nth=1)
    with pytest.raises(openai.InternalServerError):
        ask(openai_client)
    got = text(ask(openai_client))
    with LocalServer() as calm:
        other = openai.OpenAI(api_key="test", base_url=calm.openai_url)
        assert text(ask(other)) == got


def test_hidden_qualities_are_spread_evenly(openai_client: openai.OpenAI) -> None:
    found = [quality_of(text(ask(openai_client, f"Prompt {i}"))) for i in range(80)]
    assert 0.42 < sum(found) / len(found) < 0.58
    assert min(found) < 0.05
    assert max(found) > 0.95


def test_max_tokens_cuts_the_answer(openai_client: openai.OpenAI) -> None:
    reply = ask(openai_client, max_tokens=4)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 4


# Judgments


def judged(client: openai.OpenAI, shown: str = SHOWN, **extra: Any) -> dict[str, Any]:
    return json.loads(text(ask(client, shown, response_format=JSON_SCHEMA, **extra)))


def test_a_judge_follows_the_last_marker_without_noise_exactly(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.behaviour.noise_sd = 0.0
    reply = judged(openai_client)
    assert reply.pop("rationale")
    assert reply == {"correctness": 4, "clarity": 76, "safe": True}
    assert server.counts == {"judge": 1}


def test_a_judge_has_noise_of_the_sd_asked(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.behaviour.noise_sd = 0.1
    found = [judged(openai_client, f"{SHOWN} {i}")["clarity"] for i in range(80)]
    deviation = [(value - 76) / 100 for value in found]
    sd = (sum(d * d for d in deviation) / len(found)) ** 0.5
    assert 0.08 < sd < 0.12
    assert abs(sum(deviation) / len(found)) < 0.03


def test_the_schema_is_filled_also_by_tool_and_by_instruction(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.behaviour.noise_sd = 0.0
    tool = {"type": "function", "function": {"name": "judge", "parameters": LEVELS}}
    forced = {"type": "function", "function": {"name": "judge"}}
    by_tool = ask(openai_client, SHOWN, tools=[tool], tool_choice=forced)
    arguments = by_tool.choices[0].message.tool_calls[0].function.arguments
    by_words = openai_client.chat.completions.create(
        model="judge",
        messages=[
            {"role": "system", "content": f"Answer in this schema:\n{json.dumps(LEVELS)}"},
            {"role": "user", "content": SHOWN},
        ],
    )
    assert json.loads(arguments) == json.loads(text(by_words)) == judged(openai_client)
    assert server.counts == {"judge": 3}


def test_anthropic_judges_by_output_config_and_by_tool(
    server: LocalServer, anthropic_client: anthropic.Anthropic
) -> None:
    server.behaviour.noise_sd = 0.0
    form = {"format": {"type": "json_schema", "schema": LEVELS}}
    reply = ask_anthropic(anthropic_client, SHOWN, output_config=form)
    by_tool = ask_anthropic(
        anthropic_client,
        SHOWN,
        tools=[{"name": "judge", "input_schema": LEVELS}],
        tool_choice={"type": "tool", "name": "judge"},
    )
    assert by_tool.stop_reason == "tool_use"
    assert by_tool.content[0].input == json.loads(reply.content[0].text)
    assert by_tool.content[0].input["clarity"] == 76


def test_a_repair_question_is_judged_by_the_earlier_message(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.behaviour.noise_sd = 0.0
    reply = openai_client.chat.completions.create(
        model="judge",
        messages=[
            {"role": "user", "content": SHOWN},
            {"role": "assistant", "content": "nonsense"},
            {"role": "user", "content": "That was no JSON. Answer again."},
        ],
        response_format=JSON_SCHEMA,
    )
    assert json.loads(text(reply))["clarity"] == 76


# Errors and faults


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_a_status_reaches_the_openai_sdk(
    server: LocalServer, openai_client: openai.OpenAI, status: int, error: Any
) -> None:
    server.faults.add(faults.status(status, retry_after=3, error_code="some_code"))
    with pytest.raises(error) as caught:
        ask(openai_client)
    assert caught.value.response.headers["retry-after"] == "3"
    assert caught.value.code == "some_code"
    assert server.calls(status=status)[0].fault == f"status_{status}"


def test_a_status_reaches_the_anthropic_sdk(
    server: LocalServer, anthropic_client: anthropic.Anthropic
) -> None:
    server.faults.add(faults.status(529))
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask_anthropic(anthropic_client)
    assert caught.value.status_code == 529
    assert caught.value.body["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize(
    "fault",
    [faults.reset_before_reply(), faults.reset_mid_body(), faults.cut_body()],
    ids=lambda fault: fault.name,
)
def test_a_broken_connection_breaks_the_call_and_is_billed(
    server: LocalServer, openai_client: openai.OpenAI, fault: Any
) -> None:
    server.faults.add(fault, nth=1)
    with pytest.raises((openai.APIConnectionError, httpx2.TransportError)):
        ask(openai_client)
    assert ask(openai_client).usage
    assert [record.billed for record in server.requests] == [True, True]


@pytest.mark.parametrize(
    "fault", [faults.stall_headers(), faults.stall_body()], ids=lambda fault: fault.name
)
def test_a_stall_lasts_longer_than_the_client_waits(
    server: LocalServer, openai_client: openai.OpenAI, fault: Any
) -> None:
    server.faults.add(fault)
    start = time.perf_counter()
    with pytest.raises((openai.APITimeoutError, httpx2.TimeoutException)):
        ask(openai_client.with_options(timeout=0.3))
    assert time.perf_counter() - start > 0.25
    assert server.requests[0].billed


@pytest.mark.parametrize("fault", [faults.drip(0.3), faults.slow(0.3)], ids=lambda f: f.name)
def test_a_slow_reply_is_whole(
    server: LocalServer, openai_client: openai.OpenAI, fault: Any
) -> None:
    server.faults.add(fault)
    start = time.perf_counter()
    assert ask(openai_client).usage
    assert time.perf_counter() - start >= 0.28


def raw_reply(server: LocalServer) -> httpx2.Response:
    body = {"model": "writer", "messages": [{"role": "user", "content": "Say hi."}]}
    return httpx2.post(f"{server.openai_url}/chat/completions", json=body)


@pytest.mark.parametrize(
    ("fault", "start"),
    [
        (faults.html(), b"<!DOCTYPE"),
        (faults.wrong_shape(), b'{"result"'),
        (faults.wrong_shape([1]), b"[1]"),
    ],
)
def test_a_200_may_hold_something_else(server: LocalServer, fault: Any, start: bytes) -> None:
    server.faults.add(fault)
    reply = raw_reply(server)
    assert reply.status_code == 200
    assert reply.content.startswith(start)


def test_a_200_may_be_empty(server: LocalServer) -> None:
    server.faults.add(faults.empty_body())
    assert (raw_reply(server).status_code, raw_reply(server).content) == (200, b"")


def test_a_redirect_names_another_place(server: LocalServer) -> None:
    server.faults.add(faults.redirect(f"{server.base_url}/elsewhere"))
    reply = raw_reply(server)
    assert reply.status_code == 307
    assert reply.headers["location"].endswith("/elsewhere")
    assert not server.requests[0].billed


@pytest.mark.parametrize(
    ("fault", "finish", "shown"),
    [
        (faults.content_filter(), "content_filter", ""),
        (faults.empty_text(), "stop", ""),
        (faults.null_content(), "stop", None),
        (faults.reply_text("just this"), "stop", "just this"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_an_outcome_without_the_usual_text(
    server: LocalServer, openai_client: openai.OpenAI, fault: Any, finish: str, shown: str | None
) -> None:
    server.faults.add(fault)
    choice = ask(openai_client).choices[0]
    assert (choice.finish_reason, choice.message.content) == (finish, shown)


def test_a_refusal_has_the_form_of_each_api(
    server: LocalServer, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    server.faults.add(faults.refusal("No."))
    message = ask(openai_client).choices[0].message
    assert (message.refusal, message.content) == ("No.", None)
    reply = ask_anthropic(anthropic_client)
    assert (reply.stop_reason, reply.content) == ("refusal", [])
    assert reply.stop_details.explanation == "No."


def test_a_cut_answer_says_so(
    server: LocalServer, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    server.faults.add(faults.finish_length())
    assert ask(openai_client).choices[0].finish_reason == "length"
    assert ask_anthropic(anthropic_client).stop_reason == "max_tokens"


def test_usage_may_be_missing_and_is_billed_all_the_same(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.faults.add(faults.missing_usage())
    assert ask(openai_client).usage is None
    assert server.billed_usd({"writer": {"input_per_mtok": 1, "output_per_mtok": 1}}) > 0


def test_reasoning_comes_in_tags_or_in_a_field(
    server: LocalServer, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    server.faults.add(faults.think_tags("Hm."), nth=1)
    server.faults.add(faults.reasoning_field("Hm."))
    assert text(ask(openai_client)).startswith("<think>Hm.</think>")
    assert ask(openai_client).choices[0].message.reasoning_content == "Hm."
    assert ask_anthropic(anthropic_client).content[0].thinking == "Hm."


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        (faults.fenced_json(), lambda t: t.startswith("```json\n{") and t.endswith("```")),
        (faults.two_objects(), lambda t: t.count('"rationale"') == 2),
        (faults.out_of_range(0), lambda t: json.loads(t)["safe"] == 0),
        (faults.not_a_number(), lambda t: '"safe": NaN' in t),
        (faults.missing_criterion(), lambda t: "safe" not in json.loads(t)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_judge_may_answer_wrongly(
    server: LocalServer, openai_client: openai.OpenAI, fault: Any, wrong: Callable[..., Any]
) -> None:
    server.faults.add(fault)
    assert wrong(text(ask(openai_client, SHOWN, response_format=JSON_SCHEMA)))


# When faults happen


def statuses(server: LocalServer, requests: int) -> list[int]:
    return [raw_reply(server).status_code for _ in range(requests)]


def test_nth_every_and_times_count_the_requests_that_match(server: LocalServer) -> None:
    server.faults.add(faults.status(500), nth=(2, 3))
    assert statuses(server, 4) == [200, 500, 500, 200]
    server.faults.clear()
    server.faults.add(faults.status(500), every=2)
    assert statuses(server, 4) == [200, 500, 200, 500]
    server.faults.clear()
    server.faults.add(faults.status(500), times=1, when=lambda r: r.model == "writer")
    assert statuses(server, 2) == [500, 200]
    server.faults.clear()
    server.faults.add(faults.status(500), when=lambda r: r.model == "another")
    assert statuses(server, 1) == [200]


@pytest.mark.slow
def test_a_probability_is_decided_by_the_request_and_the_attempt(server: LocalServer) -> None:
    server.faults.add(faults.status(500), probability=0.5)
    found = statuses(server, 40)
    assert 10 <= found.count(500) <= 30
    with LocalServer() as again:
        again.faults.add(faults.status(500), probability=0.5)
        assert statuses(again, 40) == found


# Limits, keys, records


def test_requests_over_the_limit_get_429_with_headers_until_it_is_lifted(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.limits = Limits(rpm=60)
    first = openai_client.chat.completions.with_raw_response.create(
        model="writer", messages=[{"role": "user", "content": "Say hi."}]
    )
    assert first.headers["x-ratelimit-limit-requests"] == "60"
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError) as caught:
        ask(openai_client)
    headers = caught.value.response.headers
    assert 0 < int(headers["retry-after-ms"]) <= 1000
    assert headers["retry-after"] == "1"
    server.limits = Limits()
    assert ask(openai_client).usage
    assert [record.billed for record in server.requests] == [True, False, True]


def test_tokens_over_the_limit_get_429(
    server: LocalServer, anthropic_client: anthropic.Anthropic
) -> None:
    server.limits = Limits(tpm=60_000)
    for _ in range(4):
        ask_anthropic(anthropic_client)
    server.behaviour.bytes_per_token = 1
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask_anthropic(anthropic_client, "long " * 2000)
    assert caught.value.response.headers["anthropic-ratelimit-tokens-limit"] == "60000"
    assert caught.value.response.headers["retry-after"] == "1"


def test_a_rate_within_the_limit_passes(server: LocalServer) -> None:
    server.limits = Limits(rpm=6000)
    start = time.perf_counter()
    found = []
    while time.perf_counter() - start < 0.3:
        found.append(raw_reply(server).status_code)
        time.sleep(0.012)
    assert set(found) == {200}


def test_a_key_may_be_asked_for(
    server: LocalServer, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    server.behaviour.key = "another"
    with pytest.raises(openai.AuthenticationError):
        ask(openai_client)
    with pytest.raises(anthropic.AuthenticationError):
        ask_anthropic(anthropic_client)
    server.behaviour.key = "test"
    assert ask(openai_client).usage
    assert ask_anthropic(anthropic_client).usage


def test_no_record_holds_a_key(server: LocalServer, openai_client: openai.OpenAI) -> None:
    ask(openai_client.with_options(api_key="sk-secret"))
    assert "sk-secret" not in repr(server.requests)


def test_the_bill_prices_each_part_of_the_tokens(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.behaviour.cached_share = 0.5
    used = ask(openai_client).usage
    price = {"input_per_mtok": 2.0, "output_per_mtok": 8.0, "cached_input_per_mtok": 1.0}
    cached = used.prompt_tokens_details.cached_tokens
    expected = (
        2.0 * (used.prompt_tokens - cached) + 1.0 * cached + 8.0 * used.completion_tokens
    ) / 1e6
    assert server.billed_usd({"writer": price}) == pytest.approx(expected)
    assert server.billed_usd({"writer": {**price, "cached_input_per_mtok": 2.0}}) > expected


def test_an_unknown_path_and_a_broken_body_are_recorded_but_no_calls(server: LocalServer) -> None:
    url = server.openai_url
    assert httpx2.get(f"{url}/models").status_code == 404
    assert httpx2.post(f"{url}/chat/completions", content=b"{").status_code == 400
    assert server.counts == {"other": 2}
    assert server.calls() == []
    assert server.billed_usd({}) == 0


def test_the_most_requests_in_flight_are_known(server: LocalServer) -> None:
    server.behaviour.latency_s = 0.2

    async def many() -> None:
        async with openai.AsyncOpenAI(api_key="test", base_url=server.openai_url) as client:
            messages = [{"role": "user", "content": "Say hi."}]
            create = client.chat.completions.create
            await asyncio.gather(*(create(model="m", messages=messages) for _ in range(5)))

    asyncio.run(many())
    assert server.in_flight_max == 5
    assert all(record.done_at - record.at >= 0.2 for record in server.requests)


def test_stopping_does_not_wait_for_stalled_replies(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.faults.add(faults.stall_headers())
    with pytest.raises(openai.APITimeoutError):
        ask(openai_client.with_options(timeout=0.1))
    start = time.perf_counter()
    server.stop()
    assert time.perf_counter() - start < 2


def test_it_runs_as_a_program_that_ends_by_itself() -> None:
    command = [sys.executable, "-m", "tests.local_server", "--lifetime-s", "1", "--keep-bodies"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        port = json.loads(program.stdout.readline())["port"]
        body = {"model": "m", "messages": [{"role": "user", "content": "Say hi."}]}
        url = f"http://127.0.0.1:{port}"
        assert httpx2.post(f"{url}/v1/chat/completions", json=body).status_code == 200
        assert httpx2.get(f"{url}/_stats").json()["requests"] == 1
        assert httpx2.get(f"{url}/_bodies").json() == body
        assert program.wait(10) == 0
