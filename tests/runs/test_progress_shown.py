"""What Python shows of a run: at a terminal, in a notebook's cell, in a file."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.runs import progress_shown
from judgeforge.runs.progress_shown import NotebookProgress, ProgressLine, ProgressLines
from tests.local_server import LocalServer
from tests.runs.test_progress import BEGUN, in_a_loop
from tests.support.html_page import Page
from tests.support.run_setup import run, write_config


class Stream(io.StringIO):
    encoding = "ascii"

    def isatty(self) -> bool:
        return True


class NotebookStream(io.StringIO):
    """Ends like the one that the kernel of a notebook puts in the place of standard error."""


NotebookStream.__module__ = "ipykernel.iostream"


@pytest.mark.parametrize("start", [run, in_a_loop])
@pytest.mark.parametrize(
    ("stream", "options", "shown"),
    [
        (Stream, {}, True),
        (NotebookStream, {}, True),
        (io.StringIO, {}, False),
        (io.StringIO, {"progress": True}, True),
        (Stream, {"progress": False}, False),
        (Stream, {"on_progress": lambda _: None}, False),
        (Stream, {"on_progress": lambda _: None, "progress": True}, True),
    ],
)
def test_python_shows_a_line_at_a_terminal_and_in_a_notebook(
    tmp_path: Path,
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., judgeforge.RunResult],
    stream: type[io.StringIO],
    options: dict[str, Any],
    shown: bool,
) -> None:
    error = stream()
    monkeypatch.setattr(sys, "stderr", error)
    start(write_config(tmp_path, server, prompts=1), tmp_path / "out", **options)
    assert ("1/1 prompts" in error.getvalue()) == shown
    assert error.getvalue().endswith("\n") == shown


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_the_count_comes_first_and_the_line_fits(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    error = Stream()
    monkeypatch.setattr(sys, "stderr", error)
    monkeypatch.setenv("COLUMNS", str(columns))
    line = ProgressLine()
    line.show(replace(BEGUN, trouble="nothing has come back for a long time: …"))
    line.show(BEGUN)
    written = error.getvalue().split("\r")[1:]
    assert all(text.startswith("0/100 prompts") for text in written)
    assert all(len(text) < columns + len("\\u2026") for text in written)


def test_where_there_is_no_standard_error_nothing_is_shown(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    for number, stream in enumerate([None, closed]):
        monkeypatch.setattr(sys, "stderr", stream)
        result = run(write_config(tmp_path, server, prompts=1), tmp_path / str(number))
        assert result.exit_code == 0


def test_a_terminal_that_goes_away_takes_only_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Stream):
        def write(self, _: str) -> int:
            raise OSError("gone")

    monkeypatch.setattr(sys, "stderr", Gone())
    line = ProgressLine()
    line.show(BEGUN)
    line.show(replace(BEGUN, trouble="nothing has come back…"))
    line.end()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_file_gets_a_line_every_30_seconds_and_the_last_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error, clock = io.StringIO(), Clock()
    monkeypatch.setattr(sys, "stderr", error)
    monkeypatch.setattr(progress_shown, "time", clock)
    lines = ProgressLines()
    for done in range(200):  # 100 seconds, two reports a second
        clock.now += 0.5
        lines.show(replace(BEGUN, done=done // 2, notes=("look here",)))
    lines.end()
    lines.end()
    shown = error.getvalue().splitlines()
    assert shown[0] == "look here"
    assert [line.split("/")[0] for line in shown[1:]] == ["29", "59", "89", "99"]
    assert "\r" not in error.getvalue()


def test_a_script_that_shows_nothing_is_told_once_of_a_model_that_stays_out_of_order(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, failing = Clock(), replace(BEGUN, out_of_order={"own": "HTTP 500"})
    monkeypatch.setattr(progress_shown, "time", clock)
    with progress_shown.shown(False, None) as show:
        assert show is not None
        for state, seconds in ((failing, 8), (BEGUN, 8), (failing, 30)):
            for _ in range(2 * seconds):
                clock.now += 0.5
                show(state)
            assert len(caplog.messages) == (seconds == 30)
    assert "model `own` does not answer (HTTP 500)" in caplog.text
    with progress_shown.shown(False, print) as own:
        assert own is print


class Cell:
    """Of a notebook: what a front end keeps of ``display`` and of updates to it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.outputs: list[dict[str, str]] = []
        self.updates = 0
        self._fails = fails

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Cell:
        assert raw
        assert display_id
        self.outputs.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        if self._fails:
            raise ConnectionError("the kernel is going")
        self.updates += 1
        self.outputs[-1] = bundle


def test_a_cell_has_one_output_that_is_replaced() -> None:
    cell = Cell()
    view = NotebookProgress(cell.display)
    for done in (0, 1, 1, 2):
        view.show(replace(BEGUN, done=done))
    view.end()
    assert [bundle["text/plain"].split()[0] for bundle in cell.outputs] == ["2/100"]
    assert cell.updates == 2, "what has not changed is not sent again"
    assert cell.outputs[0].keys() == {"text/plain", "text/html"}


def test_what_servers_say_is_no_markup_in_a_cell() -> None:
    cell = Cell()
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    NotebookProgress(cell.display).show(replace(BEGUN, trouble=attack, notes=(attack,)))
    page = Page(cell.outputs[0]["text/html"])
    assert page.tags == {"div", "progress", "strong", "span"}
    assert page.text.count(attack) == 2


def test_a_kernel_that_goes_away_takes_only_what_is_shown() -> None:
    cell = Cell(fails=True)
    view = NotebookProgress(cell.display)
    for done in range(3):
        view.show(replace(BEGUN, done=done))
    assert len(cell.outputs) == 1
