"""Reuses a connection only while nothing waits on it that nobody asked for.

HTTP/1.1 tells a reply from the next one by its place alone. A server or proxy that sends a reply
twice would have its copy read as the reply to whatever is asked next on that connection; aiohttp
notices only what had arrived before the connection was given back.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp


def reuse_only_silent_connections(http_client: Any, *, connections: int) -> None:  # noqa: ANN401
    """``http_client`` is an SDK's aiohttp client that has not sent anything yet."""
    transports = [http_client._transport, *http_client._mounts.values()]
    for transport in transports:
        if transport is not None and getattr(transport, "client", ...) is None:
            transport.client = _session_maker(transport.ssl_context, connections)


def _session_maker(ssl_context: Any, connections: int) -> Any:  # noqa: ANN401
    def make() -> aiohttp.ClientSession:
        import aiohttp

        class SilentConnector(aiohttp.TCPConnector):
            async def _get(self, key: Any, traces: Any) -> Any:  # noqa: ANN401
                idle = self._conns.get(key)
                while idle and _has_spoken(idle[0][0]):
                    idle.popleft()[0].close()
                return await super()._get(key, traces)

        return aiohttp.ClientSession(connector=SilentConnector(limit=connections, ssl=ssl_context))

    return make


def _has_spoken(protocol: Any) -> bool:  # noqa: ANN401
    """Whether something arrived after the last reply, read or still with the kernel."""
    if protocol.should_close or protocol.transport is None:
        return True
    waiting = select.poll()
    waiting.register(protocol.transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))
