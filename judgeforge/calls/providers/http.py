"""The way to a server through an SDK's own door: a raw body there, the provider's own bytes back.

The SDK authenticates and builds the first request of each kind, of which later ones are copies
(repeated_requests.py); it does not retry, and adds nothing of its own environment. Redirects are
not followed: a key must not travel to another host. A connection is reused only while nothing
unasked-for waits on it, and one to this machine uses no proxy.
Whatever goes wrong on the way is told apart by whether anything was sent (connection_errors.py).
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from judgeforge.calls.providers.base import Body, RawReply
from judgeforge.calls.providers.connection_errors import call_error
from judgeforge.calls.providers.http_errors import error_with_success, limit_headers
from judgeforge.calls.providers.late_certificates import load_aiohttp
from judgeforge.calls.providers.parsing import as_utf8
from judgeforge.calls.providers.postponed import clients_of, postpone
from judgeforge.calls.providers.repeated_requests import RepeatedRequests
from judgeforge.calls.providers.streams import whole_reply
from judgeforge.config.addresses import is_plain, is_this_machine
from judgeforge.config.keys import read_headers
from judgeforge.config.model import ModelConfig
from judgeforge.errors import CallError, JudgeforgeError
from judgeforge.store.atomic_files import descriptor_of, write_error
from judgeforge.text.redaction import redact

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

_MOST_CONNECTIONS = 4096
_LONGEST_HEADER, _MOST_HEADERS = 65_536, 1000
"""Gateways send policies of 10 KB with each reply, which is paid for by then."""
_UNUSED_TRANSPORT = "httpcore2"
"""What httpx2 sends through by itself; here aiohttp does. Its certificates are read through it."""
_UNUSED = "lib", "types", "types.responses", "types.shared"
"""Hundreds of pydantic classes for replies that are read as they came; most of the SDK's import."""


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
    client_options: Mapping[str, Any] = MappingProxyType({})
    """What the SDK's client is told beside address and key."""

    def __init__(self, base_url: str | None, key: str | None) -> None:
        self.base_url = base_url or self.own_address
        self._key = key
        self._address = self.base_url.rstrip("/")
        self._proxy: str | None = None
        self._client: Any = None
        self._requests: RepeatedRequests

    def load_sdk(self) -> tuple[Any, Any]:
        """Import the SDK's asynchronous client; returns its class and that of its HTTP client."""
        return clients_of("openai", "AsyncOpenAI", *_UNUSED)

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
            failure: CallError = self._failure(error, model, attempt)
        else:
            headers = response.headers
            raw = whole_reply(as_utf8(bytes(response.content), headers.get("content-type", "")))
            hidden = error_with_success(raw, headers, self._address + self.endpoint, model)
            if hidden is None:
                return RawReply(raw, limit_headers(headers))
            failure = hidden
        raise failure

    async def through_sdk(
        self,
        work: Callable[[Any, dict[str, Any]], Awaitable[T]],
        model: ModelConfig,
        *,
        timeout_s: float = 0.0,
    ) -> T:
        """What ``work`` does with the SDK's client and the keywords that each of its methods takes.

        No request is repeated. Raises as ``send`` does.
        """
        import httpx2

        attempt, limit_s = _Attempt(), max(model.timeout_s, timeout_s)
        _ATTEMPT.set(attempt)
        try:
            if self._client is None:
                self._open()
            options = {
                "timeout": httpx2.Timeout(limit_s, connect=model.connect_timeout_s),
                "extra_headers": read_headers(model),
                "extra_query": model.query,
            }
            async with asyncio.timeout(limit_s):
                return await work(self._client, options)
        except JudgeforgeError:
            raise
        except Exception as error:  # noqa: BLE001 (as in ``send``)
            failure = self._failure(error, model, attempt)
        raise failure

    def _failure(self, error: Exception, model: ModelConfig, attempt: _Attempt) -> CallError:
        return call_error(
            error,
            model,
            self._address,
            opened=self._client is not None,
            sent=attempt.sent,
            proxy=self._proxy,
        )

    async def _post(self, body: Body, model: ModelConfig) -> Any:  # noqa: ANN401
        return await self._requests.post(
            # A whole address spares the SDK from putting it together anew for each call.
            self._address + self.endpoint,
            body,
            timeouts_s=(model.timeout_s, model.connect_timeout_s),
            headers=read_headers(model),
            query=model.query,
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _open(self) -> None:
        postpone(_UNUSED_TRANSPORT)
        load_aiohttp()
        import httpx2

        client, make_http_client = self.load_sdk()
        sdk = client.__module__.partition(".")[0]
        logging.getLogger(f"{sdk}._base_client").addFilter(_without_secrets)
        http_client = make_http_client(
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=None),
            # Without TLS on the way, reading certificates would only take time.
            verify=not is_plain(self.base_url) and httpx2.create_ssl_context(),
            trust_env=not is_this_machine(self.base_url),
        )
        _reuse_only_silent_connections(http_client)
        _keep_cookies_that_can_be_sent(http_client)
        # As the client chose it from the environment.
        proxy = http_client._transport_for_url(httpx2.URL(self.base_url)).proxy
        if proxy is not None:
            self._proxy = f"{proxy.url.scheme}://{proxy.url.netloc.decode()}"
        self._client = client(
            api_key=self._key or "none",
            base_url=self.base_url,
            max_retries=0,
            http_client=http_client,
            **self.client_options,
        )
        # What an SDK reads from its own environment is not meant for whichever server this is.
        self._client._custom_headers = {}
        for ids in ("organization", "project") if self.base_url != self.own_address else ():
            setattr(self._client, ids, None)
        self._requests = RepeatedRequests(self._client, http_client)


