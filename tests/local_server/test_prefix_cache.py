"""What the local server keeps of the beginnings of prompts, by the rules of each provider."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_server.prefix_cache import CachedInput, Mode, PrefixCache, check_marks
from tests.local_server.record import Wire

TOKEN = 4
"""Bytes."""


def text(tokens: int, letter: str = "a") -> str:
    return letter * (tokens * TOKEN)


class Cache:
    """Requests one after the other, each a second after the last."""

    def __init__(self, mode: Mode = "providers") -> None:
        self._cache, self._mode, self.now = PrefixCache(), mode, 0.0

    def ask(self, wire: Wire, body: dict[str, Any]) -> CachedInput:
        self.now += 1.0
        found = self._cache.count(self._mode, wire, body, self.now, TOKEN)
        self._cache.keep(found, self.now)
        return found


def chat(*contents: str, model: str = "gpt-5.4", **more: Any) -> dict[str, Any]:
    roles = ("system", "user")
    messages = [{"role": r, "content": c} for r, c in zip(roles, contents, strict=False)]
    return {"model": model, "messages": messages, **more}


def message(
    rubric: str, row: str, answer: str, model: str = "claude-sonnet-5", **mark: str
) -> dict[str, Any]:
    control = {"type": "ephemeral", **mark}
    blocks = [
        {"type": "text", "text": row, "cache_control": control},
        {"type": "text", "text": answer},
    ]
    return {
        "model": model,
        "system": [{"type": "text", "text": rubric, "cache_control": control}],
        "messages": [{"role": "user", "content": blocks}],
    }


class TestOpenAI:
    def test_reads_whole_steps_of_128_tokens_from_1024_on(self) -> None:
        cache = Cache()
        assert cache.ask("openai", chat(text(1100), text(300))).read == 0
        assert cache.ask("openai", chat(text(1100), text(300))).read == 1280
        assert cache.ask("openai", chat(text(1100), text(300, "b"))).read == 1024
        assert cache.ask("openai", chat(text(900), text(300, "b"))).read == 0

    def test_knows_models_and_schemas_apart(self) -> None:
        cache = Cache()
        cache.ask("openai", chat(text(2000)))
        assert cache.ask("openai", chat(text(2000), model="gpt-5.4-mini")).read == 0
        form = {"type": "json_schema", "json_schema": {"name": "other"}}
        assert cache.ask("openai", chat(text(2000), response_format=form)).read == 0

    def test_forgets_after_five_minutes(self) -> None:
        cache = Cache()
        cache.ask("openai", chat(text(2000)))
        cache.now += 301
        assert cache.ask("openai", chat(text(2000))).read == 0

    def test_since_gpt_5_6_writes_each_request_whole_where_nothing_is_marked(self) -> None:
        cache = Cache()
        first = cache.ask("openai", chat(text(1100), text(300), model="gpt-6-sol"))
        second = cache.ask("openai", chat(text(1100), text(300, "b"), model="gpt-6-sol"))
        assert first.written > 1400
        assert (second.read, second.written) == (0, first.written)


class TestAnthropic:
    def test_writes_up_to_the_last_mark_and_reads_up_to_the_longest_that_is_kept(self) -> None:
        cache = Cache()
        first = cache.ask("anthropic", message(text(1500), text(2000), text(50)))
        second = cache.ask("anthropic", message(text(1500), text(2000), text(70, "b")))
        other = cache.ask("anthropic", message(text(1500), text(900, "c"), text(50)))
        assert (first.read, first.written) == (0, pytest.approx(3500, abs=5))
        assert (second.read, second.written) == (first.written, 0)
        assert other.read == pytest.approx(1500, abs=5)
        assert other.written == pytest.approx(900, abs=5)

    @pytest.mark.parametrize(
        ("name", "kept"), [("claude-opus-5", True), ("claude-haiku-4-5", False)]
    )
    def test_keeps_no_less_than_the_model_asks_for(self, name: str, kept: bool) -> None:
        cache = Cache()
        found = cache.ask("anthropic", message(text(600), text(1000), text(9), model=name))
        assert (found.written > 0) is kept

    def test_counts_what_is_kept_for_an_hour_apart(self) -> None:
        cache = Cache()
        found = cache.ask("anthropic", message(text(1500), text(2000), text(50), ttl="1h"))
        assert found.written_for_an_hour == found.written > 0
        cache.now += 3000
        again = cache.ask("anthropic", message(text(1500), text(2000), text(50), ttl="1h"))
        assert again.read == found.written

    def test_refuses_five_marks_and_an_hour_behind_five_minutes(self) -> None:
        body = message("a", "b", "c")
        body["messages"][0]["content"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
        with pytest.raises(ValueError, match="must not come after"):
            check_marks("anthropic", body)
        body = message("a", "b", "c")
        body["system"] = body["system"] * 4
        with pytest.raises(ValueError, match="at most 4"):
            check_marks("anthropic", body)


def test_vllm_reads_blocks_of_16_tokens_from_the_first_on() -> None:
    cache = Cache("vllm")
    cache.ask("openai", chat(text(40), text(100)))
    assert cache.ask("openai", chat(text(40), text(100, "b"))).read == 32
