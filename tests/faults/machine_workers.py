"""Faults of the machine: workers, their coordinator and whole nodes of a cluster die."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

from tests.faults.machine_processes import straight_bytes
from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.support.kills import result_bytes
from tests.support.ray_cluster import ray_cluster
from tests.support.waiting import wait_until
from tests.support.worker_kills import (
    COORDINATOR,
    NODE,
    WORKER,
    WorkerKills,
    is_alive,
    paid_without_reply,
    run_through_worker_kills,
    worker_pids,
)

PROMPTS, BUDGET_USD = 200, 5.0


def _configure(scene: Scene, latency_s: float) -> None:
    scene.server.behaviour.latency_s = latency_s
    judging = {"judges": [{"model": "small"}], "fit_prompts": 0, "fit_repeats": 0}
    scene.configure(prompts=PROMPTS, judging=judging, budget={"usd": BUDGET_USD})


def _check(scene: Scene, found: WorkerKills) -> str:
    assert found.exit_code == 0
    assert found.sent - found.repeated == PROMPTS * 8
    assert found.repeated <= found.in_flight
    assert scene.billed_usd() <= BUDGET_USD
    scene.server.behaviour.latency_s = 0
    assert result_bytes(scene.out) == straight_bytes(scene)
    return (
        f"{len(found.killed)} kills survived, {PROMPTS * 8} calls, {found.in_flight} counted as "
        f"paid at the most, {found.repeated} repeated; the same bytes"
    )


def begun(scene: Scene) -> list[int]:
    """The last workers."""
    return worker_pids(scene.out)[-4:] if (scene.out / "log.jsonl").exists() else []


def _killed(scene: Scene, targets: list[str], kills: int) -> str:
    _configure(scene, latency_s=0.1)
    found = run_through_worker_kills(
        scene.folder / "config.yaml",
        scene.out,
        scene.server,
        kills=kills,
        chance=random.Random(7),
        targets=targets,
    )
    return _check(scene, found)


@fault(
    "worker-sigkill",
    done="With `--workers 2`, workers are killed ten times at random moments.",
    promise="Each is replaced; the files of one undisturbed process; repeated are at most the "
    "calls in flight; nothing over budget.",
    longest_s=300,
)
def _(scene: Scene) -> str:
    return _killed(scene, [WORKER], kills=10)


@fault(
    "coordinator-sigkill",
    done="With `--workers 2`, the process that was started is killed five times.",
    promise="Its workers end at once; the same command goes on: the files of one undisturbed "
    "process, at most the calls in flight repeated, nothing over budget.",
    longest_s=300,
)
def _(scene: Scene) -> str:
    return _killed(scene, [COORDINATOR], kills=5)


@fault(
    "cluster-sigkill",
    done="On a Ray cluster, a worker, a node with all that is on it, and the coordinator are "
    "killed, two of each.",
    promise="The files of one undisturbed process; repeated are at most the calls in flight; "
    "nothing over budget.",
    longest_s=400,
)
def _(scene: Scene) -> str:
    _configure(scene, latency_s=0.4)
    chance, left = random.Random(7), [WORKER, NODE, COORDINATOR, NODE, WORKER, COORDINATOR]
    with ray_cluster(4) as cluster:

        def kill(target: str, _: object) -> bool:
            alive = [pid for pid in begun(scene) if is_alive(pid)]
            if not alive:
                return False
            if target == WORKER:
                os.kill(chance.choice(alive), signal.SIGKILL)
                return True
            return cluster.kill_node_of(chance.choice(alive))

        found = WorkerKills()
        for target in left:
            found = run_through_worker_kills(
                scene.folder / "config.yaml",
                scene.out,
                scene.server,
                options=("--workers", "2", "--cluster", cluster.address),
                kills=1,
                chance=chance,
                targets=[target],
                kill=kill,
                to_the_end=False,
                has_workers=lambda: any(map(is_alive, begun(scene))),
            )
        found = run_through_worker_kills(
            scene.folder / "config.yaml", scene.out, scene.server, kills=0, chance=chance
        )
    found.killed = left
    return _check(scene, found)


@fault(
    "cluster-partition",
    done="A worker on a Ray cluster cannot be reached for longer than its leases last, and comes "
    "back once others have its prompts.",
    promise="Others do its prompts; it sends nothing more; the files of one undisturbed process.",
    longest_s=300,
)
def _(scene: Scene) -> str:
    _configure(scene, latency_s=0.4)
    with ray_cluster(3) as cluster:
        process = scene.start("--workers", "2", "--cluster", cluster.address)
        wait_until(lambda: len(worker_pids(scene.out)) == 2, process)
        cut_off = worker_pids(scene.out)[0]
        scene.wait_for_requests(len(scene.server.requests) + 40, process)
        os.kill(cut_off, signal.SIGSTOP)
        log = scene.out / "log.jsonl"
        wait_until(lambda: b'"worker_lost"' in log.read_bytes(), process)
        with suppress(ProcessLookupError):  # Ray may have ended it by now
            os.kill(cut_off, signal.SIGCONT)
        exit_code, _ = scene.end(process, timeout=200)
        sent = len(scene.server.requests)
        wait_until(lambda: not is_alive(cut_off))
        time.sleep(0.5)
        assert len(scene.server.requests) == sent
    assert exit_code == 0
    repeated = sent - PROMPTS * 8
    assert repeated <= paid_without_reply(scene.out / "state" / "spending.jsonl")
    scene.server.behaviour.latency_s = 0
    assert result_bytes(scene.out) == straight_bytes(scene)
    return f"given up after 20 s, {repeated} calls repeated, nothing sent by it later"
