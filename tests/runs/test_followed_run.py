"""A run that another process makes, looked at again and again: as `status` tells it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import StoreError
from judgeforge.results.figures.activity import Activity
from judgeforge.results.status import read_status
from judgeforge.runs import followed_run
from judgeforge.runs.followed_run import FollowedRun, RunLook
from judgeforge.store import json_lines
from judgeforge.store.folder import RunFolder
from judgeforge.store.lock import FolderLock
from judgeforge.store.log import CallRecord, RunLog
from judgeforge.store.spending import SpendingFile
from judgeforge.text.redaction import Redactor
from tests.support.run_setup import rows


def look(run: FollowedRun) -> RunLook:
    found = run.look()
    assert found is not None
    return found


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "copy")


def goes_on(folder: Path) -> None:
    """Its manifest as that of a run under way."""
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps({**manifest, "status": "running"}))


def test_it_tells_what_status_tells(folder: Path) -> None:
    told, status = look(FollowedRun(folder)), read_status(folder)
    assert told.is_over
    assert told.waits_for == ()
    assert told.status == status
    assert told.as_json().items() >= json.loads(json.dumps(asdict(status))).items()
    json.dumps(told.as_json())
    assert {one.model for one in told.models} == {"small", "other"}
    assert sum(one.calls for one in told.models) == status.calls


def test_a_run_that_was_killed_is_told_from_one_that_goes_on(folder: Path) -> None:
    goes_on(folder)
    run = FollowedRun(folder)
    assert (look(run).status.status, look(run).is_over) == ("killed", True)
    with FolderLock(RunFolder(folder).lock_file) as lock:
        lock.sign(since="2026-10-18T02:00:00+00:00", journal_bytes=0)
        told = look(run)
        assert (told.status.status, told.is_over) == ("running", False)
        assert told.status == read_status(folder) or told.status.eta_s is not None
    assert look(run).status.status == "killed"


def test_nothing_is_there_until_a_run_begins(tmp_path: Path) -> None:
    run, folder = FollowedRun(tmp_path / "out"), RunFolder(tmp_path / "out")
    assert run.look() is None
    folder.create()
    assert run.look() is None
    with FolderLock(folder.lock_file):
        told = look(run)
        assert (told.status.status, told.status.prompts, told.status.calls) == ("starting", 0, 0)


def test_a_run_that_starts_again_is_not_taken_for_the_one_before(folder: Path) -> None:
    with FolderLock(RunFolder(folder).lock_file) as lock:
        lock.sign(since="2999-01-01T00:00:00+00:00", journal_bytes=0)
        assert look(FollowedRun(folder)).status.status == "starting"


def test_each_look_reads_only_what_is_new(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, run = RunFolder(folder), FollowedRun(folder)
    before = look(run)
    money, log = SpendingFile(files.spending_file), RunLog(files.log, Redactor(()))
    number = before.status.calls
    money.append(["reserved", number, 10**12])
    log.call(CallRecord("k", "small", "openai", 1, "ok", 0.2, input_tokens=1, output_tokens=1))
    opened: list[int] = []
    monkeypatch.setattr(json_lines, "read_log", lambda *_, **__: pytest.fail("read as a whole"))
    monkeypatch.setattr(Activity, "add", lambda self, row: opened.append(1))
    after = look(run)
    assert len(opened) == 1
    assert after.status.calls == number + 1
    assert after.status.reserved_usd == pytest.approx(before.status.reserved_usd + 1.0)
    money.append(["settled", number, 5 * 10**11, 7, 8])
    assert look(run).status.cost_usd == pytest.approx((before.status.cost_usd or 0) + 0.5)
    money.close()
    log.close()


def test_of_a_long_log_only_the_end_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_run, "_LOG_BYTES", 2000)
    told = look(FollowedRun(folder))
    assert 0 < sum(one.calls for one in told.models) < 12
    assert told.counted_since is not None
    assert told.status.calls == read_status(folder).calls, "money and calls are counted whole"


def test_prompts_of_this_start_are_added_as_they_end(folder: Path) -> None:
    goes_on(folder)
    file = folder / "manifest.json"
    manifest: dict[str, Any] = json.loads(file.read_text())
    done, skips = len(rows(folder / "completions.jsonl")), manifest["totals"]["skips"]
    nothing = {"prompts": 0, "pairs": 0, "skips": {}}
    file.write_text(json.dumps({**manifest, "totals": manifest["totals"] | nothing}))
    journal = RunFolder(folder).journal_file
    whole = journal.read_bytes()
    with FolderLock(RunFolder(folder).lock_file) as lock:
        lock.sign(since="2026-10-18T02:00:00+00:00", journal_bytes=0)
        journal.write_bytes(whole[: len(whole) // 2])
        run = FollowedRun(folder)
        half = look(run).status
        journal.write_bytes(whole)
        after = look(run).status
        assert 0 < half.done < after.done == read_status(folder).done
        assert after.skips == skips
        assert (after.pairs, after.eta_s is None) == (manifest["totals"]["pairs"], False)
        assert done > after.done


def test_a_damaged_folder_is_named(folder: Path) -> None:
    (folder / "manifest.json").write_text("no json")
    with pytest.raises(StoreError, match="this is not a manifest"):
        FollowedRun(folder).look()


def test_it_changes_nothing(folder: Path) -> None:
    def state() -> dict[Path, tuple[int, bytes]]:
        files = (file for file in folder.rglob("*") if file.is_file())
        return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}

    before, run = state(), FollowedRun(folder)
    look(run)
    look(run)
    assert state() == before