def _keep_cookies_that_can_be_sent(http_client: Any) -> None:  # noqa: ANN401
    """Headers are sent in ASCII: with a cookie of other letters no later request could be made."""
    from http.cookiejar import DefaultCookiePolicy

    class SentInAscii(DefaultCookiePolicy):
        def set_ok(self, cookie: Any, request: Any) -> bool:  # noqa: ANN401
            said = f"{cookie.name}{cookie.value}{cookie.path}"
            return said.isascii() and super().set_ok(cookie, request)

    http_client.cookies.jar.set_policy(SentInAscii())


def _without_secrets(record: logging.LogRecord) -> bool:
    """SDKs log their requests where a variable of theirs asks for it (``OPENAI_LOG``), and know no
    secrets but keys."""
    record.msg, record.args = redact(record.getMessage()), None
    return True


async def write_stream(response: Any, into: Path, *, first: bool) -> None:  # noqa: ANN401 (the SDK's)
    """A body that is left to be read, bit by bit into a file, after what is there unless it is the
    ``first``; a last line gets its end. Raises StoreError where the file cannot be written."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if first else os.O_APPEND)
    with os.fdopen(descriptor_of(into, flags), "wb") as file:
        last = b"\n"
        async for some in response.iter_bytes():
            last = some[-1:] or last
            try:
                file.write(some)
            except OSError as error:
                raise write_error(into, error) from error
        if last != b"\n":
            file.write(b"\n")


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

            async def connect(self, *asked: Any, **more: Any) -> Any:  # noqa: ANN401
                connection = await super().connect(*asked, **more)
                _ATTEMPT.get().sent = True  # nothing else is awaited before its headers
                return connection

        connector = SilentConnector(limit=_MOST_CONNECTIONS, ssl=ssl_context)
        # The SDK's client keeps the cookies.
        jar = aiohttp.DummyCookieJar()
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=jar,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            max_headers=_MOST_HEADERS,
        )

    return make


def _has_spoken(protocol: Any) -> bool:  # noqa: ANN401
    """Whether something arrived after the last reply, read or still with the kernel."""
    if protocol.should_close or protocol.transport is None:
        return True
    waiting = select.poll()
    waiting.register(protocol.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))
