"""The server in a thread of its own, for tests in the same process."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from aiohttp import web

from tests.local_server.faults import FaultPlan
from tests.local_server.limits import Limits
from tests.local_server.record import Kind, RequestRecord
from tests.local_server.service import Behaviour, Service

HOST = "127.0.0.1"


async def listen(service: Service, port: int) -> tuple[web.ServerRunner, int]:
    """Start on loopback; the port is a free one where 0 is asked."""
    server = web.Server(service.handle, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port, backlog=2048)
    await site.start()
    return runner, runner.addresses[0][1]


class LocalServer:
    """``LocalServer(latency_s=0.2, noise_sd=0.05, …)``: see ``Behaviour`` for what can be set."""

    def __init__(self, *, port: int = 0, **behaviour: Any) -> None:
        self.behaviour = Behaviour(**behaviour)
        self._service = Service(self.behaviour)
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="local-server", daemon=True)
        self._listening = threading.Event()
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> LocalServer:
        self._thread.start()
        self._listening.wait(10)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close all connections; requests in flight get no reply."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._live())
        except OSError as error:
            self._failure = error
        finally:
            self._listening.set()
            self._loop.close()

    async def _live(self) -> None:
        runner, self._port = await listen(self._service, self._port)
        self._listening.set()
        await self._stop.wait()
        await runner.cleanup()
        # A reply that stalls for an hour would outlive the loop.
        late = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    @property
    def port(self) -> int:
        return self._port

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def openai_url(self) -> str:
        return f"{self.base_url}/v1"

    @property
    def anthropic_url(self) -> str:
        return self.base_url

    @property
    def faults(self) -> FaultPlan:
        return self._service.faults

    @property
    def limits(self) -> Limits:
        return self.behaviour.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self.behaviour.limits = limits

    @property
    def started_at(self) -> float:
        """Of the machine's monotonic clock, from which the times of requests count."""
        return self._service.started_at

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests so far, in order of arrival."""
        return list(self._service.requests)

    def calls(
        self,
        *,
        model: str | None = None,
        kind: Kind | None = None,
        status: int | None = None,
        fault: str | None = None,
    ) -> list[RequestRecord]:
        """The model calls that fit; requests of other paths are in ``requests`` only."""
        return [
            record
            for record in self.requests
            if record.kind != "other"
            and model in (None, record.model)
            and kind in (None, record.kind)
            and status in (None, record.status)
            and fault in (None, record.fault)
        ]

    @property
    def counts(self) -> Counter[Kind]:
        return Counter(record.kind for record in self.requests)

    @property
    def connections(self) -> int:
        """From how many connections requests came."""
        return len(self._service.connections)

    @property
    def in_flight_max(self) -> int:
        return self._service.in_flight_max

    def billed_usd(self, prices: Mapping[str, object]) -> float:
        """What a provider would bill at ``prices`` (model name -> price) for all requests.

        Billed is a request for which a reply of 200 was begun, or whose reply was withheld after
        it had been received whole.
        """
        return sum(
            record.cost_usd(prices[record.model]) for record in self.requests if record.billed
        )
