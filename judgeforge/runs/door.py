"""The calls of a whole run as its session sees them: those of this process and of its workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.gateway import Gateway
from judgeforge.runs.progress import out_of_order, servers_out_of_order

if TYPE_CHECKING:
    from judgeforge.runs.cluster.messages import Report
    from judgeforge.runs.cluster.team import Team

_MARGIN_S = 2.0
"""What workers may need beyond the grace to tell how their calls ended."""


class RunDoor:
    """``team``: None where this process does all work."""

    def __init__(
        self, gateway: Gateway, endpoints: Iterable[Endpoint], team: Team | None = None
    ) -> None:
        self._gateway, self._endpoints, self.team = gateway, list(endpoints), team
        self.batches = gateway.batches

    @property
    def cached_calls(self) -> int:
        ours = self._gateway.cached_calls
        return ours if self.team is None else ours + self.team.coordinator.cached_calls

    @property
    def heard_at(self) -> float:
        """When a call brought a reply, or a provider told how a batch is."""
        ours = self._gateway.heard_at
        return ours if self.team is None else max(ours, self.team.coordinator.last_reply_at)

    @property
    def programs_ended(self) -> int:
        """Of the workers."""
        return sum(report.programs_ended for report in self._reports())

    @property
    def reserved_ahead(self) -> int:
        """Reservations of workers that no call has."""
        return 0 if self.team is None else self.team.coordinator.unused

    @property
    def only_waits_for_batches(self) -> bool:
        return self._gateway.only_waits_for_batches

    def look_again(self) -> None:
        """As ``Gateway.look_again``, each process for its own calls."""
        self._gateway.look_again()
        if self.team is not None:
            self.team.coordinator.look_again()

    def what_it_waits_for(self) -> str:
        """For the message of a run that makes no progress."""
        if self.team is None:
            return self._gateway.what_it_waits_for()
        told = (report.waits_for for report in self._reports() if report.wanted[0])
        waiting = dict.fromkeys(filter(None, told))
        return "; ".join(waiting) or self._gateway.what_it_waits_for()

    def out_of_order(self) -> dict[str, str]:
        """The last failure of each model whose circuit is open, in any process."""
        return self._merged(out_of_order(self._endpoints), "out_of_order")

    def servers_out_of_order(self) -> dict[str, str]:
        """The same of single servers, while others of their model carry on."""
        return self._merged(servers_out_of_order(self._endpoints), "servers_out_of_order")

    def stop(self) -> None:
        """Send nothing more; calls in flight may finish (see ``drain``)."""
        self._gateway.stop()
        if self.team is not None:
            self.team.workers.stop()

    async def drain(self, grace_s: float) -> None:
        """Wait for the calls in flight (they are paid for), at most ``grace_s`` seconds."""
        await self._gateway.drain(grace_s)
        if self.team is not None:
            await self.team.workers.drain(grace_s + _MARGIN_S)

    async def close_team(self) -> None:
        """All has been told of the workers' calls, and none of them is left."""
        if self.team is not None:
            await self.team.close()

    def _reports(self) -> list[Report]:
        return [] if self.team is None else self.team.coordinator.reports()

    def _merged(self, ours: dict[str, str], field: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for report in self._reports():
            theirs: Mapping[str, str] = getattr(report, field)
            found |= theirs
        return found | ours
