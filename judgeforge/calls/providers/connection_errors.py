"""What went wrong on the way to a server, told apart by whether anything was sent."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judgeforge.calls.providers.http_errors import status_error
from judgeforge.calls.providers.refusal_words import harmless
from judgeforge.config.model import ModelConfig
from judgeforge.errors import CallError, NoReplyError, NotConnectedError, UntrustedServerError

_TLS_ALERT = r"b'\x15\x03"
"""How the HTTP client quotes the first bytes with which a TLS server refuses plain HTTP."""
_MISTAKES = (
    AttributeError, TypeError, NameError, AssertionError, ImportError, RecursionError,
    NotImplementedError,
)  # fmt: skip
"""What no server and no network causes, but a mistake in code."""


def call_error(
    error: Exception,
    model: ModelConfig,
    address: str,
    *,
    opened: bool,
    sent: bool,
    proxy: str | None,
) -> CallError:
    """NotConnectedError, NoReplyError or StatusError for whatever was raised on the way.

    ``opened``: whether the client could be made at all. ``sent``: whether the request may have
    left, so that it may be billed. ``proxy``: the one on the way, if any.
    """
    response = _response_of(error)
    if response is not None:
        return status_error(response, model)
    if isinstance(root := _root(error), _MISTAKES):
        return _mistake(root, address, sent=sent)
    if not sent:
        return _not_connected(error, model, address, opened=opened, proxy=proxy)
    if isinstance(error, TimeoutError):
        return NoReplyError(
            f"no whole reply within timeout_s = {model.timeout_s:g} s from {address}"
        )
    if _TLS_ALERT in str(root):
        return NotConnectedError(
            f"{address} answers in TLS, so it took nothing of what was sent without: write "
            "`base_url` with https://",
            stops_run=True,
        )
    return NoReplyError(
        f"the connection to {address}{_through(proxy)} broke "
        f"({type(root).__name__}: {harmless(root)})"
    )


def _mistake(error: BaseException, address: str, *, sent: bool) -> CallError:
    """Ours or a library's: it must not send anybody to look at their network."""
    at, place = error.__traceback__, ""
    while at is not None:
        place = f", {Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}"
        at = at.tb_next
    what = f"({type(error).__name__}: {harmless(error)}{place})"
    whose = "a mistake in judgeforge or in a library that it uses; please report it"
    if sent:
        return NoReplyError(f"the reply of {address} could not be taken {what}: {whose}")
    return NotConnectedError(
        f"no request to {address} could be made {what}: {whose}. Nothing was sent.", stops_run=True
    )


def _root(error: BaseException) -> BaseException:
    """What it was raised from in the end; asyncio raises its TimeoutError from a cancellation."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from or while handling."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        yield at
        at = at.__cause__ or at.__context__


def _response_of(error: BaseException) -> Any:  # noqa: ANN401 (httpx2.Response)
    """The server's response where its status was the error, even one that the SDK cannot decode."""
    found = (getattr(each, "response", None) for each in _chain(error))
    return next((each for each in found if getattr(each, "status_code", 200) // 100 != 2), None)


def _through(proxy: str | None) -> str:
    return "" if proxy is None else f" through the proxy {proxy} of the environment"


def _not_connected(
    error: Exception, model: ModelConfig, address: str, *, opened: bool, proxy: str | None
) -> NotConnectedError:
    """Nothing was sent. What no later attempt can change stops the run."""
    import aiohttp

    root = _root(error)
    said = harmless(root)
    if any(isinstance(each, aiohttp.ClientConnectorCertificateError) for each in _chain(error)):
        return UntrustedServerError(
            f"{address} does not prove that it is that server ({said}). Nothing was sent. "
            "Check `base_url`, or let SSL_CERT_FILE name the certificates to trust."
        )
    if isinstance(root, ssl.SSLError) and root.reason == "WRONG_VERSION_NUMBER":
        return NotConnectedError(
            f"{proxy or address} does not speak TLS ({said}). Nothing was sent. Check "
            f"{'the address of the proxy' if proxy else '`base_url`: http:// or https://, port'}.",
            stops_run=True,
        )
    if isinstance(root, aiohttp.ClientHttpProxyError):
        return NotConnectedError(
            f"the proxy {proxy} of the environment refused the way to {address} "
            f"(HTTP {root.status} {harmless(root.message)}). Nothing was sent. Check HTTPS_PROXY "
            "or ALL_PROXY, or name hosts that need no proxy in NO_PROXY."
        )
    if opened and isinstance(error, TimeoutError):
        return NotConnectedError(
            f"no request to {address}{_through(proxy)} could be sent within timeout_s = "
            f"{model.timeout_s:g} s. Nothing was sent."
        )
    if opened and isinstance(root, OSError | aiohttp.ClientError):
        return NotConnectedError(
            f"cannot connect to {address}{_through(proxy)} within connect_timeout_s = "
            f"{model.connect_timeout_s:g} s ({said}). Check "
            f"{'HTTPS_PROXY, ALL_PROXY and NO_PROXY' if proxy else 'the address and the network'}."
        )
    return NotConnectedError(
        f"no request to {address} can be made ({type(root).__name__}: {said}). Nothing was sent. "
        "Check the key, `base_url` and the settings for proxies and certificates in the "
        "environment with `judgeforge doctor CONFIG`.",
        stops_run=True,
    )
