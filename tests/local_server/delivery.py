"""How a reply that a fault has touched reaches the client, or does not."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from tests.local_server.faults import Fault
from tests.local_server.record import RequestRecord
from tests.local_server.wire import error_body

_APART_S = 0.01
"""What was sent before a reset is to arrive on its own."""


async def deliver(
    request: web.BaseRequest,
    record: RequestRecord,
    fault: Fault,
    reply: bytes,
    headers: dict[str, str],
) -> web.StreamResponse:
    headers = {**headers, **fault.headers}
    if fault.delivery == "reset_before":
        _reset(request)
        return web.Response()
    if fault.delivery == "stall_headers":
        await asyncio.sleep(fault.seconds)
    record.status = fault.status
    if fault.delivery == "reset_in_headers":
        return await _reset_in_headers(request)
    if fault.delivery in ("whole", "stall_headers"):
        body = reply if fault.status == 200 else None
        if fault.body is not None:
            body = fault.body
        elif body is None:
            message = f"The server was told to answer {fault.status}."
            body = error_body(record.wire, fault.status, message, fault.code)
        return web.Response(
            status=fault.status, body=body, content_type=fault.content_type, headers=headers
        )
    return await _in_parts(request, fault, reply, headers)


async def _reset_in_headers(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 200 OK\r\ncontent-ty")
    await asyncio.sleep(_APART_S)
    _reset(request)
    return web.Response()


async def _in_parts(
    request: web.BaseRequest, fault: Fault, reply: bytes, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "content-type": "application/json"})
    response.content_length = len(reply)
    await response.prepare(request)
    if fault.delivery in ("close_after", "twice"):
        return await _whole_and_more(request, response, fault, reply)
    if fault.delivery == "drip":
        return await _drip(response, fault, reply)
    half = 0 if fault.delivery == "reset_after_headers" else len(reply) // 2
    await response.write(reply[:half])
    await asyncio.sleep(fault.seconds if fault.delivery == "stall_body" else _APART_S)
    if fault.delivery == "stall_body":
        await response.write(reply[half:])
    elif fault.delivery in ("reset_mid", "reset_after_headers"):
        _reset(request)
    elif request.transport is not None:
        request.transport.close()
    return response


async def _drip(response: web.StreamResponse, fault: Fault, reply: bytes) -> web.StreamResponse:
    size = -(-len(reply) // fault.parts)
    for start in range(0, len(reply), size):
        await response.write(reply[start : start + size])
        await asyncio.sleep(fault.seconds / fault.parts)
    return response


async def _whole_and_more(
    request: web.BaseRequest, response: web.StreamResponse, fault: Fault, reply: bytes
) -> web.StreamResponse:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(reply)}"
    copy = head.encode() + b"\r\n\r\n" + reply
    if fault.delivery == "twice" and fault.seconds == 0 and request.transport is not None:
        # In one piece with the end of the reply: a copy that comes later is a race with whatever
        # is asked next on the connection.
        await response.write(reply[:-1])
        request.transport.write(reply[-1:] + copy)
        await response.write_eof()
        return response
    await response.write(reply)
    await response.write_eof()
    if request.transport is None:
        return response
    if fault.delivery == "twice":
        await asyncio.sleep(fault.seconds)
        request.transport.write(copy)
    else:
        await asyncio.sleep(_APART_S)
        request.transport.close()
    return response


def _reset(request: web.BaseRequest) -> None:
    """Close with RST instead of FIN."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
