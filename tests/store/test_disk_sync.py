"""What is written is forced onto the disk in order; a disk that fails is not asked again."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store import disk_sync
from judgeforge.store.disk_sync import DiskSync
from judgeforge.store.on_disk import MARK


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files, as they are forced."""
    names: list[str] = []

    def note(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(disk_sync, "force", note)
    return names


def _files(folder: Path) -> list[Path]:
    files = [folder / "money", folder / "replies", folder / "journal"]
    for file in files:
        file.write_text("1")
    return files


def _age(file: Path) -> None:
    os.utime(file, ns=(0, time.time_ns() - 10**9))


def test_the_money_is_forced_first_and_what_has_not_changed_not_again(
    tmp_path: Path, forced: list[str]
) -> None:
    files = _files(tmp_path)
    for file in files:
        _age(file)
    sync = DiskSync(tmp_path, files)
    sync.sync()
    assert forced == ["money", "replies", "journal"]
    sync.sync()
    assert len(forced) == 3
    with files[1].open("a") as replies:
        replies.write("2")
    sync.sync()
    assert forced[3:] == ["replies"]
    sync.close()


def test_a_file_that_changed_just_now_is_forced_once_more(
    tmp_path: Path, forced: list[str]
) -> None:
    file = tmp_path / "money"
    file.write_text("1")
    sync = DiskSync(tmp_path, [file])
    sync.sync()
    sync.sync()
    assert forced == ["money", "money"]
    sync.close()


def test_the_mark_says_how_much_of_the_files_beside_it_is_safe(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "journal.bin").write_text("four")
    (tmp_path / "elsewhere").write_text("x")
    sync = DiskSync(state, [state / "journal.bin", tmp_path / "elsewhere", state / "missing"])
    sync.sync()
    assert json.loads((state / MARK).read_bytes())["ends"] == {"journal.bin": 4}
    sync.close()


def test_a_disk_that_failed_once_stops_the_run_and_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def fail(_: int) -> None:
        nonlocal asked
        asked += 1
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk_sync, "force", fail)
    file = tmp_path / "money"
    file.write_text("1")
    sync = DiskSync(tmp_path, [file])
    for attempt in (sync.sync, sync.sync, sync.check):
        with pytest.raises(StoreError, match="money: cannot be written"):
            attempt()
    assert asked == 1
    sync.close()


def test_its_thread_forces_what_is_written_without_being_asked(tmp_path: Path) -> None:
    file = tmp_path / "money"
    file.write_text("1")
    sync = DiskSync(tmp_path, [file], every_s=0.01)
    sync.begin()
    file.write_text("12345")
    end = time.monotonic() + 20
    while json.loads((tmp_path / MARK).read_bytes())["ends"] != {"money": 5}:
        assert time.monotonic() < end
        time.sleep(0.01)
    sync.close()
