"""The limits of a real server are found, used and followed when they change; the short form of
`make bench-limits`, where the numbers come from."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.local_server import Limits, LocalServer
from tests.support.run_setup import model, run, write_config
from tests.support.waiting import wait_for_requests

RPM = 1200
SETTLE_S = 1.2
MID_RUN = 85
"""Requests, of 128 and those refused."""


@pytest.mark.slow
@pytest.mark.parametrize(("provider", "headers"), [("openai", True), ("anthropic", False)])
def test_a_limit_that_is_halved_in_mid_run_is_used_and_kept(
    tmp_path: Path, server: LocalServer, provider: str, headers: bool
) -> None:
    server.behaviour.latency_s = 0.1
    server.limits = Limits(rpm=RPM, headers=headers)
    config = write_config(
        tmp_path,
        server,
        prompts=16,
        models={"small": model(server, provider, concurrency=64)},
        limits={"concurrency": 64},
    )
    changed_at = []

    def halve_in_mid_run() -> None:
        wait_for_requests(server, MID_RUN)
        server.limits = Limits(rpm=RPM / 2, headers=headers)
        changed_at.append(server.requests[-1].at)

    watcher = threading.Thread(target=halve_in_mid_run)
    watcher.start()
    result = run(config, tmp_path / "out")
    watcher.join()
    assert result.manifest["totals"]["prompts"] == 16
    assert result.skips == [] or {skip.reason for skip in result.skips} == {"tie"}
    calls = server.calls()
    start = calls[8].at  # the first prompt goes alone
    # Without headers a limit shows by refusals only, and these few seconds hold several of them.
    least, most = (0.6, 0.02) if headers else (0.45, 0.15)
    for begin, end, per_s in (
        (start + SETTLE_S, changed_at[0], RPM / 60),
        # The last calls wait for each other, prompt by prompt.
        (changed_at[0] + SETTLE_S, calls[-8].at, RPM / 120),
    ):
        phase = [call for call in calls if begin <= call.at < end]
        refused = sum(call.status == 429 for call in phase)
        assert len(phase) - refused >= least * per_s * (end - begin)
        assert refused <= most * len(phase)
