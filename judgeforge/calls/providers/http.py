"""The way to a server through an SDK's own door: a raw body there, the provider's own bytes back.

The SDK keeps its authentication, timeouts and error classes; it does not retry, and adds nothing of
its own environment. Redirects are not followed: a key must not travel to another host. A connection
is reused only while nothing unasked-for waits on it, and one to this machine uses no proxy.
Whatever goes wrong on the way is told apart by whether anything was sent.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgeforge.calls.providers.base import Body, RawReply
from judgeforge.calls.providers.http_errors import (
    error_with_success,
    harmless,
    limit_headers,
    status_error,
)
from judgeforge.config.keys import read_headers
from judgeforge.config.model import ModelConfig, is_this_machine
from judgeforge.errors import CallError, NoReplyError, NotConnectedError, UntrustedServerError

if TYPE_CHECKING:
    import aiohttp

_MOST_CONNECTIONS = 4096
_TLS_ALERT = r"b'\x15\x03"
"""How the HTTP client quotes the first bytes with which a TLS server refuses plain HTTP."""


@dataclass(slots=True)
class _Attempt:
    sent: bool = False
    """Whether any of the request may have left: the connection stood, and its headers were due."""


_ATTEMPT: ContextVar[_Attempt] = ContextVar("attempt")


class HttpProvider:
    """A server, its SDK and one client, which is opened when the first request is sent.

    It speaks one of OpenAI's APIs, unless a provider names another SDK and another address.
    """

    endpoint: str
    own_address = "https://api.openai.com/v1"

    def __init__(self, base_url: str | None, key: str | None) -> None:
        self.base_url = base_url or self.own_address
        self._key = key
        self._address = self.base_url.rstrip("/")
        self._proxy: str | None = None
        self._client: Any = None

    def load_sdk(self) -> tuple[Any, Any]:
        """Import the SDK; returns it with the class of its asynchronous client."""
        import openai

        return openai, openai.AsyncOpenAI

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        """One attempt. Raises NotConnectedError, NoReplyError or StatusError.

        The error does not carry that of the SDK along: that one holds the request, and the request
        the key.
        """
        attempt = _Attempt()
        _ATTEMPT.set(attempt)
        try:
            if self._client is None:
                self._open()
            async with asyncio.timeout(model.timeout_s):
                response = await self._post(body, model)
        except Exception as error:  # noqa: BLE001 (SDK, HTTP, TLS and proxies raise all kinds)
            failure: CallError = _call_error(
                error,
                model,
                self._address,
                opened=self._client is not None,
                sent=attempt.sent,
                proxy=self._proxy,
            )
        else:
            raw, headers = bytes(response.content), response.headers
            hidden = error_with_success(raw, headers, self._address + self.endpoint, model)
            if hidden is None:
                return RawReply(raw, limit_headers(headers))
            failure = hidden
        raise failure

    async def _post(self, body: Body, model: ModelConfig) -> Any:  # noqa: ANN401
        import httpx2

        timeout = httpx2.Timeout(model.timeout_s, connect=model.connect_timeout_s)
        return await self._client.post(
            # A whole address spares the SDK from putting it together anew for each call.
            self._address + self.endpoint,
            cast_to=httpx2.Response,
            body=body,
            options={
                "timeout": timeout,
                "max_retries": 0,
                "follow_redirects": False,
                "headers": read_headers(model),
                "params": model.query,
            },
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _open(self) -> None:
        import httpx2

        sdk, client = self.load_sdk()
        http_client = sdk.DefaultAioHttpClient(
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=None),
            verify=httpx2.create_ssl_context(),
            trust_env=not is_this_machine(self.base_url),
        )
        _reuse_only_silent_connections(http_client)
        # As the client chose it from the environment.
        proxy = http_client._transport_for_url(httpx2.URL(self.base_url)).proxy
        if proxy is not None:
            self._proxy = f"{proxy.url.scheme}://{proxy.url.netloc.decode()}"
        self._client = client(
            api_key=self._key or "none",
            base_url=self.base_url,
            max_retries=0,
            http_client=http_client,
        )
        # What an SDK reads from its own environment is not meant for whichever server this is.
        self._client._custom_headers = {}
        for ids in ("organization", "project") if self.base_url != self.own_address else ():
            setattr(self._client, ids, None)


def _reuse_only_silent_connections(http_client: Any) -> None:  # noqa: ANN401
    """``http_client`` is an SDK's aiohttp client that has not sent anything yet.

    HTTP/1.1 tells a reply from the next one by its place alone. A server or proxy that sends a
    reply twice would have its copy read as the reply to whatever is asked next on that connection;
    aiohttp notices only what had arrived before the connection was given back.
    """
    transports = [http_client._transport, *http_client._mounts.values()]
    for transport in transports:
        if transport is not None and getattr(transport, "client", ...) is None:
            transport.client = _session_maker(transport.ssl_context)


def _session_maker(ssl_context: Any) -> Callable[[], aiohttp.ClientSession]:  # noqa: ANN401
    def make() -> aiohttp.ClientSession:
        import aiohttp

        class SilentConnector(aiohttp.TCPConnector):
            async def _get(self, key: Any, traces: Any) -> Any:  # noqa: ANN401
                idle = self._conns.get(key)
                while idle and _has_spoken(idle[0][0]):
                    idle.popleft()[0].close()
                return await super()._get(key, traces)

        async def note_sent(*_: object) -> None:
            _ATTEMPT.get().sent = True

        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(note_sent)
        connector = SilentConnector(limit=_MOST_CONNECTIONS, ssl=ssl_context)
        return aiohttp.ClientSession(connector=connector, trace_configs=[trace])

    return make


def _has_spoken(protocol: Any) -> bool:  # noqa: ANN401
    """Whether something arrived after the last reply, read or still with the kernel."""
    if protocol.should_close or protocol.transport is None:
        return True
    waiting = select.poll()
    waiting.register(protocol.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _call_error(
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
    if not sent:
        return _not_connected(error, model, address, opened=opened, proxy=proxy)
    if isinstance(error, TimeoutError):
        return NoReplyError(
            f"no whole reply within timeout_s = {model.timeout_s:g} s from {address}"
        )
    root = _root(error)
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


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
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
