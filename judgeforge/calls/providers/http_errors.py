"""What a server says when it refuses: its own words, whatever their place, and what follows.

An error may also come with status 200; it is then that error all the same, and unbilled. Headers
tell when to ask again and what the limits are.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from judgeforge.calls.providers.context_refusals import context_refusal
from judgeforge.calls.providers.moderation import is_about_content
from judgeforge.config.model import ModelConfig
from judgeforge.errors import FlaggedInputError, OverlongRequestError, StatusError
from judgeforge.text.redaction import redact
from judgeforge.text.visible import excerpt, one_line

_LIMIT_HEADER = re.compile(rb"retry-after|.*ratelimit", re.IGNORECASE).match
_LONGEST_HEADER = 200
"""Bytes of a header about limits; a longer value says nothing, and could take long to read."""
_LONGEST_WAIT_S = 31 * 86_400.0
RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 529})
_QUOTA_MARKS = ("insufficient_quota", "credit balance", "billing_hard_limit", "billing_error")
_QUOTA_CODES = frozenset({
    "insufficient_quota", "insufficient_balance", "insufficient_credits", "insufficient_funds",
    "quota_exceeded", "quotaexceeded", "daily_limit_exceeded", "dailylimitexceeded",
    "billing_error", "billing_not_active", "billing_hard_limit_reached", "billing_disabled",
    "credit_exhausted",
})  # fmt: skip
"""What a refusal for want of credit has as its code, type or reason."""
_CODES = ("code", "type", "status", "reason", "error_type")
_SETTINGS = {
    "max_tokens": "set `max_tokens_field: max_completion_tokens` for this model",
    "max_completion_tokens": "set `max_tokens_field: max_tokens` for this model",
    "temperature": "set `send_temperature: false` for this model",
    "response_format": "set `structured: tool` or `structured: instruction` for this model",
    "json_schema": "set `structured: tool` or `structured: instruction` for this model",
    "output_config": "set `structured: tool` or `structured: instruction` for this model",
    "tool_choice": "set `structured: instruction` for this model",
    "seed": "leave `sampling.seed` out",
    "logprobs": "take `logprobs: true` out of the judges that use this model",
}
_REFUSALS = ("unsupported", "not supported", "not permitted", "unrecognized", "unknown parameter")
_MOST_READ, _MOST_SAID = 4000, 500
"""Characters of a refusal that are looked at, and that are shown."""
_DEEPEST, _MOST_LISTED = 6, 5
_WORDS = (
    "type", "code", "status_code", "loc", "title", "message", "msg", "status_msg", "detail",
    "details", "error", "errors", "error_msg", "error_description", "reason", "base_resp",
    "metadata", "raw",
)  # fmt: skip
"""Fields that servers put what they say in, in the order in which it is shown."""
_RESULTS = ("choices", "content", "answers")
"""Fields of which a reply of any API has one."""
_STATUS_OF = {
    "rate_limit": 429, "ratelimit": 429, "too_many_requests": 429, "quota": 402, "credit": 402,
    "billing": 402, "authentication": 401, "invalid_api_key": 401, "unauthorized": 401,
    "permission": 403, "forbidden": 403, "not_found": 404, "overloaded": 529,
    "context_length": 400, "invalid_request": 400, "bad_request": 400,
}  # fmt: skip
"""The status that an error of such a type or code has where it is sent with one."""


def harmless(said: object) -> str:
    """What a server or a library said, on one line, without keys and control characters."""
    return one_line(redact(str(said)))


def status_error(response: Any, model: ModelConfig) -> StatusError:  # noqa: ANN401 (httpx2.Response)
    """``response``: one with a status that is not success."""
    asked = response.request.url.copy_with(query=None)
    return _refusal(
        int(response.status_code), response.content, response.headers, str(asked), model
    )


def error_with_success(
    raw: bytes,
    headers: Any,  # noqa: ANN401 (httpx2.Headers)
    asked: str,
    model: ModelConfig,
) -> StatusError | None:
    """The error that a reply of status 200 is, if it is one. ``asked``: the address."""
    if any(b'"%b"' % name.encode() in raw for name in _RESULTS) and b'"error"' not in raw:
        return None
    body = _json(raw)
    if isinstance(body, list) and len(body) == 1:  # as Google's APIs put their errors
        body = body[0]
    if not isinstance(body, Mapping) or any(body.get(name) for name in _RESULTS):
        return None
    if not any(True for _ in _words(body)):
        return None
    return _refusal(_status_in(body), raw, headers, asked, model, with_success=True)


def line_error(
    body: Mapping[str, Any], status: int | None, asked: str, model: ModelConfig
) -> StatusError:
    """The refusal of one request in a batch, which has no headers. ``status``: where it says one;
    else its own words tell."""
    raw = json.dumps(body).encode()
    return _refusal(status or _status_in(body), raw, _NoHeaders, asked, model)


class _NoHeaders:
    raw: tuple[tuple[bytes, bytes], ...] = ()


def limit_headers(headers: Any) -> dict[str, str]:  # noqa: ANN401 (httpx2.Headers)
    """``retry-after``, ``x-ratelimit-*``, ``anthropic-ratelimit-*`` and the like."""
    return {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in headers.raw
        if _LIMIT_HEADER(name) and len(value) <= _LONGEST_HEADER
    }


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from ``retry-after-ms`` or ``retry-after`` (a number or a date); None if unusable."""
    given = (
        (headers.get("retry-after-ms"), _milliseconds),
        (headers.get("retry-after"), float),
        (headers.get("retry-after"), _until),
    )
    for value, seconds_of in given:
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            if value and value.isascii() and 0 <= (seconds := seconds_of(value)) <= _LONGEST_WAIT_S:
                return seconds
    return None


