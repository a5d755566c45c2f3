"""The lock of a run folder: one run at a time, and none left behind by a dead one."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from judgeforge.errors import LockHeldError, StoreError
from judgeforge.store.lock import FolderLock, is_held, read_holder


def without_flock(descriptor: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def pretended_flock(descriptor: int, operation: int) -> None:
    """Keeps no second run out."""


def test_a_second_run_is_refused_and_the_lock_is_free_after_the_first(file: Path) -> None:
    with FolderLock(file), pytest.raises(LockHeldError, match="--out; in Python"), FolderLock(file):
        pytest.fail("two runs hold one folder")
    with FolderLock(file):
        assert is_held(file)
    assert not is_held(file)


def test_the_second_one_is_told_who_is_there(file: Path) -> None:
    with FolderLock(file) as lock:
        lock.sign(since="2026-10-18T02:00:00+00:00", journal_bytes=7)
        said = rf"process {os.getpid()} on .* since 2026-10-18T02"
        with pytest.raises(LockHeldError, match=said), FolderLock(file):
            pass
    holder = read_holder(file)
    assert holder is not None
    assert (holder.pid, holder.journal_bytes) == (os.getpid(), 7)


def test_a_longer_signature_of_before_leaves_nothing_of_itself(file: Path) -> None:
    for since in ("2026-10-18T02:00:00.123456+00:00", "2026"):
        with FolderLock(file) as lock:
            lock.sign(since=since, journal_bytes=0)
    holder = read_holder(file)
    assert holder is not None
    assert holder.since == "2026"
    assert file.stat().st_size == 512


@pytest.mark.parametrize("content", [None, "", '{"pid": 1}', "no json"])
def test_where_no_run_has_signed_there_is_no_holder(file: Path, content: str | None) -> None:
    if content is not None:
        file.write_text(content)
    assert read_holder(file) is None
    assert not is_held(file)


@pytest.mark.parametrize("flock", [without_flock, pretended_flock])
def test_a_file_system_without_flock_is_refused_unless_told_otherwise(
    file: Path, monkeypatch: pytest.MonkeyPatch, flock: object
) -> None:
    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StoreError, match=r"flock.*--no-lock.*no_lock=True"), FolderLock(file):
        pytest.fail("held without a lock")
    with FolderLock(file, needed=False):
        pass
