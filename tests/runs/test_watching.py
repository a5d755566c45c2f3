"""`judgeforge watch`: it ends when the run does and as the run does, and says what it waits for."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import pytest

from judgeforge.errors import ConfigError, StoreError
from judgeforge.runs import watching
from judgeforge.runs.followed_run import FollowedRun, RunLook
from judgeforge.runs.watching import EXIT_KILLED, Watch
from tests.local_server import LocalServer
from tests.support.run_process import Command, kill, start
from tests.support.run_setup import run, write_config
from tests.support.waiting import wait_for_requests, wait_until


class Watched:
    """A watch in a thread of its own, as in a second terminal."""

    def __init__(self, folder: Path, **options: float) -> None:
        self.looks: list[RunLook] = []
        self.said: list[str] = []
        self.code: int | None = None
        watch = Watch(str(folder), self.looks.append, self.said.append)
        self._thread = threading.Thread(
            target=lambda: setattr(self, "code", watch.until_the_end(every_s=0.05, **options))
        )
        self._thread.start()

    def ended(self) -> int | None:
        self._thread.join(30)
        assert not self._thread.is_alive(), "it goes on watching"
        return self.code


@pytest.mark.slow
def test_it_waits_for_a_run_follows_it_and_ends_with_it(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    server.behaviour.latency_s = 0.05
    watched = Watched(out)
    process = start(write_config(tmp_path, server, prompts=30, budget={"usd": 2.0}), out)
    assert watched.ended() == 0 == process.wait()
    assert watched.said == [
        f"{out}: there is no such folder; waiting 60 s for a run to begin there"
    ]
    done = [look.status.done for look in watched.looks]
    assert done == sorted(done)
    assert done[-1] == 30
    last = watched.looks[-1].status
    assert (last.status, last.calls, last.budget_usd) == ("complete", 240, 2.0)
    assert max(look.calls_per_minute for look in watched.looks) > 0
    assert "running" in {look.status.status for look in watched.looks}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [(signal.SIGKILL, "killed", EXIT_KILLED), (signal.SIGINT, "interrupted", 130)],
)
def test_a_run_that_is_killed_is_told_from_one_that_is_interrupted(
    tmp_path: Path, server: LocalServer, out: Path, sent: signal.Signals, status: str, code: int
) -> None:
    server.behaviour.latency_s = 0.05
    process = start(write_config(tmp_path, server, prompts=200), out)
    wait_for_requests(server, 20, process)
    watched = Watched(out)
    wait_for_requests(server, 60, process)
    process.send_signal(sent)
    assert watched.ended() == code
    assert watched.looks[-1].status.status == status
    kill(process)


@pytest.mark.slow
def test_a_paused_run_is_waited_for_and_says_so(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    server.behaviour.latency_s = 0.05
    process = start(write_config(tmp_path, server, prompts=100), out)
    wait_for_requests(server, 60, process)
    process.send_signal(signal.SIGSTOP)
    stat = Path(f"/proc/{process.pid}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
    looks: list[RunLook] = []
    assert Watch(str(out), looks.append, print).once() == 0
    assert looks[0].status.status == "running"
    assert f"process {process.pid} is paused" in looks[0].waits_for[0]
    process.send_signal(signal.SIGCONT)
    kill(process)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [({}, "complete", 0), ({"budget_usd": 0.0}, "budget", 3)],
)
def test_of_a_run_that_has_ended_it_gives_the_exit_code(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    options: dict[str, float],
    status: str,
    code: int,
) -> None:
    config = write_config(tmp_path, server, prompts=2)
    if code:
        with pytest.warns(UserWarning, match="stopped early"):
            run(config, out, **options)
    else:
        run(config, out)
    assert command("watch", out)[0] == code
    found, shown, _ = command("watch", out, "--once", "--json")
    assert found == code
    assert json.loads(shown)["status"] == status
    assert "prompts" in command("watch", out, "--once")[1]


def test_where_no_run_begins_it_says_so(out: Path, command: Command) -> None:
    assert command("watch", out, "--once")[0] == 2
    code, _, said = command("watch", out, "--wait", "0.05")
    assert code == 2
    assert f"{out}: there is no such folder" in said
    assert command("watch", out.parent / "{date}", "--wait", "0")[0] == 2


def test_a_folder_of_other_things_is_refused_at_once(tmp_path: Path, command: Command) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "notes.txt"):
        code, _, said = command("watch", place, "--wait", "600")
        assert code == 2
        assert str(place) in said


def test_a_folder_that_fails_for_a_moment_is_looked_at_again(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(write_config(tmp_path, server, prompts=1), out)
    whole = FollowedRun(out).look()
    failures = iter([None, StoreError("stale"), None, whole])
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.001)
    running = FollowedRun(out).look()
    assert running is not None

    def look(_: FollowedRun) -> RunLook | None:
        found = next(failures)
        if isinstance(found, StoreError):
            raise found
        return found

    monkeypatch.setattr(FollowedRun, "look", look)
    watch = Watch(str(out), lambda _: None, lambda _: None)
    assert watch._patiently(FollowedRun(out)) is whole


def test_a_folder_that_is_gone_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.001)
    watch = Watch("gone", lambda _: None, lambda _: None)
    with pytest.raises(StoreError, match="the run folder is gone"):
        watch._patiently(FollowedRun(tmp_path / "gone"))
    with pytest.raises(ConfigError, match="no such folder"):
        watch.once()
