"""The command's own part: names, ports, screens, and what it says."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from judgeforge.errors import ConfigError
from judgeforge.runs.labelling import labelling
from judgeforge.runs.labelling.labelling import Asked, label
from judgeforge.runs.labelling.server import LabelServer
from tests.support.labelling import plain_rows, write_project


def asked(folder: Path, **more: object) -> Asked:
    options = {"source": write_project(folder, plain_rows(2)), "to": folder / "l.jsonl", **more}
    return Asked(**options)  # type: ignore[arg-type]


def ended_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the person had ended it from the page."""
    start = LabelServer.start

    async def started(self: LabelServer) -> str:
        address = await start(self)
        self.finished.set()
        return address

    monkeypatch.setattr(LabelServer, "start", started)


def said(folder: Path, monkeypatch: pytest.MonkeyPatch, **more: object) -> list[str]:
    ended_at_once(monkeypatch)
    lines: list[str] = []
    label(asked(folder, **more), lines.append)
    return lines


def test_where_there_is_no_screen_it_says_how_to_reach_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "has_browser", lambda _: False)
    lines = said(tmp_path, monkeypatch)
    assert "0 of 2 are labelled. Open http://127.0.0.1:" in lines[0]
    port = lines[0].split(":")[2].split("/")[0]
    assert f"ssh -L {port}:127.0.0.1:{port} " in lines[1]


def test_a_folder_that_is_made_for_the_labels_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistyped = tmp_path / "lables" / "ana.jsonl"
    first, second = (said(tmp_path, monkeypatch, to=mistyped) for _ in range(2))
    assert first[0] == f"{mistyped.parent}: is a new folder, made for the labels"
    assert "are labelled. Open" in first[1]
    assert "are labelled. Open" in second[0]


@pytest.mark.parametrize(("wanted", "opened"), [(True, 1), (False, 0), (None, 1)])
def test_the_browser_is_opened_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool | None, opened: int
) -> None:
    addresses: list[str] = []
    monkeypatch.setattr(labelling, "has_browser", lambda _: True)
    monkeypatch.setattr("webbrowser.open", addresses.append)
    lines = said(tmp_path, monkeypatch, open_browser=wanted)
    assert len(addresses) == opened
    assert all(address in lines[0] for address in addresses)


def test_a_port_that_is_taken_is_a_mistake_of_the_command(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port {port}"):
            label(asked(tmp_path, port=port), lambda _: None)


@pytest.mark.parametrize("name", ["", " ", " ana", "a\nb", "x" * 61])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="--name"):
        label(asked(tmp_path, name=name), lambda _: None)


def test_the_summary_says_what_is_done_and_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_at_once(monkeypatch)
    found = label(asked(tmp_path), lambda _: None)
    assert (found.labels, found.here, found.done, found.number) == (0, 0, 0, 2)


def test_an_unknown_user_is_called_me(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("no such uid")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert labelling.user_name() == "me"
