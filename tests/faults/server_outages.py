"""Faults of a server: it is out of order for a while, or for good."""

from __future__ import annotations

import time
from typing import Any

from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.local_server import faults
from tests.support.run_setup import model, rows

QUICK_TO_GIVE_UP = {"breaker_failures": 4, "stall_s": 3, "max_attempts": 2}


@fault(
    "outage-that-passes",
    done="Every call is answered with 503 for two seconds, in the middle of the run.",
    promise="The run waits, probes and goes on by itself: the undisturbed result.",
)
def _(scene: Scene) -> str:
    begun: list[float] = []

    def is_down(_: object) -> bool:
        if len(scene.server.requests) < 20:
            return False
        begun.append(time.monotonic())
        return time.monotonic() - begun[0] < 2

    scene.server.faults.add(faults.status(503), when=is_down)
    scene.configure(prompts=8, limits={"max_attempts": 20, "max_retry_s": 60})
    scene.ends_undisturbed(prompts=8)
    return "exit 0, the undisturbed result"


@fault(
    "outage-for-good",
    done="Every call is answered with 503, from the middle of the run on.",
    promise="Exit 4 within `limits.stall_s`, resumable; no prompt is skipped for the outage.",
)
def _(scene: Scene) -> str:
    down = faults.status(503)
    scene.server.faults.add(down, when=lambda _: len(scene.server.requests) > 20)
    scene.configure(prompts=20, limits={**QUICK_TO_GIVE_UP, "max_attempts": 20})
    seen = scene.exits(4, "503")
    assert seen.seconds < 60
    scene.server.faults.clear()
    scene.ends_undisturbed(prompts=20)
    return "exit 4 with the last refusal in the message; the same command went on to the end"


@fault(
    "server-breaks-down-over-a-prompt",
    done="The server closes the connection over each request about the last prompt.",
    promise="Told from an outage by a request that it has answered before: a named skip, and the "
    "run ends with what the others are.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(
        faults.reset_before_reply(), when=lambda request: b"fact number 7." in request.raw
    )
    sampling = {"models": ["small"], "completions": 12, "max_tokens": 64}
    limits = {"breaker_failures": 4, "stall_s": 3, "max_attempts": 4}
    scene.configure(prompts=8, sampling=sampling, limits=limits)
    seen = scene.exits(0)
    assert seen.pairs == 7
    assert seen.skips == {"p7": "call_failed"}
    return "skip `call_failed` of that prompt, pairs of the other seven"


@fault(
    "stall",
    done="No reply comes, with a timeout of an hour.",
    promise="After `limits.stall_s` the run says what it waits for and stops with exit 4.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.stall_headers(3600))
    scene.configure(own={"timeout_s": 3600}, limits={"stall_s": 2, "grace_s": 0.5})
    seen = scene.exits(4, "stall_s")
    assert seen.seconds < 30
    scene.goes_on()
    return "exit 4, `limits.stall_s` in the message; the same command went on to the end"


def _two_judges(scene: Scene, **judging: Any) -> None:
    models = {"small": model(scene.server), "other": model(scene.server, model="other")}
    panel = {"judges": [{"model": "small"}, {"model": "other"}], **judging}
    scene.configure(prompts=4, models=models, judging=panel, limits=QUICK_TO_GIVE_UP)
    scene.server.faults.add(faults.status(503), when=lambda record: record.model == "other")
    scene.billing = False  # Two models, of which the totals know both and the check one.


@fault(
    "judge-outage-skipped",
    done="One of two judges' models is out of order; `on_judge_failure: skip_judge`.",
    promise="The run goes on with the other judge, and each pair says which one is missing.",
)
def _(scene: Scene) -> str:
    _two_judges(scene, on_judge_failure="skip_judge")
    seen = scene.exits(0)
    assert seen.pairs >= 3
    pairs = rows(scene.out / "pairs.jsonl")
    assert all("other" in pair["provenance"]["missing_judges"] for pair in pairs)
    return "all prompts done by one judge; `missing_judges` names the other in each pair"


@fault(
    "judge-outage-stops",
    done="One of two judges' models is out of order; `on_judge_failure: stop`.",
    promise="Exit 4, resumable: nothing is judged by half a panel.",
)
def _(scene: Scene) -> str:
    _two_judges(scene, on_judge_failure="stop")
    scene.exits(4)
    scene.goes_on()
    judges = {
        row["judge"] for row in rows(scene.out / "judgments.jsonl") if row["score"] is not None
    }
    assert judges == {"small", "other"}
    return "exit 4; with the model back, all prompts by both judges"


@fault(
    "fallback",
    done="The model that writes is out of order, and `fallback` names another.",
    promise="The other model writes; every completion says who wrote it.",
)
def _(scene: Scene) -> str:
    models = {
        "small": model(scene.server, fallback="spare"),
        "spare": model(scene.server, model="spare"),
    }
    judging = {"judges": [{"model": "spare"}]}
    scene.configure(prompts=4, models=models, judging=judging, limits=QUICK_TO_GIVE_UP)
    scene.server.faults.add(faults.status(503), when=lambda record: record.model == "small")
    scene.billing = False
    scene.exits(0)
    writers = {
        row["model"] for row in rows(scene.out / "completions.jsonl") if row["finish"] == "stop"
    }
    assert writers == {"spare"}
    return "all prompts done, `model: spare` in every completion"
