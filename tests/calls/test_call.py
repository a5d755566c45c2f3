"""What an answer says of the model and of the tokens that it read."""

from __future__ import annotations

import random
import string

import pytest

from judgeforge.calls.call import Answer
from judgeforge.calls.providers.base import ChatRequest, ModelReply, Usage
from judgeforge.text.messages import Message


def answer(model: str | None = None, tokens: int | None = None) -> Answer:
    usage = None if tokens is None else Usage(tokens, 5)
    return Answer("key", ModelReply("text", "stop", usage, model=model), 0.0, cached=False)


def request(*texts: str) -> ChatRequest:
    messages = tuple(Message(role="user", content=text) for text in texts)
    return ChatRequest(messages=messages, max_tokens=10, temperature=0.0)


@pytest.mark.parametrize(
    ("said", "model"),
    [
        ("gpt-4o", "gpt-4o"),
        (None, None),
        ("", None),
        (" \n", None),
        ("half \ud83d", "half \ufffd\ufffd\ufffd"),
        ("two\nlines", "two lines"),
        ("/home/ann/models/qwen.gguf", "qwen.gguf"),
        ("/home/ann/SmolLM2/", "SmolLM2"),
        ("~/models/qwen.gguf", "qwen.gguf"),
        ("../models/qwen.gguf", "qwen.gguf"),
        ("C:\\Users\\ann\\qwen.gguf", "qwen.gguf"),
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("/", None),
        ("x" * 10_000, "x" * 199 + "…"),
    ],
)
def test_the_model_that_answered_is_a_short_line(said: str | None, model: str | None) -> None:
    assert answer(said).answered_model == model


ENGLISH = "The quick brown fox jumps over the lazy dog. "
DRAWN = "".join(random.Random(1).choices(string.ascii_letters + " ", k=66_000))


@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ((ENGLISH * 1_500,), 2048),
        ((DRAWN,), 2050),
        ((DRAWN[:30_000], DRAWN[30_000:]), 4096),
        (("\u4e2d\u6587" * 3 + DRAWN,), 1),
        (("caf\u00e9 " + DRAWN[:400],), 10),
        ((ENGLISH * 400,), 2050),  # Ollama's half of 4,096, and 2
        ((ENGLISH * 400,), 2051),
        ((ENGLISH * 300,), 2048),
        ((ENGLISH * 1_500,), 8_194),
        ((ENGLISH * 6_000,), 32_770),
    ],
)
def test_a_count_far_below_what_was_sent_is_told(texts: tuple[str, ...], tokens: int) -> None:
    assert answer(tokens=tokens).input_tokens_read(request(*texts)) == tokens


@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ((ENGLISH * 1_500,), 15_000),
        ((DRAWN,), 5_600),
        ((DRAWN,), 0),
        ((DRAWN,), None),
        (("Hi",), 1),
        (("\U0001f600" * 300,), 150),
        ((" " * 60_000,), 470),
        (("-" * 60_000 + "\n",), 470),
        (("=-" * 30_000,), 3_000),
        (("ha " * 3_000,), 900),
        (("\n".join(["|" + "-" * 200] * 300),), 1_300),
        (("      return\n" * 100,), 200),
        ((ENGLISH * 400,), 2047 - 50),
        ((ENGLISH * 210,), 2048),
        ((ENGLISH * 210,), 2050),
        (("\u0939\u093f\u0928\u094d\u0926\u0940 " * 900,), 2048),
        (("\u4e2d\u6587\u6d4b\u8bd5" * 700,), 2050),
        (("-" * 60_000 + "\n",), 2048),
        ((" ".join(str(n) for n in range(2_000)),), 4_096),
    ],
)
def test_a_count_that_can_be_is_not(texts: tuple[str, ...], tokens: int | None) -> None:
    assert answer(tokens=tokens).input_tokens_read(request(*texts)) is None
