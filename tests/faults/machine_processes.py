"""Faults of the machine: signals, kills, clocks and a second process."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from tests.faults.reply_rewards import with_reward_model
from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.local_server import faults
from tests.support.kills import (
    KillReport,
    WarmStarter,
    calls_lost,
    result_bytes,
    run_through_kills,
)

IN_FLIGHT = 16


def straight_bytes(scene: Scene) -> dict[str, bytes]:
    """Of an undisturbed run on the same server, paid anew."""
    straight = scene.folder / "straight"
    scene.forget_replies()
    scene.exits(0, out=straight)
    return result_bytes(straight)


def _killed(scene: Scene, config: Path, kills: int) -> KillReport:
    """So often at random moments, then to its end."""
    with WarmStarter() as starter:
        return run_through_kills(
            config, scene.out, scene.server, starter, kills=kills, chance=random.Random(5)
        )


@fault(
    "sigkill-200",
    done="The process is killed two hundred times at random moments, then left alone.",
    promise="The files of an undisturbed run; repeated are at most the calls in flight.",
    longest_s=900,
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.02
    config = scene.configure(prompts=1000)
    report = _killed(scene, config, 200)
    assert (report.exit_code, report.kills) == (0, 200)
    calls = report.sent - report.repeated
    assert calls == 1000 * 8
    assert report.repeated <= report.in_flight
    scene.server.behaviour.latency_s = 0
    assert result_bytes(scene.out) == straight_bytes(scene)
    return (
        f"200 kills survived, {calls} calls, {report.in_flight} in flight at the kills, "
        f"{report.repeated} repeated; the same bytes in all result files"
    )


@fault(
    "sigkill-reward",
    done="The process is killed ten times at random moments, with a reward model as the judge.",
    promise="Every reward is there once; repeated are at most the calls in flight.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.02
    with_reward_model(scene, prompts=60)
    report = _killed(scene, scene.folder / "config.yaml", 10)
    assert report.exit_code == 0
    assert report.sent - report.repeated == 60 * 8
    assert report.repeated <= report.in_flight
    scene.server.behaviour.latency_s = 0
    assert result_bytes(scene.out) == straight_bytes(scene)
    return f"{report.kills} kills survived, {report.repeated} calls repeated; the same bytes"


@fault(
    "sigkill-more-in-doubt",
    done="The process is killed ten times while prompts in doubt get further completions.",
    promise="The same further completions are sampled; repeated are at most the calls in flight.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.02
    judging = {"judges": [{"model": "small"}], "aim": "training", "cascade": {}, "fit_prompts": 8}
    judging |= {"fit_repeats": 0, "training_value": {"point_wrong": 20.0}}
    sampling = {"models": ["small"], "completions": 2, "more_in_doubt": 2, "seed": 7}
    config = scene.configure(prompts=80, judging=judging, sampling=sampling)
    report = _killed(scene, config, 10)
    assert report.exit_code == 0
    assert report.repeated <= report.in_flight
    scene.server.behaviour.latency_s = 0
    calls = report.sent - report.repeated
    assert result_bytes(scene.out) == straight_bytes(scene)
    more = (calls - 80 * 4) // 2
    assert more > 0
    return f"{report.kills} kills survived, {more} further completions, the same bytes"


def _ends_in_order(name: str, done: str, number: signal.Signals) -> None:
    @fault(
        name,
        done=f"{done} in the middle of the run.",
        promise="What is in flight is stored, exit 130 within the grace; nothing is paid twice.",
    )
    def show(scene: Scene) -> str:
        scene.server.behaviour.latency_s = 0.2
        scene.configure(prompts=40)
        process = scene.signalled(number, after=40)
        begun = time.monotonic()
        scene.command_exits(130, process)
        assert time.monotonic() - begun < 2 + 10, "the grace and ten seconds"
        scene.exits(0)
        assert len(scene.server.requests) == 40 * 8
        return "exit 130; the same command went on, nothing was asked twice"


_ends_in_order("sigterm", "SIGTERM", signal.SIGTERM)
_ends_in_order("sigint", "Ctrl-C", signal.SIGINT)


@fault(
    "sigint-twice",
    done="Ctrl-C twice, while replies do not come.",
    promise="The second one ends the process at once (exit 130); the same command continues.",
)
def _(scene: Scene) -> str:
    scene.server.faults.add(faults.stall_headers(60))
    scene.configure(prompts=6, limits={"grace_s": 60})
    process = scene.signalled(signal.SIGINT, after=4)
    time.sleep(0.3)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    scene.command_exits(130, process)
    assert time.monotonic() - begun < 5
    scene.server.faults.clear()
    in_flight = calls_lost(scene.out / "state" / "spending.jsonl")
    stalled = len(scene.server.requests)
    scene.exits(0)
    assert len(scene.server.requests) - 6 * 8 <= in_flight == stalled
    return "exit 130 at once; then all prompts, only what was in flight asked again"


@fault(
    "sighup",
    done="The terminal is closed (SIGHUP).",
    promise="The run goes on to its end.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.1
    scene.configure(prompts=10)
    scene.command_exits(0, scene.signalled(signal.SIGHUP, after=10))
    return "exit 0, all prompts done"


@fault(
    "sigstop-60s",
    done="The process is stopped for a minute (a laptop that sleeps), with a timeout of 5 s.",
    promise="It goes on by itself; stale calls are tried again; the result is undisturbed.",
    longest_s=240,
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 0.2
    scene.configure(prompts=30, own={"timeout_s": 5}, limits={"max_retry_s": 300})
    process = scene.signalled(signal.SIGSTOP, after=40)
    time.sleep(60)
    process.send_signal(signal.SIGCONT)
    scene.command_exits(0, process, timeout=120)
    repeated = len(scene.server.requests) - 30 * 8
    assert repeated <= IN_FLIGHT
    assert result_bytes(scene.out) == straight_bytes(scene)
    return "exit 0, at most what was in flight asked again, the same bytes"


@fault(
    "two-processes",
    done="The same command is started while it runs.",
    promise="The second exits 75 at once and touches nothing; the first is undisturbed.",
)
def _(scene: Scene) -> str:
    scene.server.behaviour.latency_s = 2
    scene.configure(prompts=10)
    first = scene.start()
    scene.wait_for_requests(10, first)
    shown = scene.command_exits(75, scene.start())
    assert "another run holds this folder" in shown
    scene.command_exits(0, first)
    assert len(scene.server.requests) == 10 * 8
    return "exit 75; the first ended with exit 0, nothing asked twice"


_CLOCK = """
import datetime, sys, time
real, begun = time.time, time.monotonic()
start = {start}
def jumping():
    passed = time.monotonic() - begun
    return (real() if start is None else start + passed) + (({jump}) if passed > {after} else 0)
class Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(jumping(), tz)
time.time = jumping
datetime.datetime = Jumping
from judgeforge.cli import main
main()
"""


def _clock_jumps(scene: Scene, jump_s: int, start: str = "None") -> str:
    """The child's clock jumps after 1.5 s, while calls are under way."""
    scene.server.behaviour.latency_s = 0.3
    ledger = {"usd": 5.0, "daily_usd": 5.0}
    scene.configure(prompts=40, budget=ledger)
    program = _CLOCK.format(start=start, jump=jump_s, after=1.5)
    begun = time.monotonic()
    scene.command_exits(0, scene.start(program=program))
    assert time.monotonic() - begun < 50, "no wait follows the clock on the wall"
    assert len(scene.server.requests) == 40 * 8
    assert result_bytes(scene.out) == straight_bytes(scene)
    return "exit 0, nothing asked twice, no wait longer, the same bytes"


for _direction, _jump_s in (("forward", 3600), ("back", -3600)):

    @fault(
        f"clock-{_direction}",
        done=f"The clock jumps an hour {_direction} during the run.",
        promise="No wait, limit or timeout follows the wall clock: the run is undisturbed.",
    )
    def _(scene: Scene, jump_s: int = _jump_s) -> str:
        return _clock_jumps(scene, jump_s)


@fault(
    "clock-over-midnight",
    done="Midnight passes during the run, with a daily budget.",
    promise="The run goes on; the new day's money counts for the new day.",
)
def _(scene: Scene) -> str:
    # 2026-03-01, ten minutes before midnight (UTC); the jump leads into the next day.
    return _clock_jumps(scene, 1200, start="1772408400 - 600")
