"""The load benchmarks' server answers as the one of the tests does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.local_server import LocalServer

ROOT = Path(__file__).parents[2]


def chat(**more: Any) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": "Which? [quality=0.7]"}], **more}
    return json.dumps(body).encode()


def schema() -> dict[str, Any]:
    levels = {"type": "object", "properties": {"clarity": {"type": "integer", "enum": [1, 2, 3]}}}
    return {"type": "json_schema", "json_schema": {"name": "judgment", "schema": levels}}


def answered(url: str, raw: bytes) -> bytes:
    return httpx2.post(f"{url}/chat/completions", content=raw).raise_for_status().content


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.load_server", "--keep-bodies", "--lifetime-s=60"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.terminate()


def test_replies_are_those_of_the_tests_server_byte_by_byte(address: str) -> None:
    bodies = [chat(max_tokens=256), chat(max_tokens=256), chat(response_format=schema())]
    with LocalServer() as server:
        for raw in bodies:
            assert answered(f"{address}/v1", raw) == answered(server.openai_url, raw)


def test_it_tells_what_it_was_asked(address: str) -> None:
    before = httpx2.get(f"{address}/_stats").json()
    answered(f"{address}/v1", chat(seed=1))
    after = httpx2.get(f"{address}/_stats").json()
    assert after["requests"] == before["requests"] + 1
    assert after["statuses"] == {"200": after["requests"]}
    assert after["in_flight_max"] == 1
    assert httpx2.get(f"{address}/_bodies").content.splitlines()[-1] == chat(seed=1)
