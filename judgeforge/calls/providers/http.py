"""The way to a server through an SDK's own door: a raw body there, the provider's own bytes back.

The SDK keeps its authentication, headers, timeouts and error classes; it does not retry. Redirects
are not followed: a key must not travel to another host. A connection is reused only while nothing
unasked-for waits on it.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from judgeforge.calls.providers.base import Body, RawReply
from judgeforge.calls.providers.http_errors import call_error, limit_headers
from judgeforge.config.model import ModelConfig

if TYPE_CHECKING:
    import aiohttp

_MOST_CONNECTIONS = 4096


class HttpProvider:
    """A server, its SDK and one client, which is opened when the first request is sent.

    It speaks one of OpenAI's APIs, unless a provider names another SDK and another address.
    """

    endpoint: str
    own_address = "https://api.openai.com/v1"

    def __init__(self, base_url: str | None, key: str | None) -> None:
        self.base_url = base_url or self.own_address
        self._key = key
        self._sdk: Any = None
        self._client: Any = None
        self._address = ""

    def load_sdk(self) -> tuple[Any, Any]:
        """Import the SDK; returns it with the class of its asynchronous client."""
        import openai

        return openai, openai.AsyncOpenAI

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        """One attempt. Raises NotConnectedError, NoReplyError or StatusError.

        The error does not carry that of the SDK along: that one holds the request, and the request
        the key.
        """
        import httpx2

        if self._client is None:
            self._open()
        timeout = httpx2.Timeout(model.timeout_s, connect=model.connect_timeout_s)
        try:
            async with asyncio.timeout(model.timeout_s):
                response = await self._client.post(
                    # A whole address spares the SDK from putting it together anew for each call.
                    self._address + self.endpoint,
                    cast_to=httpx2.Response,
                    body=body,
                    options={"timeout": timeout, "max_retries": 0, "follow_redirects": False},
                )
        except (TimeoutError, self._sdk.APIError, OSError, ValueError, httpx2.HTTPError) as error:
            failure = call_error(error, self._sdk, model, str(self._client.base_url))
        else:
            return RawReply(bytes(response.content), limit_headers(response.headers))
        raise failure

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _open(self) -> None:
        import httpx2

        self._sdk, client = self.load_sdk()
        limits = httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=None)
        http_client = self._sdk.DefaultAioHttpClient(follow_redirects=False, limits=limits)
        _reuse_only_silent_connections(http_client)
        self._client = client(
            api_key=self._key or "none",
            base_url=self.base_url,
            max_retries=0,
            http_client=http_client,
        )
        self._address = str(self._client.base_url).rstrip("/")


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

        connector = SilentConnector(limit=_MOST_CONNECTIONS, ssl=ssl_context)
        return aiohttp.ClientSession(connector=connector)

    return make


def _has_spoken(protocol: Any) -> bool:  # noqa: ANN401
    """Whether something arrived after the last reply, read or still with the kernel."""
    if protocol.should_close or protocol.transport is None:
        return True
    waiting = select.poll()
    waiting.register(protocol.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))
