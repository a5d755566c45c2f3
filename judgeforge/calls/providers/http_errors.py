"""The errors of an SDK in judgeforge's words, and what the headers of a reply say about limits."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any

from judgeforge.config.model import ModelConfig
from judgeforge.errors import (
    CallError,
    FlaggedInputError,
    NoReplyError,
    NotConnectedError,
    StatusError,
    UntrustedServerError,
)
from judgeforge.text.redaction import redact
from judgeforge.text.visible import one_line

_LIMIT_HEADER = re.compile(rb"retry-after|.*ratelimit", re.IGNORECASE).match
RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 529})
_MODERATION_FIELDS = frozenset({"reasons", "flagged_input", "patterns"})
_MODERATION_TYPES = frozenset({"content_policy_violation", "refusal"})
"""``error.metadata`` of OpenRouter: a 403 with one of these fields, or with one of these as its
``error_type``, is about what was asked; any other 403 is about the key."""
_QUOTA_MARKS = ("insufficient_quota", "credit balance", "billing_hard_limit", "billing_error")
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


def call_error(
    error: Exception,
    sdk: Any,  # noqa: ANN401 (the module)
    model: ModelConfig,
    base_url: str,
) -> CallError:
    """NotConnectedError, NoReplyError or StatusError for what an SDK raised."""
    if isinstance(error, TimeoutError):
        return NoReplyError(
            f"no whole reply within timeout_s = {model.timeout_s:g} s from {base_url}"
        )
    if isinstance(error, sdk.APIStatusError):
        return _status_error(error, model)
    if isinstance(error, sdk.APIConnectionError):
        return _connection_error(error, model, base_url)
    return NoReplyError(f"the reply of {base_url} broke off: {_harmless(_root(error))}")


def limit_headers(headers: Any) -> dict[str, str]:  # noqa: ANN401 (httpx2.Headers)
    """``retry-after``, ``x-ratelimit-*``, ``anthropic-ratelimit-*`` and the like."""
    return {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in headers.raw
        if _LIMIT_HEADER(name)
    }


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from ``retry-after-ms`` or ``retry-after`` (a number or a date); None if unusable."""
    try:
        milliseconds = headers.get("retry-after-ms")
        if milliseconds is not None:
            return _sane(float(milliseconds) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        if value.strip().lstrip("-").replace(".", "", 1).isdigit():
            return _sane(float(value))
        return _sane(email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _sane(seconds: float) -> float | None:
    return seconds if 0 <= seconds < float("inf") else None


def _harmless(said: object) -> str:
    """What a server or a library said, on one line, without keys and control characters."""
    return one_line(redact(str(said)))


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _connection_error(error: Exception, model: ModelConfig, base_url: str) -> CallError:
    """Tell a request that never left from one that may have been billed.

    The transport maps both to one class, so the cause decides.
    """
    import aiohttp

    root = _root(error)
    said = _harmless(root)
    never_sent = (
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        ConnectionRefusedError,
        aiohttp.InvalidURL,
    )
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, aiohttp.ClientConnectorCertificateError):
            return UntrustedServerError(
                f"{base_url} does not prove that it is that server ({said}). Nothing was sent. "
                "Check `base_url`, or let SSL_CERT_FILE name the certificates to trust."
            )
        if isinstance(chain, never_sent):
            return NotConnectedError(
                f"cannot connect to {base_url} within connect_timeout_s = "
                f"{model.connect_timeout_s:g} s ({said}). Check the address and the network."
            )
        chain = chain.__cause__
    return NoReplyError(
        f"the connection to {base_url} broke ({type(root).__name__}: {_harmless(root)})"
    )


def _status_error(error: Any, model: ModelConfig) -> StatusError:  # noqa: ANN401
    status = int(error.status_code)
    said = _message(error)
    headers = limit_headers(error.response.headers)
    if status == 403 and _is_moderation(error):
        return FlaggedInputError(
            f"HTTP 403 from {model.model}: {said} (moderation flagged this request)",
            status=status,
            headers=headers,
        )
    quota = status == 402 or (
        status in {400, 403, 429} and any(mark in said.lower() for mark in _QUOTA_MARKS)
    )
    unsupported = _unsupported_setting(said) if status in {400, 422} else None
    advice = unsupported or _advice(status, model, quota=quota)
    return StatusError(
        f"HTTP {status} from {model.model}: {said}{advice}",
        status=status,
        retry_after_s=retry_after_s(error.response.headers),
        headers=headers,
        retryable=not quota and (status in RETRYABLE_STATUS or status >= 500),
        stops_run=quota or status in {401, 403} or unsupported is not None,
    )


def _is_moderation(error: Any) -> bool:  # noqa: ANN401
    metadata = _details(error).get("metadata")
    if not isinstance(metadata, Mapping):
        return False
    flagged = any(metadata.get(field) for field in _MODERATION_FIELDS)
    return flagged or str(metadata.get("error_type")) in _MODERATION_TYPES


def _message(error: Any) -> str:  # noqa: ANN401
    details = _details(error)
    if details:
        parts = [details.get(field) for field in ("type", "code", "message")]
        return _harmless(" ".join(str(part) for part in parts if part))[:500]
    return _harmless(error.body if error.body is not None else error)[:300]


def _details(error: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """What the body says in its ``error`` object; one SDK gives the object, the other the body."""
    body = error.body
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _advice(status: int, model: ModelConfig, *, quota: bool) -> str:
    place = model.key_place or "api_key_env (none is set for this model)"
    if quota:
        return f". The account behind {place} has no credit left; add some and start again."
    if status in {401, 403}:
        return f". Check the key in {place} and that it may use `{model.model}`."
    if status == 404:
        return f". Check `model: {model.model}` and `base_url`."
    if 300 <= status < 400:
        return ". Redirects are not followed: set `base_url` to the final address."
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
