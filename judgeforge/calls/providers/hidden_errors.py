"""The error that a reply of status 200 is: in place of its answer, or within it.

Gateways pass on with success what their upstream refused: as the whole body, beside an empty choice
or inside of it (OpenRouter), or as a code of their own (MiniMax). Such a call is no reply and is
not billed; an error beside words is a reply that broke off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from judgeforge.calls.providers.answers import ended, says_an_error
from judgeforge.calls.providers.moderation import is_about_content
from judgeforge.calls.providers.parsing import first_choice, opened
from judgeforge.calls.providers.refusal_words import json_of, words_in

_RESULTS = ("choices", "content", "answers")
"""Fields of which a reply of any API has one."""
_IN_A_REPLY = tuple(
    mark.encode()
    for mark in (
        '"error"', '"choices":null', '"choices": null', '"choices":[]', '"choices": []',
        '"base_resp"', '"total_tokens":0', '"total_tokens": 0',
    )
)  # fmt: skip
"""What a reply with a result may have beside it only where something went wrong."""
_SAID = (
    "content", "refusal", "reasoning", "reasoning_content", "reasoning_details", "thinking",
    "tool_calls", "function_call", "audio", "images",
)  # fmt: skip
"""Fields of a message in which a model says something."""
_STATUS_OF = {
    "ratelimit": 429, "ratequota": 429, "throttl": 429, "toomanyrequests": 429,
    "resourceexhausted": 429, "quota": 402, "credit": 402, "billing": 402, "arrear": 402,
    "insufficientbalance": 402, "balancenotenough": 402, "budgetexceeded": 402,
    "authentication": 401, "invalidapikey": 401, "unauthorized": 401, "unauthenticated": 401,
    "permission": 403, "forbidden": 403, "notfound": 404, "overloaded": 529,
    "unavailable": 503, "timeout": 504, "deadline": 504,
    "requesttoolarge": 413, "contextlength": 400, "invalidrequest": 400, "badrequest": 400,
    "invalidargument": 400, "validation": 400,
}  # fmt: skip
"""The status that an error of such a type or code, in lower case and without what joins its words,
has where it is sent with one."""
_NUMBERED = ("status", "status_code", "code", "statusCode", "http_code", "httpStatus")
_NAMED = ("type", "error_type", "status", "code")
_NOT_A_LETTER = re.compile(r"[^a-z]+")
_LONGEST_KIND = 100
_OF_MINIMAX = {
    1001: 504, 1002: 429, 1004: 401, 1008: 402, 1026: 400, 1027: 400, 1039: 429, 1041: 429,
    2013: 400, 2049: 401, 2056: 429,
}  # fmt: skip
"""``base_resp.status_code``, from its list of error codes."""


def error_within(raw: bytes) -> Mapping[str, Any] | None:
    """The refusal in a reply of status 200, None where it is a reply."""
    has_result = any(b'"%b"' % name.encode() in raw for name in _RESULTS)
    if has_result and not any(mark in raw for mark in _IN_A_REPLY):
        return None  # as nearly all: nothing is parsed twice
    body = json_of(raw)
    if isinstance(body, list) and len(body) == 1:  # as Google's APIs put their errors
        body = body[0]
    if not isinstance(body, Mapping):
        return None
    if _has_a_result(body):
        return _in_place_of_an_answer(body)
    has_error = says_an_error(body.get("error")) or _minimax_code(body) != 0
    if has_error or is_about_content(400, body, ""):
        return body
    *_, within = opened(body)
    has_number = _stated_number(body) is not None
    if not has_number and isinstance(within, Mapping) and _has_a_result(within):
        return _in_place_of_an_answer(within)  # a gateway's own words beside it are of success
    says_so = any(words_in(body)) or has_number
    return body if body.keys().isdisjoint(_RESULTS) and says_so else None


def _has_a_result(body: Mapping[str, Any]) -> bool:
    return any(body.get(name) for name in _RESULTS)


def stated_status(body: Mapping[str, Any]) -> int:
    """The status that an error says it has, by number or by kind; 500 where it says neither."""
    if (found := _OF_MINIMAX.get(_minimax_code(body))) is not None:
        return found
    if (number := _stated_number(body)) is not None:
        return number
    places = list(_places(body))
    kinds = (str(place.get(name)).lower() for name in _NAMED for place in places)
    for kind in (_NOT_A_LETTER.sub("", each[:_LONGEST_KIND]) for each in kinds):
        for mark, status in _STATUS_OF.items():
            if mark in kind:
                return status
    return 500


def _stated_number(body: Mapping[str, Any]) -> int | None:
    for said in (str(place.get(name)) for place in _places(body) for name in _NUMBERED):
        if said.isdecimal() and 400 <= int(said[:9]) <= 599:
            return int(said)
    return None


def _places(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where an error has its codes, the innermost first; some gateways write one as a text."""
    for name in ("error", "detail", "message"):
        inner = body.get(name)
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            inner = json_of(inner.encode())
        if isinstance(inner, Mapping):
            yield from _places(inner)
    yield body


def _in_place_of_an_answer(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The error of a reply of chat completions in which the model says nothing."""
    choice = first_choice(body.get("choices"))
    if choice is None or _says_something(choice.get("message")):
        return None
    for error in (choice.get("error"), body.get("error")):
        if says_an_error(error):
            return {"error": error}
    if _minimax_code(body):
        return body
    if ended(choice.get("finish_reason"), "")[0] == "empty" and _counts_nothing(body.get("usage")):
        return {"error": {"message": "an empty reply, for which no tokens are counted"}}
    return None


def _says_something(message: object) -> bool:
    if not isinstance(message, Mapping):
        return message is not None
    said = (message.get(name) for name in _SAID)
    return any(each.strip() if isinstance(each, str) else each for each in said)


def _counts_nothing(usage: object) -> bool:
    counted = usage if isinstance(usage, Mapping) else {}
    return all(counted.get(name) == 0 for name in ("prompt_tokens", "completion_tokens"))


def _minimax_code(body: Mapping[str, Any]) -> int:
    """0 where there is none, or it stands for success."""
    base = body.get("base_resp")
    code = base.get("status_code") if isinstance(base, Mapping) else 0
    return code if type(code) is int else 0
