"""Which names are one model, and which say that another one answered."""

from __future__ import annotations

from collections import Counter

import pytest

from judgeforge.results.figures.completions import is_same_model, others


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4", "gpt-4-0613"),
        ("openai/gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-35-turbo", "gpt-3.5-turbo-0125"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet-20241022"),
        ("models/gemini-1.5-pro", "gemini-1.5-pro-002"),
        ("mistral-large-latest", "mistral-large-2411"),
        ("llama3", "llama3:latest"),
        ("Qwen/Qwen3-8B", "qwen3-8b"),
        ("meta-llama/llama-3-8b:free", "meta-llama/llama-3-8b"),
        ("accounts/fireworks/models/deepseek-v3", "deepseek-v3"),
        ("models/qwen.gguf", "/srv/models/qwen.gguf"),
        ("C:\\models\\qwen.gguf", "qwen"),
        ("HuggingFaceTB/SmolLM2", "/models/SmolLM2/"),
    ],
)
def test_names_of_one_model(asked: str, answered: str) -> None:
    assert is_same_model(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4", "gpt-4.1"),
        ("gpt-4", "gpt-4-32k"),
        ("gpt-4-0613", "gpt-4-1106"),
        ("o1", "o1-mini-2024-09-12"),
        ("claude-opus-4", "claude-sonnet-4"),
        ("claude-sonnet-4", "claude-sonnet-4-5"),
        ("llama3:70b", "llama3:8b"),
        ("gpt-oss", "gpt-oss-120b"),
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-0.6B"),
        ("my-writer", "qwen.gguf"),
        ("openrouter/auto", "openai/gpt-4o"),
    ],
)
def test_names_of_two_models(asked: str, answered: str) -> None:
    assert not is_same_model(asked, answered)


def test_only_answers_of_other_models_are_counted() -> None:
    answered = Counter({"gpt-4o-2024-08-06": 5, "small": 2, "gpt-4o, small": 1})
    assert others(answered, ["gpt-4o"]) == {"small": 2, "gpt-4o, small": 1}
    assert others(answered, ["gpt-4o", "small"]) == {}
