"""The server of the load benchmarks: the answers of ``tests.local_server`` for less work.

It shares the machine with what is measured, so that whatever it takes is missing there. Its replies
are the same bytes, after the same latency, but it speaks HTTP/1.1 only as far as these clients do:
no faults, limits, batches, or other APIs than that of OpenAI's chat completions.

Prints one JSON line with the port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import sys
import time
from collections import Counter
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.local_server.record import TokenCount
from tests.local_server.service import Behaviour, answer_to
from tests.local_server.wire import read_question, write_reply

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BODIES, _STATS = b"GET /_bodies ", b"GET /_stats "


class Load:
    """What all connections share."""

    def __init__(self, latency_s: float, *, keep_bodies: bool) -> None:
        self.latency_s, self.bodies = latency_s, [] if keep_bodies else None
        self.in_flight = self._in_flight_max = self._requests = 0
        self._first_at: float | None = None
        self._idle_s = time.process_time()
        """What its start took of the processor."""
        self._draws: Counter[str] = Counter()
        self._behaviour = Behaviour()

    def reply(self, raw: bytes) -> bytes:
        self._first_at = self._first_at or time.time()
        self._requests += 1
        self._in_flight_max = max(self._in_flight_max, self.in_flight)
        if self.bodies is not None:
            self.bodies.append(raw)
        key = blake2b(raw, digest_size=16).hexdigest()
        question = read_question("openai", json.loads(raw))
        answer = answer_to(question, key, self._draws[key], self._behaviour)
        self._draws[key] += 1
        words = len((answer.text or "").split())
        tokens = TokenCount(input=len(raw) // self._behaviour.bytes_per_token, output=words)
        return write_reply("openai", key, question, answer, tokens)

    def stats(self) -> dict[str, Any]:
        return {
            "requests": self._requests,
            "statuses": {"200": self._requests} if self._requests else {},
            "in_flight_max": self._in_flight_max,
            "first_request_at": self._first_at,
            "cpu_s": time.process_time() - self._idle_s,
        }


class Connection(asyncio.Protocol):
    """One request after another; the next one comes once the last is answered."""

    def __init__(self, load: Load) -> None:
        self._load, self._received = load, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length is not None and len(body) < int(length[1])):
            return
        self._received = b""
        load = self._load
        if head.startswith(_STATS):
            self._write(json.dumps(load.stats()).encode())
        elif head.startswith(_BODIES):
            self._write(b"\n".join(load.bodies or ()))
        else:
            load.in_flight += 1
            asyncio.get_running_loop().call_later(load.latency_s, self._answer, load.reply(body))

    def _answer(self, reply: bytes) -> None:
        self._load.in_flight -= 1
        self._write(reply)

    def _write(self, reply: bytes) -> None:
        self._transport.write(_HEAD % len(reply) + reply)


async def serve(load: Load, lifetime_s: float) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(load), "127.0.0.1", 0, backlog=2048)
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    loop.call_later(lifetime_s, stop.set)
    await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--keep-bodies", action="store_true", help="GET /_bodies gives them")
    parser.add_argument("--lifetime-s", type=float, default=900.0, help="then it ends by itself")
    asked = parser.parse_args()
    load = Load(asked.latency_ms / 1000, keep_bodies=asked.keep_bodies)
    asyncio.run(serve(load, asked.lifetime_s))


if __name__ == "__main__":
    main()
