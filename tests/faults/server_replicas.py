"""One of three servers of a model is gone, slow, wrong, full or silent; the others carry on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.scene import Scene, Seen, results
from tests.faults.table import fault
from tests.local_server import Limits, LocalServer, faults
from tests.support.run_setup import rows

_PROMPTS = 24
_CALLS = _PROMPTS * 8


@contextmanager
def _two_more(scene: Scene, **own: Any) -> Iterator[tuple[LocalServer, LocalServer]]:
    """Replicas of the scene's server; the model is configured with all three."""
    scene.server.behaviour.latency_s = 0.02
    with LocalServer(latency_s=0.02) as second, LocalServer(latency_s=0.02) as third:
        scene.replicas += [second, third]
        servers = (scene.server, second, third)
        addresses = [server.openai_url for server in servers]
        limits = {"breaker_failures": 4}
        scene.configure(prompts=_PROMPTS, own={"base_url": addresses, **own}, limits=limits)
        yield second, third


def _whole(scene: Scene, seen: Seen) -> list[dict[str, Any]]:
    """The results are those of an undisturbed run on one server; what the manifest says of each."""
    scene.server.behaviour.latency_s = 0
    assert seen.exit_code == 0
    assert results(scene.out) == scene.undisturbed(_PROMPTS)
    assert not seen.skips.get("call_failed")
    found: list[dict[str, Any]] = seen.manifest["replicas"]["small"]
    assert sum(one["replies"] for one in found) == _CALLS
    return found


def _of(found: list[dict[str, Any]], server: LocalServer) -> dict[str, Any]:
    return next(one for one in found if one["address"] == server.openai_url)


@fault(
    "replica-killed-and-back",
    done="One of three servers of a model is stopped in mid-run, and comes back a second later.",
    promise="The others carry on, it is asked again once it is back; the undisturbed result.",
)
def _(scene: Scene) -> str:
    with _two_more(scene) as (second, third):
        for server in (scene.server, second, third):
            server.behaviour.latency_s = 0.3
        back = LocalServer(port=second.port, latency_s=0.02)
        scene.replicas.append(back)

        def away() -> None:
            while len(second.requests) < 10:
                time.sleep(0.01)
            second.stop()
            time.sleep(1.0)
            back.__enter__()

        thread = threading.Thread(target=away)
        thread.start()
        try:
            found = _whole(scene, scene.run())
        finally:
            thread.join()
            back.stop()
        one = _of(found, second)
    assert one["outages"] >= 1
    assert not one["is_out_of_order"]
    assert back.calls(status=200)
    return (
        f"{one['replies']} replies of that server, {len(back.calls())} of them after it came back; "
        f"out of order for {one['out_of_order_s']:.1f} s; all {_CALLS} calls answered"
    )


@fault(
    "replica-slow",
    done="One of three servers of a model takes two seconds for what the others do in 20 ms.",
    promise="It gets less to do, and the run does not wait for it; the undisturbed result.",
)
def _(scene: Scene) -> str:
    with _two_more(scene) as (second, _):
        second.behaviour.latency_s = 2.0
        seen = scene.run()
        found = _whole(scene, seen)
    one = _of(found, second)
    assert one["replies"] < _CALLS / 4
    alone_s = 2.0 * _CALLS / 3 / 8
    assert seen.seconds < alone_s, "as if it had its third of the work, eight at a time"
    return f"the slow one answered {one['replies']} of {_CALLS} calls"


@fault(
    "replica-500",
    done="One of three servers of a model answers 500 to everything.",
    promise="Each call goes to another at once; it is only probed; the undisturbed result.",
)
def _(scene: Scene) -> str:
    with _two_more(scene) as (second, _):
        second.faults.add(faults.status(500))
        one = _of(_whole(scene, scene.run()), second)
    assert (one["replies"], one["outages"]) == (0, 1)
    assert one["requests"] < 40
    return f"{one['requests']} requests to it, then probes only; all {_CALLS} calls answered"


@fault(
    "replica-without-the-model",
    done="One of three servers of a model does not have it (404).",
    promise="It is told from a wrong configuration: it is only probed; the undisturbed result.",
)
def _(scene: Scene) -> str:
    with _two_more(scene) as (second, _):
        second.faults.add(faults.status(404))
        one = _of(_whole(scene, scene.run()), second)
        page = (scene.out / "report.html").read_text()
    assert (one["replies"], one["outages"]) == (0, 1)
    assert second.openai_url in page
    assert "was out of order 1 time" in page
    return f"{one['requests']} requests to it; the report names it; all {_CALLS} calls answered"


@fault(
    "replica-with-a-full-limit",
    done="One of three servers of a model takes 60 requests a minute, the others have no limit.",
    promise="What it refuses goes to another at once; the undisturbed result.",
)
def _(scene: Scene) -> str:
    with _two_more(scene) as (second, _):
        second.behaviour.limits = Limits(rpm=60)
        seen = scene.run()
        one = _of(_whole(scene, seen), second)
    assert one["outages"] == 0
    assert one["replies"] < _CALLS / 4
    assert seen.seconds < 30
    return f"it answered {one['replies']} of {_CALLS} calls and refused {one['failures']}"


@fault(
    "replica-hangs",
    done="One of three servers of a model takes requests and never answers (timeout_s 1).",
    promise="What hangs is asked elsewhere after timeout_s; it is only probed then.",
)
def _(scene: Scene) -> str:
    with _two_more(scene, timeout_s=1) as (second, _):
        second.faults.add(faults.stall_headers(60))
        one = _of(_whole(scene, scene.run()), second)
    assert (one["replies"], one["outages"]) == (0, 1)
    return f"{one['requests']} requests hung; all {_CALLS} calls answered by the others"


@fault(
    "replicas-all-down",
    done="All three servers of a model are gone for good.",
    promise="As with one: exit 4 after stall_s, and the same command goes on once one is back.",
)
def _(scene: Scene) -> str:
    with _two_more(scene) as (second, third):
        for server in (second, third):
            server.faults.add(faults.status(503))
        scene.server.faults.add(faults.status(503), when=lambda record: record.index >= 40)
        limits = {"breaker_failures": 4, "stall_s": 2, "max_retry_s": 60}
        addresses = [server.openai_url for server in (scene.server, second, third)]
        scene.configure(prompts=_PROMPTS, own={"base_url": addresses}, limits=limits)
        stopped = scene.run()
        assert stopped.exit_code == 4
        third.faults.clear()
        _whole(scene, scene.run())
    log = rows(scene.out / "log.jsonl")
    assert {row["replica"] for row in log if row["event"] == "call"} == set(addresses)
    return "exit 4; the same command went on with the one that was back, to the undisturbed result"
