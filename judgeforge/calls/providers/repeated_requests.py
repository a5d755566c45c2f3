"""Requests that differ by their body alone: the SDK builds the first, the others are copies of it.

An SDK builds each request anew: options, headers, address. That is two thirds of the processor time
of a request, for the same headers every time (see decision 0039). So the first of each kind is the
SDK's own from beginning to end, and those that follow it are sent with their own bodies through the
session below its HTTP client, with its connections, proxies and certificates. The client still
keeps the cookies, unpacks replies that were packed and words refusals; a plain reply of success,
as most are, is spared the client's own layers, which take as long again (see decision 0067).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.encoding import BodyEncoder

if TYPE_CHECKING:
    import aiohttp
    from multidict import CIMultiDictProxy

_ENCODER = BodyEncoder(sort_keys=False)
"""As SDKs encode; the order of the fields is kept, for replies follow that of a schema."""
_OF_BODY_OR_JAR = frozenset({"content-length", "cookie"})


@dataclass(frozen=True, slots=True)
class _Sent:
    """What the SDK has sent, but for the body."""

    session: aiohttp.ClientSession
    url: str
    headers: Mapping[str, str]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlainHeaders:
    """Those of a reply, as far as ``httpx2.Headers`` are asked for."""

    raw: tuple[tuple[bytes, bytes], ...]
    said: CIMultiDictProxy[str]

    def get(self, name: str, otherwise: str) -> str:
        """What came several times is joined, as there."""
        return ", ".join(self.said.getall(name, (otherwise,)))


@dataclass(frozen=True, slots=True)
class PlainReply:
    """What is read of an ``httpx2.Response``, of a reply of success that was not packed."""

    content: bytes
    headers: PlainHeaders


class RepeatedRequests:
    def __init__(self, client: Any, http_client: Any) -> None:  # noqa: ANN401 (SDK, httpx2.AsyncClient)
        """``http_client``: the one that ``client``, that of the SDK, sends through."""
        self._client, self._http_client = client, http_client
        self._sent: dict[tuple[object, ...], _Sent] = {}

    async def post(
        self,
        address: str,
        body: Body,
        *,
        timeouts_s: tuple[float, float],
        headers: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Any:  # noqa: ANN401 (httpx2.Response or PlainReply)
        """``timeouts_s``: of the whole request, and of connecting.

        Raises what SDK and HTTP client raise; a status that is not success has ``response``.
        """
        content = _ENCODER.encode(body).encode()
        kind = (address, timeouts_s, *headers.items(), None, *query.items())
        sent = self._sent.get(kind)
        if sent is not None:
            return await self._again(sent, content)
        import httpx2

        timeout_s, connect_s = timeouts_s
        response = await self._client.post(
            address,
            cast_to=httpx2.Response,
            content=content,
            options={
                "timeout": httpx2.Timeout(timeout_s, connect=connect_s),
                "max_retries": 0,
                "follow_redirects": False,
                "headers": headers,
                "params": query,
            },
        )
        self._sent[kind] = self._as_sent(response.request)
        return response

    async def _again(self, sent: _Sent, content: bytes) -> Any:  # noqa: ANN401 (as above)
        import aiohttp
        import httpx2

        headers = self._with_cookies(sent) if self._http_client.cookies else sent.headers
        try:
            async with sent.session.post(
                sent.url, data=content, headers=headers, **sent.options
            ) as reply:
                raw = await reply.read()
        except aiohttp.ClientError as error:
            raise httpx2.TransportError(str(error)) from error
        sets_cookie = "Set-Cookie" in reply.headers
        if reply.status // 100 == 2 and not sets_cookie and "Content-Encoding" not in reply.headers:
            return PlainReply(raw, PlainHeaders(reply.raw_headers, reply.headers))
        response = httpx2.Response(
            reply.status,
            headers=list(reply.raw_headers),
            content=raw,
            request=httpx2.Request("POST", sent.url, headers=sent.headers, content=content),
        )
        if sets_cookie:
            self._http_client.cookies.extract_cookies(response)
        return response.raise_for_status()

    def _with_cookies(self, sent: _Sent) -> Mapping[str, str]:
        import httpx2

        request = httpx2.Request("POST", sent.url, headers=sent.headers)
        self._http_client.cookies.set_cookie_header(request)
        cookie = request.headers.get("cookie")
        return sent.headers if cookie is None else {**sent.headers, "cookie": cookie}

    def _as_sent(self, request: Any) -> _Sent:  # noqa: ANN401 (httpx2.Request)
        import aiohttp

        transport = self._http_client._transport_for_url(request.url)
        limits, proxy = request.extensions["timeout"], transport.proxy
        options: dict[str, Any] = {
            "allow_redirects": False,
            "auto_decompress": False,
            "compress": False,
            "timeout": aiohttp.ClientTimeout(
                sock_connect=limits["connect"], sock_read=limits["read"], connect=limits["pool"]
            ),
        }
        if proxy is not None:
            options["proxy"], options["proxy_headers"] = str(proxy.url), proxy.headers
            options["proxy_auth"] = proxy.auth and aiohttp.BasicAuth(*proxy.auth)
        kept = {name: said for name, said in request.headers.items() if name not in _OF_BODY_OR_JAR}
        return _Sent(transport.client, str(request.url), kept, options)
