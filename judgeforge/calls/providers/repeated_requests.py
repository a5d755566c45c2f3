"""Requests that differ by their body alone: the SDK builds the first, the others are copies of it.

An SDK builds each request anew: options, headers, address. That is two thirds of the processor time
of a request, for the same headers every time (see decision 0039). So the first of each kind is the
SDK's own from beginning to end, and those that follow it are sent with their own bodies through the
same HTTP client, which keeps connections, cookies, proxies and certificates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.encoding import BodyEncoder

_ENCODER = BodyEncoder(sort_keys=False)
"""As SDKs encode; the order of the fields is kept, for replies follow that of a schema."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What the SDK has sent, but for the body."""

    url: Any
    headers: Any
    extensions: dict[str, Any]


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
    ) -> Any:  # noqa: ANN401 (httpx2.Response)
        """``timeouts_s``: of the whole request, and of connecting.

        Raises what SDK and HTTP client raise; a status that is not success has ``response``.
        """
        import httpx2

        content = _ENCODER.encode(body).encode()
        kind = (address, timeouts_s, *headers.items(), None, *query.items())
        sent = self._sent.get(kind)
        if sent is None:
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
            self._sent[kind] = _as_sent(response.request)
            return response
        stream = httpx2.ByteStream(content)
        request = httpx2.Request("POST", sent.url, stream=stream, extensions=sent.extensions)
        request.read()
        # Those of ``content`` are made anew twice over, and read through to find their encoding.
        request.headers = sent.headers.copy()
        request.headers["Content-Length"] = str(len(content))
        if self._http_client.cookies:
            self._http_client.cookies.set_cookie_header(request)
        response = await self._http_client.send(request, follow_redirects=False)
        return response.raise_for_status()


def _as_sent(request: Any) -> _Sent:  # noqa: ANN401 (httpx2.Request)
    headers = request.headers.copy()  # as the client keeps them: it need not read them again
    for of_body_or_jar in ("content-length", "cookie"):
        headers.pop(of_body_or_jar, None)
    return _Sent(request.url, headers, dict(request.extensions))
