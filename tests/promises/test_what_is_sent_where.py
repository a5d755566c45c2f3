"""What goes to a server is what the configuration names for it: headers, query, roles, params."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.base import ChatRequest
from judgeforge.calls.providers.openai_chat import OpenAIChat
from judgeforge.config.model import ModelConfig
from judgeforge.errors import ConfigError
from judgeforge.runs.preparation.identity import model_identity
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.run_setup import KEY, model, run, write_config

SECRET = "gw-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
both = pytest.mark.parametrize("provider", ["openai", "anthropic"])
SDK_ENVIRONMENT = {
    "OPENAI_CUSTOM_HEADERS": f"X-Gateway-Key: {SECRET}\nUser-Agent: {SECRET}\nAuthorization: b",
    "ANTHROPIC_CUSTOM_HEADERS": f"X-Gateway-Key: {SECRET}\nx-api-key: {SECRET}",
    "OPENAI_ORG_ID": SECRET,
    "OPENAI_PROJECT_ID": SECRET,
    "OPENAI_API_KEY": SECRET,
    "OPENAI_ADMIN_KEY": SECRET,
    "OPENAI_WEBHOOK_SECRET": SECRET,
    "ANTHROPIC_API_KEY": SECRET,
    "ANTHROPIC_AUTH_TOKEN": SECRET,
    "ANTHROPIC_WEBHOOK_SIGNING_KEY": SECRET,
}


@both
def test_the_environment_of_an_sdk_reaches_no_server(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    for name, value in SDK_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    run(write_config(tmp_path, server, prompts=1, provider=provider), tmp_path / "out")
    assert server.requests
    for request in server.requests:
        assert SECRET not in repr(request.headers)
        assert SECRET[-4:] not in request.headers.values()
        assert request.headers["authorization"] == f"…{KEY[-4:]}"
        assert not {"openai-organization", "openai-project"} & request.headers.keys()


@both
def test_headers_come_from_variables_and_the_query_from_the_configuration(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", SECRET)
    monkeypatch.setenv("TEAM", "blue")
    settings = model(
        server,
        provider,
        headers_env={"X-Gateway-Key": "GATEWAY_KEY", "api-key": "TEAM"},
        query={"team": "a b"},
    )
    config = write_config(tmp_path, server, prompts=1, models={"small": settings})
    result = run(config, tmp_path / "out")
    assert result.exit_code == 0
    for request in server.requests:
        sent = request.headers
        assert (sent["x-gateway-key"], sent["api-key"]) == (SECRET, "blue")
        assert request.query == "team=a b"
    for file in (tmp_path / "out").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


@both
def test_the_log_of_an_sdk_has_no_secret_header(
    tmp_path: Path,
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    provider: str,
) -> None:
    """As `OPENAI_LOG=debug` and `ANTHROPIC_LOG=debug` have it written."""
    monkeypatch.setenv("GATEWAY_KEY", SECRET)
    caplog.set_level(logging.DEBUG, logger=f"{provider}._base_client")
    settings = model(server, provider, headers_env={"X-Gateway-Key": "GATEWAY_KEY"})
    run(write_config(tmp_path, server, prompts=1, models={"small": settings}), tmp_path / "out")
    assert "Request" in caplog.text
    assert SECRET not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "GATEWAY_KEY is not set"), ("\u201cx\u201d", "U+201C"), (" ", "not set")],
)
def test_a_header_without_a_value_stops_before_anything_is_sent(
    tmp_path: Path,
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    value: str | None,
    said: str,
) -> None:
    monkeypatch.delenv("GATEWAY_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("GATEWAY_KEY", value)
    settings = model(server, headers_env={"X-Gateway-Key": "GATEWAY_KEY"})
    config = write_config(tmp_path, server, prompts=1, models={"small": settings})
    with pytest.raises(ConfigError, match="headers_env") as caught:
        run(config, tmp_path / "out")
    assert said in str(caught.value)
    assert not server.requests


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "A"},
        {"Content-Length": "A"},
        {"X Y": "A"},
        {"X-Key": "a value"},
        {"X": SECRET},
        {"": "A"},
    ],
)
def test_a_header_is_a_name_and_the_name_of_a_variable(
    tmp_path: Path, server: LocalServer, headers: dict[str, str]
) -> None:
    settings = model(server, headers_env=headers)
    with pytest.raises(ConfigError) as caught:
        judgeforge.load_config(write_config(tmp_path, server, models={"small": settings}))
    assert "a value" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("extra_headers", "headers_env"),
        ("default_headers", "headers_env"),
        ("extra_query", "query"),
        ("default_query", "query"),
    ],
)
def test_settings_of_an_sdk_are_refused_by_name(
    tmp_path: Path, server: LocalServer, name: str, instead: str
) -> None:
    settings = model(server, params={name: {"X-Team": "blue"}})
    with pytest.raises(ConfigError, match=f"`{name}` is a setting of an SDK.*`{instead}`"):
        judgeforge.load_config(write_config(tmp_path, server, models={"small": settings}))


CHAT = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="Why?"),
    Message(role="assistant", content="So."),
    Message(role="user", content="And?"),
)


@pytest.mark.parametrize(
    ("messages", "sent"),
    [
        (CHAT, [("user", "Be brief.\n\nWhy?"), ("assistant", "So."), ("user", "And?")]),
        (CHAT[1:], [("user", "Why?"), ("assistant", "So."), ("user", "And?")]),
        (CHAT[:1], [("user", "Be brief.")]),
        (CHAT[:1] * 2 + CHAT[1:2], [("user", "Be brief.\n\nBe brief.\n\nWhy?")]),
        (CHAT[:1] + CHAT[2:3], [("user", "Be brief."), ("assistant", "So.")]),
    ],
)
@pytest.mark.parametrize("kind", [OpenAIChat, AnthropicMessages])
def test_a_model_without_a_system_role_is_told_by_the_user(
    kind: Callable[..., Any], messages: tuple[Message, ...], sent: list[tuple[str, str]]
) -> None:
    config = ModelConfig(provider="openai", model="m", system_role="user")
    body = kind(None, None).body(config, ChatRequest(messages, 9, temperature=0.5))
    assert [(each["role"], each["content"]) for each in body["messages"]] == sent
    assert "system" not in body


def test_what_is_not_set_changes_no_identity() -> None:
    plain = ModelConfig(provider="openai", model="m")
    assert set(model_identity(plain)) == {
        "provider", "model", "base_url", "structured", "max_tokens_field", "send_temperature",
        "params",
    }  # fmt: skip
    assert model_identity(plain) == model_identity(
        plain.model_copy(update={"headers_env": {"X": "Y"}})
    )
    for name, value in {
        "system_role": "user",
        "query": {"a": "b"},
        "thinking_tags": ("<", ">"),
    }.items():
        other = model_identity(plain.model_copy(update={name: value}))
        assert json.dumps(other) != json.dumps(model_identity(plain))


def test_the_query_is_part_of_what_a_reply_is_stored_under(
    tmp_path: Path, server: LocalServer
) -> None:
    for version in ("2024-10-21", "2025-01-01", "2025-01-01"):
        settings = model(server, query={"api-version": version})
        config = write_config(tmp_path, server, prompts=1, models={"small": settings})
        run(config, tmp_path / f"out-{len(server.requests)}")
    asked = [request.query.removeprefix("api-version=") for request in server.requests]
    assert set(asked) == {"2024-10-21", "2025-01-01"}
    assert asked.count("2024-10-21") == asked.count("2025-01-01")
