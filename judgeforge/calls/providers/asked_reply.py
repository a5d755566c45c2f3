"""What of a reply is the answer to its request: the call that was asked for, or what was said.

A server may put the call of a tool that it was told to call beside words, calls of other tools and
calls without arguments, or twice.
"""

from __future__ import annotations

import json
from dataclasses import replace

from judgeforge.calls.providers.answers import clean
from judgeforge.calls.providers.base import Body, ModelReply
from judgeforge.calls.providers.thoughts import split_reasoning, wrapped_answer
from judgeforge.config.model import ModelConfig
from judgeforge.records import Finish
from judgeforge.text.patterns import late_pattern

_CALL = late_pattern(
    r"<(?:tool_call|function_call)>|<function=|\[TOOL_CALLS\]|<\|python_tag\|>"
    r"|<\|tool_calls_section_begin\|>|<\uff5ctool\u2581calls\u2581begin\uff5c>"
)
"""How models write that a call begins."""
_NO_ARGUMENTS = frozenset({"", "{}", "null", '""'})
"""What servers write where the model gave none."""


def as_asked(reply: ModelReply, body: Body, model: ModelConfig) -> ModelReply:
    """What of a reply is the answer to this request of this model.

    Where a tool was asked for, its arguments are the answer, whatever text is beside them. Where
    tools were only offered, calls are a whole answer, with words or without.
    """
    tool = _forced_tool(body)
    if tool is None:
        return _said(reply, body, model)
    if said := _arguments_of(tool, reply):
        finish: Finish = "length" if reply.finish == "length" else "stop"
        return replace(reply, text=clean(said), finish=finish, tool_calls=())
    return _from_its_call(_said(reply, body, model), body)


def _said(reply: ModelReply, body: Body, model: ModelConfig) -> ModelReply:
    """Without thoughts, and with calls only where tools were offered."""
    if reply.tool_calls:
        reply = _with_its_calls(reply) if "tools" in body else replace(reply, tool_calls=())
    if reply.reasoning:
        return _unwrapped(reply, body)
    if model.thinking_tags is None:
        return reply
    text, thought = split_reasoning(reply.text, model.thinking_tags)
    if thought is None:
        return reply
    is_empty = not text.strip() and not reply.tool_calls
    finish = "empty" if reply.finish == "stop" and is_empty else reply.finish
    return replace(reply, text=text, finish=finish, reasoning=thought)


def _unwrapped(reply: ModelReply, body: Body) -> ModelReply:
    """Without the tags that some models (Hunyuan, Granite, ERNIE) put around the answer after a
    thought, unless the request speaks of them."""
    found = wrapped_answer(reply.text)
    if found is None:
        return reply
    tag, answer = found
    return reply if f"<{tag}" in _asked(body) or not answer else replace(reply, text=answer)


def _from_its_call(reply: ModelReply, body: Body) -> ModelReply:
    """From the only call on that stands in its text, which the server did not read as one: words
    before it are beside it. Not where the request speaks of calls so, which may be quoted."""
    marks = list(_CALL.finditer(reply.text))
    if len(marks) != 1 or _CALL.search(_asked(body)):
        return reply
    return replace(reply, text=reply.text[marks[0].start() :])


def _asked(body: Body) -> str:
    return json.dumps([body.get("messages"), body.get("system")], ensure_ascii=False)


def _forced_tool(body: Body) -> str | None:
    """The tool that must be called: offers alone have no `tool_choice`, or one that leaves the
    choice."""
    choice = body.get("tool_choice")
    if not isinstance(choice, dict) or choice.get("type") not in {"function", "tool"}:
        return None
    return str((choice.get("function") or choice).get("name", ""))


def _arguments_of(tool: str, reply: ModelReply) -> str:
    """Those of its calls, or of all where none has its name: some servers leave it out. Calls that
    differ are all given: which of them counts is not known."""
    given = [call for call in reply.tool_calls if call.arguments.strip() not in _NO_ARGUMENTS]
    named = [call for call in given if call.name == tool] or given
    return "\n".join(dict.fromkeys(call.arguments for call in named))


def _with_its_calls(reply: ModelReply) -> ModelReply:
    text = reply.text if reply.has_words else ""
    return replace(reply, text=text, finish="stop" if reply.finish == "empty" else reply.finish)
