"""How far a run is: a bar on a terminal, a plain line now and then everywhere else."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from judgeforge.cli.show import progress as progress_display
from judgeforge.cli.show.progress import ProgressDisplay
from judgeforge.runs.progress import Progress

HALF = Progress(
    prompts=100,
    done=50,
    pairs=40,
    paid_calls=300,
    cached_calls=20,
    cost_usd=0.5,
    budget_usd=2.0,
    elapsed_s=61.0,
    done_before=0,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_display, "time", clock)
    return clock


def test_without_a_terminal_there_is_a_line_every_30_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProgressDisplay() as display:
        for _ in range(200):  # 100 seconds, two reports a second
            clock.now += 0.5
            display.update(HALF)
    lines = capsys.readouterr().err.splitlines()
    assert (
        lines
        == ["prompts 50/100  pairs 40  calls 300 sent, 20 cached  $0.5000 of $2  about 1:01 left"]
        * 3
    )


DOWN = replace(
    HALF,
    out_of_order={"small": "HTTP 500 from [small]"},
    trouble="nothing has come back for 31 s: 4 calls of model `small`: [1] in flight",
)


def test_a_model_that_goes_out_of_order_is_told_at_once_and_then_what_is_waited_for(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProgressDisplay() as display:
        for _ in range(10):  # it comes and goes
            display.update(HALF)
            display.update(DOWN)
        clock.now += 31
        display.update(DOWN)
        display.update(replace(HALF, elapsed_s=92.0))
        clock.now += 31
        display.update(HALF)
    out_of_order, waiting, fine = capsys.readouterr().err.splitlines()
    assert out_of_order == (
        "judgeforge: model `small` is out of order and only tried now and then; "
        "last failure: HTTP 500 from [small]"
    )
    assert waiting.endswith(f"left  {DOWN.trouble}")
    assert fine.endswith("left")


def test_a_quiet_run_tells_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay(quiet=True) as display:
        display.update(DOWN)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (replace(HALF, budget_usd=None), "$0.5000  about"),
        (replace(HALF, cost_usd=None), "cost unknown"),
        (replace(HALF, done_before=40), "about 5:05 left"),
        (replace(HALF, done_before=50), "$0.5000 of $2\n"),
        (replace(HALF, done=100), "$0.5000 of $2\n"),
    ],
    ids=["no budget", "unknown cost", "resumed", "nothing done yet", "all done"],
)
def test_a_line_tells_only_what_is_known(
    clock: Clock, capsys: pytest.CaptureFixture[str], progress: Progress, shown: str
) -> None:
    with ProgressDisplay() as display:
        clock.now += 31
        display.update(progress)
    assert shown in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return terminal


def test_below_the_bar_stands_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    with ProgressDisplay() as display:
        display.update(DOWN)
    shown = terminal.getvalue()
    assert "`small` is out of order" in shown
    assert "HTTP 500 from [small]" in shown
    assert "nothing has come back for 31 s: 4 calls of model `small`: [1] in flight" in shown


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_the_count_is_seen_on_any_width(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    terminal = at_a_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(columns))
    with ProgressDisplay() as display:
        display.update(replace(HALF, prompts=1000, done=123))
    assert "123/1000" in terminal.getvalue()


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    with ProgressDisplay() as display:
        display.update(HALF)
        display.update(replace(HALF, done=60))
    shown = terminal.getvalue()
    assert "60/100" in shown
    assert "$0.5000 of $2" in shown