def _milliseconds(value: str) -> float:
    return float(value) / 1000


def _until(date: str) -> float:
    """A date without a zone is one of Greenwich, as all dates of HTTP are."""
    when = email.utils.parsedate_to_datetime(date)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - time.time()


def _refusal(
    status: int,
    raw: bytes,
    headers: Any,  # noqa: ANN401 (httpx2.Headers)
    asked: str,
    model: ModelConfig,
    *,
    with_success: bool = False,
) -> StatusError:
    body = _json(raw)
    said = _said(raw, body) + (" (sent with status 200)" if with_success else "")
    kept = limit_headers(headers)
    if is_about_content(status, body, said):
        return FlaggedInputError(
            f"HTTP {status} from {model.model}: {said} (moderation flagged this request)",
            status=status,
            headers=kept,
        )
    marked = any(mark in said.lower() for mark in _QUOTA_MARKS)
    coded = status == 403 and not _QUOTA_CODES.isdisjoint(_codes(body))
    quota = status == 402 or coded or (marked and status in {400, 403, 429})
    context = None if quota else context_refusal(status, body, said)
    if context is not None:
        return OverlongRequestError(
            f"HTTP {status} from {model.model}: {said}{context}", status=status, headers=kept
        )
    # A filter or a firewall may say such words, or a time, of one request.
    maybe = status == 403 and not coded and (marked or retry_after_s(kept) is not None)
    unsupported = _unsupported_setting(said) if status in {400, 422} else None
    advice = unsupported or _advice(status, model, asked, _moved_to(headers), quota=quota)
    return StatusError(
        f"HTTP {status} from {model.model}: {said}",
        status=status,
        advice=advice,
        retry_after_s=retry_after_s(kept),
        headers=kept,
        retryable=not quota and (status in RETRYABLE_STATUS or status >= 500),
        stops_run=(not maybe and (quota or status in {401, 403})) or unsupported is not None,
        of_account=quota or maybe,
    )


def _json(raw: bytes) -> Any:  # noqa: ANN401
    """None where it is not JSON."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _said(raw: bytes, body: object) -> str:
    words = list(dict.fromkeys(_words(body)))
    if not words:
        # Of a page only the text: a proxy or a gateway sends those.
        text = raw[:_MOST_READ].decode("utf-8", "replace")
        words = [re.sub(r"<[^<>]*>", " ", text) if text.lstrip().startswith("<") else text]
    return harmless(" ".join(words))[:_MOST_SAID] or "(without a word)"


def _words(value: object, depth: int = 0) -> Iterator[str]:
    """What a refusal says in words, in the order of ``_WORDS`` and wherever it is."""
    if isinstance(value, str | int | float) and not isinstance(value, bool) and depth:
        if value and (text := str(value)[:_MOST_READ].strip()):
            yield text
    elif isinstance(value, list | tuple) and depth < _DEEPEST:
        for each in value[:_MOST_LISTED]:
            yield from _words(each, depth + 1)
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for name in _WORDS:
            yield from _words(value.get(name), depth + 1)


def _status_in(body: Mapping[str, Any]) -> int:
    """The status that an error says it has, by number or by kind; 500 where it says neither."""
    error = body.get("error")
    places = [each for each in (error, body.get("base_resp"), body) if isinstance(each, Mapping)]
    names = [place.get(name) for place in places for name in ("status", "status_code", "code")]
    for name in names:
        if str(name).isdecimal() and 400 <= int(str(name)[:9]) <= 599:
            return int(str(name))
    kinds = [place.get("type") for place in places] + names
    for kind in ("_".join(str(each).lower().split()) for each in kinds):
        for mark, status in _STATUS_OF.items():
            if mark in kind:
                return status
    return 500


def _codes(value: object, depth: int = 0) -> Iterator[str]:
    """Codes and kinds of an error, in lower case: no text of a prompt is among them."""
    if isinstance(value, list) and depth < _DEEPEST:
        for each in value[:_MOST_LISTED]:
            yield from _codes(each, depth + 1)
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for name, each in value.items():
            if name in _CODES and isinstance(each, str):
                yield each.lower()
            yield from _codes(each, depth + 1)


def _moved_to(headers: Any) -> str:  # noqa: ANN401 (httpx2.Headers)
    """The address that a redirect names, without its query, which may hold a key."""
    said = next((value for name, value in headers.raw if name.lower() == b"location"), b"")
    return redact(excerpt(said.decode("latin-1").partition("?")[0], _LONGEST_HEADER))


def _advice(status: int, model: ModelConfig, asked: str, moved_to: str, *, quota: bool) -> str:
    place = model.key_place or "api_key_env (none is set for this model)"
    if quota:
        return f". The account behind {place} has no credit left; add some and start again."
    if status in {401, 403}:
        return f". Check the key in {place} and that it may use `{model.model}`."
    if status in {404, 405}:
        return f". Check `model: {model.model}` and `base_url`: {asked} was asked."
    if 300 <= status < 400:
        to = f" (it names {moved_to})" if moved_to else ""
        return f". Redirects are not followed: set `base_url` to the final address{to}."
    return ""


def _unsupported_setting(said: str) -> str | None:
    """The setting to change, where the provider names a parameter that it does not take."""
    lower = said.lower()
    if not any(mark in lower for mark in (*_REFUSALS, "deprecated for this model")):
        return None
    for parameter, advice in _SETTINGS.items():
        first = lower.find(parameter)
        if first >= 0 and all(
            other == parameter or not 0 <= lower.find(other) < first for other in _SETTINGS
        ):
            return f". To change it: {advice}."
    return None
