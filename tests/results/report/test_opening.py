"""Where a person asks for the page of a run: the browser of this machine, a cell, or its path."""

from __future__ import annotations

import base64
import os
import shutil
import sys
import webbrowser
from pathlib import Path

import pytest

from judgeforge.errors import ConfigError
from judgeforge.results.report import opening
from judgeforge.results.report.opening import ReportPage, has_browser
from tests.support.html_page import Page
from tests.support.run_process import Command

SSH = {"SSH_CONNECTION": "10.0.0.1 22"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was asked for, on a machine with a screen."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    monkeypatch.setenv("DISPLAY", ":0")
    return addresses


@pytest.mark.parametrize(
    ("platform", "environment", "seen"),
    [
        ("linux", {}, False),
        ("linux", SSH, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {**SSH, "BROWSER": "code --open"}, True),
        ("linux", {**SSH, "DISPLAY": "localhost:10.0"}, True),
        ("darwin", {}, True),
        ("darwin", SSH, False),
        ("win32", {}, True),
    ],
)
def test_a_browser_is_one_that_somebody_sees(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], seen: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert has_browser(environment) == seen


def test_opening_shows_the_page_and_gives_its_path(finished: Path, opened: list[str]) -> None:
    page = ReportPage(finished)
    assert page.open() == finished / "report.html"
    assert opened == [(finished / "report.html").resolve().as_uri()]
    assert (str(page), os.fspath(page)) == (str(finished / "report.html"),) * 2
    assert str(finished / "report.html") in repr(page)


def test_the_command_opens_it_where_it_is_asked_to(
    finished: Path, tmp_path: Path, opened: list[str], command: Command
) -> None:
    assert command("report", finished, "--to", tmp_path / "a.html")[0] == 0
    assert opened == []
    assert command("report", finished, "--to", tmp_path / "b.html", "--open")[0] == 0
    assert opened == [(tmp_path / "b.html").as_uri()]


def test_without_a_browser_nothing_is_started(
    finished: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert ReportPage(finished).open() == finished / "report.html"
    assert opened == []


def test_a_browser_that_fails_is_no_failure(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "open", fails)
    monkeypatch.setenv("DISPLAY", ":0")
    assert ReportPage(finished).open().is_file()


def test_a_page_that_was_deleted_is_made_again(
    finished: Path, tmp_path: Path, opened: list[str]
) -> None:
    folder = shutil.copytree(finished, tmp_path / "copy")
    (folder / "report.html").unlink()
    assert ReportPage(folder).open().stat().st_size > 10_000
    assert len(opened) == 1


def test_a_cell_shows_the_page_in_a_frame_and_its_link(finished: Path) -> None:
    shown = Page(ReportPage(finished)._repr_html_())
    assert shown.tags == {"div", "iframe", "p", "a"}
    data = base64.b64encode((finished / "report.html").read_bytes()).decode()
    assert shown.attributes("src") == [f"data:text/html;charset=utf-8;base64,{data}"]
    assert shown.attributes("sandbox") == [None]
    assert shown.attributes("href") == [(finished / "report.html").resolve().as_uri()]


def test_a_large_page_is_linked_and_not_copied(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LARGEST_EMBEDDED", 1000)
    shown = Page(ReportPage(finished)._repr_html_())
    assert "iframe" not in shown.tags
    assert "too large" in shown.text


def test_a_folder_that_is_gone_is_said_to_be_so(tmp_path: Path, opened: list[str]) -> None:
    gone = ReportPage(tmp_path / "gone")
    assert "there is no such folder" in Page(gone._repr_html_()).text
    with pytest.raises(ConfigError, match="there is no such folder"):
        gone.open()
    assert opened == []
