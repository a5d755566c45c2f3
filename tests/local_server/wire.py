"""The wire formats: reading a request, writing a reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.local_server.decisions import (
    DECISION_WIRES,
    Decision,
    asked_decisions,
    decision_reply,
    shown_text,
)
from tests.local_server.logprobs import token_list
from tests.local_server.quality import Path, qualities_of, schema_in
from tests.local_server.record import TokenCount, Wire
from tests.local_server.rewards import REWARD_WIRES, is_squashed, judged_text, reward_reply
from tests.local_server.turns import (
    Called,
    answers_a_tool,
    check_turns,
    offered_tools,
    pictures_of,
)

Finish = Literal["stop", "length", "refusal", "content_filter"]
_FREE_CHOICES = (None, "auto", "none", {"type": "auto"}, {"type": "none"})
CREATED = 1_700_000_000
"""A constant, so that equal requests get equal bytes."""


@dataclass(frozen=True)
class Question:
    model: str
    schema: Mapping[str, Any] | None
    """Of the reply; None for a completion request."""
    tool: str | None
    """Name of the forced tool."""
    max_tokens: int
    fixed_draw: bool
    """A seed or temperature 0: asking again gives the same."""
    qualities: tuple[float, ...]
    """What the markers of the last user message that has any say; 0 without any."""
    logprobs: bool = False
    decisions: tuple[Decision, ...] = ()
    tools: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Name and schema of those that may be called; none where a tool has just answered."""
    pictures: tuple[str, ...] = ()
    """A URL, or data in base64, of each."""
    reward_of: str | None = None
    """What a reward model is to judge."""
    squashed: bool = False
    """Whether the reward goes through a sigmoid."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """Of a request to a reward model, whose form decides that of the reply."""


@dataclass(frozen=True)
class Answer:
    text: str | None
    finish: Finish = "stop"
    value: Any = None
    """What ``text`` holds as JSON, for a judge's answer."""
    scored: tuple[Path, ...] = ()
    tool: str | None = None
    reasoning: str | None = None
    usage: bool = True
    beliefs: Mapping[str, Mapping[str, float]] | None = None
    """By key of ``value``, where the request asks for the probabilities of tokens."""
    calls: tuple[Called, ...] = ()
    """Of tools that were offered."""


def read_question(wire: Wire, body: Mapping[str, Any]) -> Question:
    if wire in DECISION_WIRES:
        return _read_decisions(wire, body)
    if wire in REWARD_WIRES:
        return _read_reward(wire, body)
    check_turns(wire, body)
    schema, tool = _asked_schema(wire, body)
    may_call = tool is None and not answers_a_tool(wire, body)
    return Question(
        model=str(body.get("model", "")),
        schema=schema,
        tool=tool,
        max_tokens=body.get("max_tokens") or body.get("max_completion_tokens") or 10**9,
        fixed_draw=body.get("seed") is not None or body.get("temperature") == 0,
        qualities=_shown_qualities(body) if schema is not None else (0.0,),
        logprobs=bool(body.get("logprobs")),
        tools=offered_tools(wire, body) if may_call else (),
        pictures=tuple(pictures_of(body)),
    )


def _read_decisions(wire: Wire, body: Mapping[str, Any]) -> Question:
    return Question(
        model=str(body["model"]),
        schema={},
        tool=None,
        max_tokens=10**9,
        fixed_draw=True,
        qualities=qualities_of(shown_text(wire, body)) or (0.0,),
        decisions=asked_decisions(wire, body),
    )


def _read_reward(wire: Wire, body: Mapping[str, Any]) -> Question:
    return Question(
        model=str(body.get("model", "")),
        schema={},
        tool=None,
        max_tokens=10**9,
        fixed_draw=True,
        qualities=(0.0,),
        reward_of=judged_text(wire, body),
        squashed=is_squashed(wire, body),
        body=body,
    )


def _asked_schema(
    wire: Wire, body: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, str | None]:
    choice = body.get("tool_choice")
    if body.get("tools") and choice not in _FREE_CHOICES:
        return _tool_schema(wire, body["tools"], choice)
    if wire == "openai":
        form = body.get("response_format") or {}
        if form.get("type") == "json_schema":
            return form["json_schema"].get("schema", {}), None
    else:
        form = (body.get("output_config") or {}).get("format") or {}
        if form.get("type") == "json_schema":
            return form["schema"], None
    for text in (*_texts(body, "system"), *_texts(body, "user")):
        if '"properties"' in text and (schema := schema_in(text)) is not None:
            return schema, None
    return None, None


def _tool_schema(wire: Wire, tools: list[Any], choice: Any) -> tuple[Mapping[str, Any], str]:
    if wire == "openai":
        functions = {tool["function"]["name"]: tool["function"] for tool in tools}
        name = choice["function"]["name"] if isinstance(choice, Mapping) else next(iter(functions))
        return functions[name].get("parameters", {}), name
    by_name = {tool["name"]: tool for tool in tools}
    name = choice.get("name") or next(iter(by_name))
    return by_name[name]["input_schema"], name


