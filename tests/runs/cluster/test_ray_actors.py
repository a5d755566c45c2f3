"""Workers on a Ray cluster: the promises of one process, whichever part of the cluster dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.kills import result_bytes
from tests.support.ray_cluster import RayCluster, ray_cluster
from tests.support.run_process import kill, start
from tests.support.run_setup import PRICE, logged, run, write_config
from tests.support.waiting import wait_for_requests, wait_until
from tests.support.worker_kills import is_alive, paid_without_reply, worker_pids

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(170)]

PROMPTS = 200
NO_FIT = {"judges": [{"model": "small"}], "fit_prompts": 0, "fit_repeats": 0}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    pytest.importorskip("ray")
    with ray_cluster(3) as running:
        yield running


def configured(folder: Path, server: LocalServer) -> Path:
    server.behaviour.latency_s = 0.25
    return write_config(folder, server, prompts=PROMPTS, judging=NO_FIT, budget={"usd": 3.0})


def check(config: Path, out: Path, server: LocalServer, kills: int) -> None:
    """Nothing lost, nothing bought twice but what was under way, nothing over budget, the bytes of
    one process."""
    bodies = [request.raw for request in server.requests]
    repeated = len(bodies) - len(set(bodies))
    assert len(set(bodies)) == PROMPTS * 8
    assert repeated <= paid_without_reply(RunFolder(out).spending_file)
    assert repeated <= 16 * kills
    assert server.billed_usd({"small": PRICE}) <= 3.0
    server.behaviour.latency_s = 0
    config.write_text(config.read_text() + "cache: {dir: other-cache}\n")
    straight = config.parent / "straight"
    assert run(config, straight).exit_code == 0
    assert result_bytes(out) == result_bytes(straight)


def begun(out: Path) -> int:
    return len(worker_pids(out)) if (out / "log.jsonl").exists() else 0


def test_worker_node_and_coordinator_die_one_after_another(
    tmp_path: Path, server: LocalServer, out: Path, cluster: RayCluster
) -> None:
    config = configured(tmp_path, server)
    options = ("--cluster", cluster.address, "--workers", "2")
    process = start(config, out, *options)
    wait_until(lambda: begun(out) == 2, process)
    wait_for_requests(server, len(server.requests) + 50, process)
    os.kill(worker_pids(out)[0], signal.SIGKILL)
    wait_until(lambda: begun(out) == 3, process)
    wait_for_requests(server, len(server.requests) + 50, process)
    assert cluster.kill_node_of(worker_pids(out)[-1])
    wait_until(lambda: (out / "log.jsonl").read_text().count('"worker_died"') == 2, process)
    kill(process)
    process = start(config, out, *options)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    cluster.add_node()
    check(config, out, server, kills=3)


def test_a_worker_that_cannot_be_reached_is_given_up_and_sends_nothing_more(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    cluster: RayCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stopped for longer than its leases last: to all others it has gone, and it lives on."""
    import threading

    monkeypatch.setattr("judgeforge.runs.cluster.team.UNHEARD_S", 4.0)
    config = configured(tmp_path, server)
    cut_off: list[int] = []

    def cut() -> None:
        wait_until(lambda: begun(out) == 2)
        wait_for_requests(server, len(server.requests) + 40)
        cut_off.append(worker_pids(out)[0])
        os.kill(cut_off[0], signal.SIGSTOP)

    cutting = threading.Thread(target=cut)
    cutting.start()
    result = run(config, out, cluster=cluster.address, workers=2)
    cutting.join()
    sent = len(server.requests)
    with suppress(ProcessLookupError):  # Ray may have ended it with the run
        os.kill(cut_off[0], signal.SIGCONT)
    wait_until(lambda: not is_alive(cut_off[0]))
    time.sleep(0.5)
    assert len(server.requests) == sent, "it sends nothing more"
    assert result.exit_code == 0
    died = logged(out, "worker_died")
    assert len(died) == 1
    check(config, out, server, kills=1)


def test_an_address_where_no_cluster_answers_is_a_mistake_of_the_command(
    tmp_path: Path, server: LocalServer, out: Path, cluster: RayCluster
) -> None:
    config = configured(tmp_path, server)
    process = start(config, out, "--cluster", "127.0.0.1:9", "--workers", "2")
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "cluster 127.0.0.1:9: " in stderr
    assert server.requests == []
