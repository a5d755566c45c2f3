"""Which reservations that workers hold no call has, as a folder tells from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store import leases
from judgeforge.store.folder import RunFolder
from judgeforge.store.leases import Unused, unused_leases
from judgeforge.store.spending import read_account


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Ten reservations of 7 each: the first three are the run's own, and 0 is settled."""
    made = RunFolder(tmp_path / "run")
    made.create()
    rows = [["reserved", number, 7] for number in range(10)]
    lines = [json.dumps(row) + "\n" for row in [*rows, ["settled", 0, 5, 1, 1]]]
    made.spending_file.write_text("".join(lines))
    return made


def grant(folder: RunFolder, worker: str, first: int, count: int) -> None:
    row = {"worker": worker, "first": first, "count": count, "day": None}
    with folder.leases_file.open("a") as file:
        file.write(json.dumps(row) + "\n")


def use(folder: RunFolder, worker: str, text: str) -> None:
    folder.used_numbers_file(worker).write_text(text)


def unused(folder: RunFolder) -> Unused:
    return unused_leases(folder, read_account(folder.spending_file))


def test_a_folder_without_workers_has_none(folder: RunFolder) -> None:
    assert unused(folder) == Unused(0, 0)


def test_those_that_a_worker_has_noted_were_sent(folder: RunFolder) -> None:
    grant(folder, "w1", 3, 4)
    grant(folder, "w2", 7, 3)
    use(folder, "w1", "3\n5\n")
    use(folder, "w2", "")
    assert unused(folder) == Unused(5, 35)


def test_a_number_that_was_cut_off_had_not_left(folder: RunFolder) -> None:
    grant(folder, "w1", 3, 2)
    use(folder, "w1", "3\n4")
    assert unused(folder) == Unused(1, 7)


def test_what_is_closed_or_not_yet_booked_is_left_alone(folder: RunFolder) -> None:
    grant(folder, "w1", 0, 1)
    grant(folder, "w1", 9, 4)
    use(folder, "w1", "")
    assert unused(folder) == Unused(1, 7)


def test_without_notes_all_count_as_sent(folder: RunFolder) -> None:
    grant(folder, "far", 3, 7)
    assert unused(folder) == Unused(0, 0)


def test_of_long_files_the_ends_are_read(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(50):
        grant(folder, "w1", 1000, 1)
    grant(folder, "w1", 8, 2)
    use(folder, "w1", "".join(f"{number}\n" for number in [*range(100, 200), 8]))
    monkeypatch.setattr(leases, "_LAST_BYTES", 90)
    assert unused(folder) == Unused(1, 7)


def test_a_damaged_file_is_named(folder: RunFolder) -> None:
    folder.leases_file.write_text("nonsense\n")
    with pytest.raises(StoreError, match=r"leases\.jsonl: what workers had reserved"):
        unused(folder)
