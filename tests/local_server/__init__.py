"""A server on loopback that speaks chat and decisions, with known hidden quality.

    with LocalServer(noise_sd=0.02) as server:
        server.faults.add(faults.status(529), nth=1)
        ... a client against server.openai_url or server.anthropic_url ...
        assert len(server.calls(kind="judge")) == 8

The same request and draw always get the same answer, also from a server started anew.
"""

from tests.local_server import faults
from tests.local_server.limits import Limits
from tests.local_server.quality import QUALITY_MARKER, quality_of
from tests.local_server.record import RequestRecord, TokenCount
from tests.local_server.server import LocalServer

__all__ = [
    "QUALITY_MARKER",
    "Limits",
    "LocalServer",
    "RequestRecord",
    "TokenCount",
    "faults",
    "quality_of",
]
