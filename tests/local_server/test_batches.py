"""The local server's batches, as the real SDKs see them."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest

from tests.local_server import LocalServer
from tests.support.batch_setup import BATCH_PRICE

QUESTION: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": "Say hi."}]}


@pytest.fixture
def openai_client(server: LocalServer) -> openai.OpenAI:
    return openai.OpenAI(api_key="test", base_url=server.openai_url, max_retries=0)


@pytest.fixture
def anthropic_client(server: LocalServer) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="test", base_url=server.anthropic_url, max_retries=0)


def create(client: openai.OpenAI, *bodies: dict[str, Any], **more: Any) -> openai.types.Batch:
    url = "/v1/chat/completions"
    rows = [
        {"custom_id": f"r{number}", "method": "POST", "url": url, "body": body}
        for number, body in enumerate(bodies)
    ]
    content = "\n".join(json.dumps(row) for row in rows).encode()
    file = client.files.create(file=("batch.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=url, completion_window="24h", **more
    )


def outputs(client: openai.OpenAI, name: str | None) -> dict[str, Any]:
    assert name is not None
    rows = [json.loads(line) for line in client.files.content(name).text.splitlines()]
    return {row["custom_id"]: row for row in rows}


def test_a_file_of_openai_is_answered_as_the_same_requests_are_alone(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    asked = [{**QUESTION, "seed": number} for number in range(4)]
    batch = create(openai_client, *asked, metadata={"judgeforge": "mark"})
    assert (batch.status, batch.metadata) == ("in_progress", {"judgeforge": "mark"})
    done = openai_client.batches.retrieve(batch.id)
    assert done.status == "completed"
    assert done.request_counts is not None
    assert done.request_counts.completed == 4
    found = outputs(openai_client, done.output_file_id)
    for number, body in enumerate(asked):
        alone = openai_client.chat.completions.create(**body)
        inside = found[f"r{number}"]["response"]["body"]
        assert inside["choices"][0]["message"]["content"] == alone.choices[0].message.content
    assert list(found) != sorted(found), "the order of a file is not that of its answers"


def test_lines_are_billed_at_the_price_of_a_batch(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    openai_client.batches.retrieve(create(openai_client, QUESTION).id)
    half = server.billed_usd({"small": BATCH_PRICE})
    openai_client.chat.completions.create(**QUESTION)
    assert server.billed_usd({"small": BATCH_PRICE}) == pytest.approx(3 * half, rel=0.2)


def test_a_batch_takes_its_time_expires_and_names_what_was_not_run(
    server: LocalServer, openai_client: openai.OpenAI
) -> None:
    server.behaviour.batches.delay_s = 3600.0
    server.behaviour.batches.answered_before_expiry = 1
    server.behaviour.batches.line_status = {0: 0}
    batch = create(openai_client, QUESTION, QUESTION)
    assert openai_client.batches.retrieve(batch.id).status == "in_progress"
    server.behaviour.batches.delay_s = 0.0
    done = openai_client.batches.retrieve(batch.id)
    assert done.status == "expired"
    assert outputs(openai_client, done.output_file_id)["r0"]["response"]["status_code"] == 0
    assert outputs(openai_client, done.error_file_id)["r1"]["error"]["code"] == "batch_expired"


def test_a_file_of_two_models_is_refused_as_a_whole(openai_client: openai.OpenAI) -> None:
    batch = create(openai_client, QUESTION, {**QUESTION, "model": "another"})
    done = openai_client.batches.retrieve(batch.id)
    assert done.status == "failed"
    assert done.errors is not None
    assert done.errors.data is not None
    assert done.errors.data[0].code == "mismatched_model"


def test_a_message_batch_is_read_by_its_sdk(
    server: LocalServer, anthropic_client: anthropic.Anthropic
) -> None:
    server.behaviour.batches.line_status = {1: 400}
    params: Any = {**QUESTION, "max_tokens": 64}
    batch = anthropic_client.messages.batches.create(
        requests=[{"custom_id": f"r{number}", "params": params} for number in range(3)]
    )
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 3)
    done = anthropic_client.messages.batches.retrieve(batch.id)
    assert (done.processing_status, done.request_counts.errored) == ("ended", 1)
    assert [one.id for one in anthropic_client.messages.batches.list()] == [batch.id]


def test_keys_that_anthropic_does_not_take_are_refused(
    anthropic_client: anthropic.Anthropic,
) -> None:
    params: Any = {**QUESTION, "max_tokens": 64}
    for key in ("x" * 65, "a b"):
        with pytest.raises(anthropic.BadRequestError):
            anthropic_client.messages.batches.create(
                requests=[{"custom_id": key, "params": params}]
            )
