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
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from judgeforge.calls.providers.context_refusals import context_refusal, rate_refusal
from judgeforge.calls.providers.hidden_errors import error_within, stated_status
from judgeforge.calls.providers.moderation import is_about_content
from judgeforge.calls.providers.parsing import as_utf8
from judgeforge.calls.providers.refusal_words import codes_in, json_of, said_in
from judgeforge.config.model import ModelConfig
from judgeforge.errors import PAGE_STATUS, FlaggedInputError, OverlongRequestError, StatusError
from judgeforge.text.redaction import redact
from judgeforge.text.visible import excerpt

_LIMIT_HEADER = re.compile(rb"retry-after|.*ratelimit", re.IGNORECASE).match
_LONGEST_HEADER = 200
"""Bytes of a header about limits; a longer value says nothing, and could take long to read."""
_LONGEST_WAIT_S = 31 * 86_400.0
RETRYABLE_STATUS = frozenset({PAGE_STATUS, 408, 409, 425, 429, 498, 499, 529})
"""498: Groq has no capacity left; 499: a server or a proxy gave the request up."""
_QUOTA_MARKS = (
    "insufficient_quota", "credit balance", "billing_hard_limit", "billing_error",
    "specified api usage limits",
)  # fmt: skip
_KEY_CODES = frozenset({"api_key_invalid", "invalid_api_key", "invalid_api_key_error"})
"""Of a key that is wrong or has expired, which some servers (Google) refuse with status 400."""
_BALANCE_CODES = frozenset({
    "insufficient_quota", "insufficient_balance", "insufficient_credits", "insufficient_funds",
    "billing_error", "billing_not_active", "billing_hard_limit_reached", "billing_disabled",
    "budget_exceeded", "credit_exhausted", "exceeded_current_quota_error", "arrearage",
    "accountoverdueerror", "1113",
})  # fmt: skip
"""What a refusal for want of credit has as its code, type or reason; the last four are those of
Moonshot, DashScope, Volcengine and Zhipu."""
_QUOTA_CODES = _BALANCE_CODES | {
    "quota_exceeded", "quotaexceeded", "daily_limit_exceeded", "dailylimitexceeded",
}  # fmt: skip
"""The same where it is forbidden (403), and not only too soon."""
_GENERATION_CODES = frozenset({"json_validate_failed", "tool_use_failed"})
"""Of a reply that Groq has made and could not read as what was asked for."""
_OF_QUOTA = frozenset({400, 403, 412, 429})
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


def status_error(response: Any, model: ModelConfig) -> StatusError:  # noqa: ANN401 (httpx2.Response)
    """``response``: one with a status that is not success."""
    asked = response.request.url.copy_with(query=None)
    headers = response.headers
    raw = as_utf8(response.content, headers.get("content-type", ""))
    return _refusal(int(response.status_code), raw, headers, str(asked), model)


def error_with_success(
    raw: bytes,
    headers: Any,  # noqa: ANN401 (httpx2.Headers)
    asked: str,
    model: ModelConfig,
) -> StatusError | None:
    """The error that a reply of status 200 is, if it is one. ``asked``: the address."""
    if raw.lstrip()[:1] == b"<":
        return _refusal(PAGE_STATUS, raw, headers, asked, model)
    body = error_within(raw)
    if body is None:
        return None
    return _refusal(stated_status(body), raw, headers, asked, model, hidden=body)


def line_error(
    body: Mapping[str, Any], status: int | None, asked: str, model: ModelConfig
) -> StatusError:
    """The refusal of one request in a batch, which has no headers. ``status``: where it says one;
    else its own words tell."""
    raw = json.dumps(body).encode()
    return _refusal(status or stated_status(body), raw, _NoHeaders, asked, model)


def error_in_answered_line(
    body: Mapping[str, Any], asked: str, model: ModelConfig
) -> StatusError | None:
    """The error that a result of a batch is which is said to be an answer, if it is one."""
    return error_with_success(json.dumps(body).encode(), _NoHeaders, asked, model)


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
    hidden: Mapping[str, Any] | None = None,
) -> StatusError:
    """``hidden``: the error in a reply of status 200."""
    body = json_of(raw) if hidden is None else hidden
    said = said_in(raw, body) + ("" if hidden is None else " (sent with status 200)")
    kept = limit_headers(headers)
    if is_about_content(status, body, said):
        return FlaggedInputError(
            f"HTTP {status} from {model.model}: {said} (moderation flagged this request)",
            status=status,
            headers=kept,
        )
    marked = any(mark in said.lower() for mark in _QUOTA_MARKS)
    coded = not (_QUOTA_CODES if status == 403 else _BALANCE_CODES).isdisjoint(codes_in(body))
    said_of_quota = (coded or marked) and (status in _OF_QUOTA or hidden is not None)
    quota = status == 402 or said_of_quota
    context = None if quota else context_refusal(status, body, said) or rate_refusal(status, said)
    if context is not None:
        return OverlongRequestError(
            f"HTTP {status} from {model.model}: {said}{context}", status=status, headers=kept
        )
    if status == 400 and not _GENERATION_CODES.isdisjoint(codes_in(body)):
        said, status = f"(sent with status 400) {said}", 500  # its own failure, which may pass
    if status == 400 and not _KEY_CODES.isdisjoint(codes_in(body)):
        said, status = f"(sent with status 400) {said}", 401
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
        retryable=not quota and (status in RETRYABLE_STATUS or _may_pass(status)),
        stops_run=(not maybe and (quota or status in {401, 403})) or unsupported is not None,
        of_account=quota or maybe,
    )


def _may_pass(status: int) -> bool:
    return status >= 500 and status not in {501, 505}


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
        return f". Check `model: {model.model}` and `base_url`: {asked} was asked.{_below(asked)}"
    if status == PAGE_STATUS:
        page = f". This is a web page and no reply: check `base_url`, {asked} was asked."
        return f"{page}{_below(asked)}"
    if 300 <= status < 400:
        to = f" (it names {moved_to})" if moved_to else ""
        return f". Redirects are not followed: set `base_url` to the final address{to}."
    return ""


def _below(asked: str) -> str:
    """Advice where a server of OpenAI's API was asked at its root."""
    at_root = asked.partition("://")[2].partition("?")[0].count("/") == 2
    is_of_chat = at_root and "/chat/completions" in asked
    return " Most servers take it below /v1: end `base_url` with that." if is_of_chat else ""


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