def _texts(body: Mapping[str, Any], role: str) -> list[str]:
    """Texts of the messages of a role, last first."""
    found = [m["content"] for m in body.get("messages", ()) if m.get("role") == role]
    if role == "system" and "system" in body:
        found.append(body["system"])
    return [_flat(content) for content in reversed(found)]


def _flat(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content or ())


def _shown_qualities(body: Mapping[str, Any]) -> tuple[float, ...]:
    for text in _texts(body, "user"):
        if found := qualities_of(text):
            return found
    return (0.0,)


def write_reply(
    wire: Wire, key: str, question: Question, answer: Answer, tokens: TokenCount
) -> bytes:
    model = question.model
    if wire in REWARD_WIRES:
        rewards, body = answer.value, question.body
        reply = reward_reply(wire, body, rewards, tokens, usage=answer.usage)
        return json.dumps(reply, separators=(",", ":")).encode()
    if wire in DECISION_WIRES:
        reply = decision_reply(wire, model, answer.value, tokens, usage=answer.usage)
        return json.dumps(reply, separators=(",", ":")).encode()
    make = _anthropic_reply if wire == "anthropic" else _openai_reply
    return json.dumps(make(key, model, answer, tokens), separators=(",", ":")).encode()


def _openai_reply(key: str, model: str, answer: Answer, tokens: TokenCount) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    finish: str = answer.finish
    if answer.finish == "refusal":
        message |= {"content": None, "refusal": answer.text}
        finish = "stop"
    elif answer.tool is not None:
        function = {"name": answer.tool, "arguments": answer.text}
        call = {"id": f"call_{key[:12]}", "type": "function", "function": function}
        message |= {"content": None, "tool_calls": [call]}
    elif answer.calls:
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in answer.calls
        ]
        message |= {"content": answer.text or None, "tool_calls": calls}
        finish = "tool_calls" if answer.finish == "stop" else finish
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    logprobs = None
    if answer.beliefs is not None and answer.text and answer.tool is None:
        logprobs = {"content": token_list(answer.text, answer.beliefs)}
    reply: dict[str, Any] = {
        "id": f"chatcmpl-{key[:24]}",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [
            {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish}
        ],
    }
    if answer.usage:
        reply["usage"] = {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.input + tokens.output,
            "prompt_tokens_details": {
                "cached_tokens": tokens.cached,
                "cache_write_tokens": tokens.cache_write,
            },
            "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
        }
    return reply


_STOP_REASON = {"stop": "end_turn", "length": "max_tokens"}


def _anthropic_reply(key: str, model: str, answer: Answer, tokens: TokenCount) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if answer.reasoning is not None:
        content.append({"type": "thinking", "thinking": answer.reasoning, "signature": key[:16]})
    stop = _STOP_REASON.get(answer.finish, "refusal")
    if answer.tool is not None and answer.finish == "stop":
        tool = {"id": f"toolu_{key[:16]}", "name": answer.tool, "input": answer.value}
        content.append({"type": "tool_use", **tool})
        stop = "tool_use"
    elif answer.text is not None and answer.finish not in ("refusal", "content_filter"):
        if answer.text or not answer.calls:
            content.append({"type": "text", "text": answer.text})
        for call in answer.calls:
            used = {"id": call.id, "name": call.name, "input": dict(call.arguments)}
            content.append({"type": "tool_use", **used})
        stop = "tool_use" if answer.calls and answer.finish == "stop" else stop
    refused = {"type": "refusal", "category": None, "explanation": answer.text}
    reply: dict[str, Any] = {
        "id": f"msg_{key[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": refused if stop == "refusal" else None,
    }
    if answer.usage:
        reply["usage"] = {
            "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
            "cache_creation_input_tokens": tokens.cache_write,
            "cache_read_input_tokens": tokens.cached,
            "cache_creation": {
                "ephemeral_5m_input_tokens": tokens.cache_write - tokens.hour_write,
                "ephemeral_1h_input_tokens": tokens.hour_write,
            },
            "output_tokens": tokens.output,
            "output_tokens_details": {"thinking_tokens": tokens.reasoning},
            "service_tier": "standard",
        }
    return reply


_OPENAI_TYPE = {401: "invalid_request_error", 429: "requests", 500: "server_error"}
_ANTHROPIC_TYPE = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error_body(wire: Wire, status: int, message: str, code: str | None = None) -> bytes:
    if wire == "anthropic":
        kind = code or _ANTHROPIC_TYPE.get(status, "api_error")
        error: dict[str, Any] = {"type": kind, "message": message}
        return json.dumps({"type": "error", "error": error, "request_id": "req_local"}).encode()
    kind = _OPENAI_TYPE.get(status, "invalid_request_error" if status < 500 else "server_error")
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}).encode()
