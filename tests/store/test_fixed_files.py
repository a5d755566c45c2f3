"""A file of places of one size: the old content or the new, and nothing of a place half made."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from judgeforge.errors import StoreError
from judgeforge.store.durable_files import FixedFile
from tests.support.full_disk import fits_only

SIZE = 8


def test_a_new_file_holds_nothing_and_only_its_owner_can_read_it(file: Path) -> None:
    places = FixedFile(file, SIZE)
    assert (places.read(), places.count()) == (b"", 0)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_place_is_written_over_where_it_stands_and_filled_with_blanks(file: Path) -> None:
    places = FixedFile(file, SIZE)
    places.write(b"first")
    places.write(b"second", 1)
    places.write(b"1st")
    places.close()
    assert file.read_bytes() == b"1st     second  "
    again = FixedFile(file, SIZE)
    assert (again.read(), again.read(1), again.count()) == (b"1st     ", b"second  ", 2)


def test_content_that_would_run_into_the_next_place_is_refused(file: Path) -> None:
    with pytest.raises(ValueError, match="9 bytes for a place of 8"):
        FixedFile(file, SIZE).write(b"123456789")


def test_places_of_other_processes_are_seen(file: Path) -> None:
    one, other = FixedFile(file, SIZE), FixedFile(file, SIZE)
    other.write(b"new")
    assert (one.count(), one.read()) == (1, b"new     ")


@pytest.mark.parametrize(("room", "said"), [(0, "No space left"), (3, "the disk is full")])
def test_a_place_that_does_not_fit_leaves_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch, room: int, said: str
) -> None:
    places = FixedFile(file, SIZE)
    places.write(b"first")
    with monkeypatch.context() as full:
        fits_only(full, room)
        with pytest.raises(StoreError, match=rf"file\.jsonl: cannot be written \({said}.*Free"):
            places.write(b"second", 1)
    assert file.read_bytes() == b"first   "
    places.write(b"second", 1)
    assert places.count() == 2


def test_places_behind_one_that_fails_stay(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = FixedFile(file, SIZE)
    for place, content in enumerate((b"one", b"two", b"three")):
        places.write(content, place)
    with monkeypatch.context() as full:
        fits_only(full, 3)
        with pytest.raises(StoreError):
            places.write(b"TWO", 1)
    assert (places.count(), places.read(2)) == (3, b"three   ")


@pytest.mark.parametrize("torn", [0, 1, SIZE - 1])
def test_what_is_left_of_a_last_place_is_taken_away(file: Path, torn: int) -> None:
    file.write_bytes(b"x" * (2 * SIZE + torn))
    places = FixedFile(file, SIZE)
    places.cut_torn_place()
    assert file.stat().st_size == 2 * SIZE
    places.write(b"third", 2)
    assert places.count() == 3


def test_a_place_that_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened \(Is a directory\).*start the same"):
        FixedFile(tmp_path, SIZE)


class Life(RuleBasedStateMachine):
    """Places are added, written over, do not fit; the file is torn and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp()) / "places"
        self.file = FixedFile(self.path, SIZE)
        self.kept: list[bytes] = []

    contents = st.binary(max_size=SIZE)

    @rule(content=contents)
    def added(self, content: bytes) -> None:
        self.file.write(content, len(self.kept))
        self.kept.append(content.ljust(SIZE))

    @rule(content=contents, which=st.integers(0, 99))
    def written_over(self, content: bytes, which: int) -> None:
        if self.kept:
            self.file.write(content, which % len(self.kept))
            self.kept[which % len(self.kept)] = content.ljust(SIZE)

    @rule(content=contents, room=st.integers(0, SIZE - 1))
    def does_not_fit(self, content: bytes, room: int) -> None:
        with pytest.MonkeyPatch.context() as full:
            fits_only(full, room)
            with pytest.raises(StoreError):
                self.file.write(content, len(self.kept))

    @rule(torn=st.integers(0, SIZE - 1))
    def torn_and_opened_again(self, torn: int) -> None:
        self.file.close()
        with self.path.open("ab") as file:
            file.write(b"x" * torn)
        self.file = FixedFile(self.path, SIZE)
        self.file.cut_torn_place()

    @invariant()
    def holds_exactly_the_places_that_were_acknowledged(self) -> None:
        assert self.path.read_bytes() == b"".join(self.kept)
        assert [self.file.read(place) for place in range(self.file.count())] == self.kept

    def teardown(self) -> None:
        self.file.close()
        shutil.rmtree(self.path.parent)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase

_WRITER = """
import itertools, sys
from pathlib import Path
from judgeforge.store.durable_files import FixedFile
file = FixedFile(Path(sys.argv[1]), 128)
for number in itertools.count():
    for place in range(3):
        file.write(b"%d" % (number % 10) * 128, place)
    print(flush=True)
"""


def test_five_kills_leave_the_old_or_the_new_content(file: Path) -> None:
    for kill in range(5):
        command = [sys.executable, "-c", _WRITER, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(20 + 7 * kill):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        places = FixedFile(file, 128)
        assert places.count() == 3
        assert all(len(set(places.read(place))) == 1 for place in range(3))
        places.close()
