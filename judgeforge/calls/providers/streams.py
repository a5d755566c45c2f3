"""A reply that a server streams though nobody asked for it, put together as the reply that it is.

Some gateways stream whatever was asked. Such a reply is paid for and whole, so it is not lost to
its form: of OpenAI's chat completions (chunks with a ``delta``) and of Anthropic's messages
(``content_block_delta``), as server-sent events (WHATWG HTML, 9.2.6), or one JSON object a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from judgeforge.calls.providers.refusal_words import json_of

_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")
_LAST = "[DONE]"
_CHUNK, _CHUNK_WITHIN = b"chat.completion.chunk", 2000
"""What each line of a stream of JSON says of itself, and the bytes in which the first one does."""
_NOT_JOINED = frozenset({"role", "name", "id", "type", "index", "format", "signature"})
"""Texts that are said once, or anew in each part."""
_MOST_LINES = 32
"""Of the data of one event, which nearly always has one."""
_OF_THE_REPLY = ("id", "model", "usage", "error")
_CUT = {"message": "the stream ended before the reply did"}

_Value = dict[str, Any]


def is_stream(raw: bytes) -> bool:
    """Whether a body is server-sent events."""
    return raw.lstrip()[:8].startswith(_BEGINNINGS)


def whole_reply(raw: bytes) -> bytes:
    """The body that would have come without streaming; what is no stream of a reply is left."""
    if not is_stream(raw) and not (_CHUNK in raw[:_CHUNK_WITHIN] and b"\n{" in raw.strip()):
        return raw
    is_done, events = False, list[_Value]()
    for said in _said_in(raw):
        is_done = is_done or said == _LAST
        if isinstance(value := json_of(said.encode()), dict):
            events.append(value)
    joined = _message(events) or _completion(events, is_done=is_done) or _only_error(events)
    return raw if joined is None else json.dumps(joined).encode()


def _said_in(raw: bytes) -> Iterator[str]:
    """The data of the events; some servers leave out the empty lines between them, or all but the
    data."""
    waiting = list[str]()
    for line in raw.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        name, _, said = ("data", "", line) if line.startswith("{") else line.partition(":")
        if name == "data" and len(waiting) < _MOST_LINES:
            waiting.append(said.strip())
            whole = "\n".join(waiting)
            if whole == _LAST or json_of(whole.encode()) is not None:
                yield whole
                waiting = []
        elif not line:
            waiting = []


def _completion(events: list[_Value], *, is_done: bool) -> _Value | None:
    """Of chat completions. None where no event is a part of one."""
    choices = [(event, _first_choice(event)) for event in events]
    if all(choice is None for _, choice in choices):
        return None
    message, choice, logprobs = _Value(), _Value(), list[Any]()
    reply: _Value = {}
    for event, part in choices:
        reply |= {name: event[name] for name in _OF_THE_REPLY if event.get(name)}
        if event.get("object") == "error":
            reply["error"] = event
        if part is None:
            continue
        _add(message, _said_by(part))
        choice |= {name: one for name, one in part.items() if one is not None}
        if isinstance(told := part.get("logprobs"), Mapping):
            logprobs += told.get("content") or []
    if not is_done and choice.get("finish_reason") is None:
        reply.setdefault("error", _CUT)
    for name in ("delta", "text"):
        choice.pop(name, None)
    choice |= {"message": message, "logprobs": {"content": logprobs} if logprobs else None}
    return {**reply, "choices": [choice]}


def _first_choice(event: _Value) -> _Value | None:
    """The part of the answer that an event has; other answers were not asked for."""
    choices = event.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return None


def _said_by(part: _Value) -> Mapping[str, Any]:
    """What a part adds. Some servers repeat beside it all that was said so far (Perplexity)."""
    for name in ("delta", "message"):
        if isinstance(said := part.get(name), Mapping):
            return said
    return {"content": part.get("text")}


def _message(events: list[_Value]) -> _Value | None:
    """Of Anthropic's messages. None where no event begins one."""
    begun = next((event for event in events if event.get("type") == "message_start"), None)
    if begun is None or not isinstance(begun.get("message"), dict):
        return None
    message: _Value = dict(begun["message"])
    blocks: dict[object, _Value] = {}
    inputs: dict[object, str] = {}
    for event in events:
        place, kind, delta = event.get("index"), event.get("type"), event.get("delta")
        if kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[place] = dict(event["content_block"])
        elif kind == "content_block_delta" and isinstance(delta, dict) and place in blocks:
            inputs[place] = inputs.get(place, "") + str(delta.pop("partial_json", None) or "")
            _add(blocks[place], delta)
        elif kind == "message_delta" and isinstance(delta, dict):
            message |= delta
            message["usage"] = {**(message.get("usage") or {}), **(event.get("usage") or {})}
        elif kind == "error":
            message["error"] = event.get("error") or "an error"
    for place, text in inputs.items():
        if text:
            blocks[place]["input"] = json_of(text.encode()) or text
    if message.get("stop_reason") is None:
        message.setdefault("error", _CUT)
    return {**message, "content": list(blocks.values())}


def _only_error(events: list[_Value]) -> _Value | None:
    return next((event for event in events if event.get("error")), None) or next(
        (event for event in events if isinstance(event.get("message"), str)), None
    )


def _add(whole: _Value, part: Mapping[str, Any]) -> None:
    """Join what a part says to what is there: texts to texts, calls by their place."""
    for name, said in part.items():
        known = whole.get(name)
        if said is None or (known and name in _NOT_JOINED):
            continue
        if name == "tool_calls" and isinstance(said, list):
            whole[name] = _with_calls(known or [], said)
        elif isinstance(said, Mapping):
            _add(whole.setdefault(name, {}), said)
        elif isinstance(known, str) and isinstance(said, str):
            whole[name] = known + said
        elif isinstance(known, list) and isinstance(said, list):
            whole[name] = [*known, *said]
        else:
            whole[name] = said


def _with_calls(known: list[_Value], said: list[Any]) -> list[_Value]:
    """A part of a call without a place belongs to the last one, unless it has an id of its own."""
    for part in said:
        if not isinstance(part, Mapping):
            continue
        place = part.get("index")
        call = next((one for one in known if one.get("index") == place), None)
        if place is None:
            call = known[-1] if known and not part.get("id") else None
        if call is None:
            known.append(call := {})
        _add(call, part)
    return known
