"""Kills while requests travel in batches: at each step of a batch's life, and at random moments."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.faults.scene import Scene, results
from tests.faults.table import fault
from tests.support.batch_kills import IN_A_BATCH, killed_in_batches
from tests.support.batch_setup import BATCH_PRICE, answered, creations, in_batches, lines
from tests.support.kills import WarmStarter

_KILLED_AT = """
import inspect, os, signal
from pkgutil import resolve_name
owner, name = resolve_name("{owner}"), "{name}"
real = getattr(owner, name)
def die(when):
    if when == "{when}":
        os.kill(os.getpid(), signal.SIGKILL)
async def dying_later(*given, **named):
    die("before")
    result = await real(*given, **named)
    die("after")
    return result
def dying(*given, **named):
    die("before")
    result = real(*given, **named)
    die("after")
    return result
setattr(owner, name, dying_later if inspect.iscoroutinefunction(real) else dying)
from judgeforge.cli import main
main()
"""
_BOOK, _CACHE = "judgeforge.store.batches:BatchBook", "judgeforge.calls.cache:ReplyCache"
_SERVERS = {
    "openai": "judgeforge.calls.providers.openai_batches:OpenAIBatches",
    "anthropic": "judgeforge.calls.providers.anthropic_batches:AnthropicBatches",
}
_PROMPTS = 6


def _kill_at(scene: Scene, when: str, owner: str, name: str, provider: str) -> None:
    scene.configure(prompts=_PROMPTS, provider=provider, own=in_batches())
    program = _KILLED_AT.format(owner=owner, name=name, when=when)
    scene.command_exits(-signal.SIGKILL, scene.start("--quiet", program=program))


def _killed(scene: Scene, when: str, owner: str, name: str, provider: str, most: int) -> str:
    """``most``: creations, those that were killed included."""
    _kill_at(scene, when, owner, name, provider)
    bought = answered(scene.server)
    seen = scene.exits(0)
    assert answered(scene.server) == _PROMPTS * 8
    assert creations(scene.server) <= most
    assert seen.cost_usd == pytest.approx(scene.billed_usd(), abs=1e-12)
    if provider == "openai":
        assert results(scene.out) == scene.undisturbed(_PROMPTS)
    return (
        f"{bought} requests were answered before the kill and {_PROMPTS * 8} in all, none twice; "
        "what was paid is what was billed"
    )


def _declare(step: str, done: str, when: str, owner: str, name: str, *, most: int = 2) -> None:
    for provider, server in _SERVERS.items():
        place = owner or server
        fault(
            f"batch-killed-{step}-{provider}",
            done=f"The process is killed {done} ({provider}).",
            promise="The next start goes on: nothing is bought twice, and no money is lost.",
        )(
            lambda scene, place=place, provider=provider: _killed(  # type: ignore[misc]
                scene, when, place, name, provider, most
            )
        )


_declare("planned", "when a batch is planned and not yet reserved", "after", _BOOK, "planned")
_declare("reserved", "when a batch is reserved and not yet handed over", "before", "", "upload")
_declare("handed-over", "when the file is handed over and no batch is announced", "before",
         _BOOK, "creating")  # fmt: skip
_declare("announced", "when a batch is announced and not yet created", "after", _BOOK, "creating")
_declare("created", "when a batch is created and its id not yet written down", "before",
         _BOOK, "created")  # fmt: skip
_declare("known", "when the id of a batch is written down", "after", _BOOK, "created")
_declare("fetched", "when the results are fetched and not yet stored", "before", _CACHE, "put_all")
_declare("stored", "when the results are stored and not yet settled", "after", _CACHE, "put_all")
_declare("settled", "when a batch is settled and not yet marked as done", "before", _BOOK, "ended")


@fault(
    "batch-no-wait",
    done="`--no-wait`, again and again, with batches that take two seconds.",
    promise="Each start ends soon (exit 6); one collects and goes on; the undisturbed result.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.delay_s = 2
    scene.configure(prompts=4, own=in_batches())
    codes = list[int]()
    while not codes or codes[-1] == 6:
        assert len(codes) < 30, "the run gets no further"
        seen = scene.run(no_wait=True)
        codes.append(seen.exit_code)
        time.sleep(0.3)
    assert codes[0] == 6
    assert codes[-1] == 0
    assert answered(scene.server) == 4 * 8
    assert creations(scene.server) == 2
    assert results(scene.out) == scene.undisturbed(4)
    return f"exit 6 {len(codes) - 1} times, then 0; 2 batches, nothing asked twice"


@fault(
    "batch-sigterm",
    done="SIGTERM while a batch is waited for.",
    promise="Exit 130; the same command waits for the same batch and pays nothing twice.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.delay_s = 4
    scene.configure(prompts=4, own=in_batches())
    scene.command_exits(130, scene.signalled(signal.SIGTERM, after=3))
    scene.exits(0)
    assert answered(scene.server) == 4 * 8
    assert creations(scene.server) == 2
    return "exit 130; then exit 0 with the batch that was under way, nothing asked twice"


@fault(
    "batch-to-direct",
    done="A run in batches is stopped with one under way, and goes on without batches.",
    promise="The batch is waited for all the same; what is not in it is sent directly.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.batches.delay_s = 1
    scene.configure(prompts=4, own=in_batches())
    scene.exits(6, no_wait=True)
    scene.configure(prompts=4, own={"price": BATCH_PRICE})
    scene.exits(0)
    sent_alone = [one for one in scene.server.calls() if not one.in_batch]
    assert (len(lines(scene.server)), len(sent_alone)) == (3 * 4, 8 + 3 * 4)
    assert results(scene.out) == scene.undisturbed(4)
    return "12 completions by the batch, their judgments directly, the undisturbed result"


@fault(
    "batch-sigkill-50",
    done="A run in batches is killed fifty times at random moments, then left alone.",
    promise="What is in a batch is bought once; repeated are at most the calls that were in flight "
    "directly at a kill; the undisturbed result.",
    longest_s=600,
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.02
    scene.server.behaviour.batches.delay_s = 0.1
    prompts, kills = 225, 50
    config = scene.configure(prompts=prompts, own=in_batches(max_requests=20, direct_below=8))
    with WarmStarter() as starter:
        report = killed_in_batches(
            config,
            scene.out,
            scene.server,
            starter,
            kills=kills,
            needed=prompts * 8,
            chance=random.Random(7),
        )
    assert (report.exit_code, report.kills) == (0, kills)
    assert 0 <= report.repeated <= report.directly_in_flight
    assert len(report.bought_again) == report.repeated
    assert not [way for way in report.bought_again if way.startswith(IN_A_BATCH)]
    scene.server.behaviour.latency_s = 0
    assert results(scene.out) == scene.undisturbed(prompts)
    return (
        f"{kills} kills survived, {prompts * 8} requests, {report.in_batches} of them in "
        f"{creations(scene.server)} batches and none of these twice; {report.directly_in_flight} "
        f"were in flight directly at the kills, {report.repeated} repeated; the undisturbed result"
    )
