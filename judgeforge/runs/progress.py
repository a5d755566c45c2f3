"""What keeps a run from getting on, in words for whoever watches it.

How far a run is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.gateway import Gateway
from judgeforge.text.redaction import redact
from judgeforge.text.visible import one_line
from judgeforge.text.wording import shortened

SILENT_S = 10.0
"""Without a reply for so long it is said what is waited for; a slow model may need longer."""
SILENT_OUT_OF_ORDER_S = 2.0
_LONGEST = 400


def out_of_order(endpoints: Iterable[Endpoint]) -> dict[str, str]:
    """The last failure of each model whose circuit is open."""
    return {
        endpoint.name: in_one_line(endpoint.gate.last_failure)
        for endpoint in endpoints
        if endpoint.gate.is_out_of_order
    }


def what_holds_it_up(gateway: Gateway, failing: Mapping[str, str]) -> str | None:
    """None while replies come. ``failing``: the models that are out of order."""
    silent_s = time.monotonic() - gateway.last_reply_at
    if silent_s < (SILENT_OUT_OF_ORDER_S if failing else SILENT_S):
        return None
    waits_for = in_one_line(gateway.what_it_waits_for())
    return f"nothing has come back for {silent_s:.0f} s: {waits_for}"


def in_one_line(text: str) -> str:
    """What servers say may be long, hold line breaks, and send a key back."""
    return shortened(one_line(redact(text)), _LONGEST)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; ``on_progress`` gets one twice a second, and one at the end."""

    prompts: int
    """Rows of the input that this start is about, finished ones included."""
    done: int
    pairs: int
    paid_calls: int
    cached_calls: int
    cost_usd: float | None
    budget_usd: float | None
    elapsed_s: float
    done_before: int
    """Finished before this start; they say nothing about the speed."""
    out_of_order: Mapping[str, str] = field(default_factory=dict)
    """The models that nothing but a probe is sent to, each with its last failure."""
    trouble: str | None = None
    """What is waited for, once nothing comes back; None while replies come."""

    @property
    def eta_s(self) -> float | None:
        fresh = self.done - self.done_before
        if fresh <= 0:
            return None
        return (self.prompts - self.done) * self.elapsed_s / fresh
