"""A file that is appended to: every record whole, whatever is full, killed or started again."""

from __future__ import annotations

import errno
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
from judgeforge.store.durable_files import AppendedFile
from tests.support.full_disk import fits_only


def test_an_append_gives_the_offset_at_which_it_can_be_read_again(file: Path) -> None:
    lines = AppendedFile(file)
    offsets = [lines.append(record) for record in (b"one\n", b"three\n")]
    assert offsets == [0, 4]
    assert (lines.end, lines.read(100, 4), lines.read(3, 0)) == (10, b"three\n", b"one")
    lines.close()
    assert AppendedFile(file).append(b"four\n") == 10


def test_only_the_owner_can_read_a_file_that_is_made(file: Path) -> None:
    AppendedFile(file).close()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (b"", 0),
        (b"one\n", 4),
        (b"one\ntwo\n", 8),
        (b"one\ntw", 4),
        (b"on", 0),
        (b"\n", 1),
        (b"one\n" + b"x" * 200_000, 4),
        (b"x" * 200_000 + b"\n" + b"y" * 70_000, 200_001),
        (b"x" * 200_000, 0),
    ],
    ids=["empty", "one", "two", "torn", "only torn", "blank", "torn long", "both long", "no line"],
)
def test_the_last_whole_line_is_found_however_long_the_torn_one_is(
    file: Path, content: bytes, end: int
) -> None:
    file.write_bytes(content)
    assert AppendedFile(file).last_line_end() == end


def test_a_cut_takes_the_torn_end_away_and_the_next_record_its_place(file: Path) -> None:
    file.write_bytes(b"one\ntw")
    lines = AppendedFile(file)
    lines.cut(lines.last_line_end())
    assert lines.append(b"two\n") == 4
    assert file.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(("room", "said"), [(0, "No space left"), (3, "the disk is full")])
def test_what_does_not_fit_leaves_nothing_and_the_file_goes_on_with_room(
    file: Path, monkeypatch: pytest.MonkeyPatch, room: int, said: str
) -> None:
    lines = AppendedFile(file)
    lines.append(b"one\n")
    with monkeypatch.context() as full:
        fits_only(full, room)
        with pytest.raises(StoreError, match=rf"cannot be written \({said}.*Free") as caught:
            lines.append(b"second\n")
    assert str(caught.value).startswith(f"{file}: ")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert file.read_bytes() == b"one\n"
    assert lines.append(b"two\n") == 4
    assert file.read_bytes() == b"one\ntwo\n"


def test_a_reader_changes_nothing_and_needs_a_file(file: Path) -> None:
    with pytest.raises(StoreError, match=r"file\.jsonl: cannot be opened \(No such file"):
        AppendedFile(file, read_only=True)
    file.write_bytes(b"one\ntw")
    reader = AppendedFile(file, read_only=True)
    assert (reader.end, reader.last_line_end(), reader.read(3, 0)) == (6, 4, b"one")
    for change in (lambda: reader.append(b"x"), lambda: reader.cut(0)):
        with pytest.raises(StoreError, match="cannot be written"):
            change()
    assert file.read_bytes() == b"one\ntw"


def test_a_place_that_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened \(Is a directory\).*start the same"):
        AppendedFile(tmp_path)


class Life(RuleBasedStateMachine):
    """Records are appended, do not fit, are torn by kills; the file is opened again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp()) / "lines"
        self.file = AppendedFile(self.path)
        self.kept: list[bytes] = []

    records = st.binary(max_size=40).map(lambda content: content.replace(b"\n", b" ") + b"\n")

    @rule(record=records)
    def appended(self, record: bytes) -> None:
        offset = self.file.append(record)
        self.kept.append(record)
        assert self.file.read(len(record), offset) == record

    @rule(record=records, share=st.floats(0, 0.99))
    def does_not_fit(self, record: bytes, share: float) -> None:
        with pytest.MonkeyPatch.context() as full:
            fits_only(full, int(len(record) * share))
            with pytest.raises(StoreError):
                self.file.append(record)

    @rule(record=records, share=st.floats(0, 0.99))
    def killed_while_it_writes(self, record: bytes, share: float) -> None:
        self.file.close()
        with self.path.open("ab") as torn:
            torn.write(record[: int(len(record) * share)])
        self.file = AppendedFile(self.path)
        self.file.cut(self.file.last_line_end())

    @invariant()
    def holds_exactly_the_records_that_were_acknowledged(self) -> None:
        whole = b"".join(self.kept)
        assert self.path.read_bytes() == whole
        assert self.file.end == self.file.last_line_end() == len(whole)

    def teardown(self) -> None:
        self.file.close()
        shutil.rmtree(self.path.parent)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase

_APPENDER = """
import sys
from pathlib import Path
from judgeforge.store.durable_files import AppendedFile
file = AppendedFile(Path(sys.argv[1]))
file.cut(file.last_line_end())
number = int(sys.argv[2])
while True:
    file.append(b"%d " % number + b"x" * (number * 997 % 9000) + b"\\n")
    print(number, flush=True)
    number += 1
"""


def test_five_kills_lose_no_record_that_was_acknowledged(file: Path) -> None:
    following = 0
    for kill in range(5):
        command = [sys.executable, "-c", _APPENDER, str(file), str(following)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(20 + 7 * kill):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            acknowledged = [int(line) for line in process.stdout if line.endswith("\n")]
        lines = file.read_bytes().split(b"\n")
        numbers = [int(line.split()[0]) for line in lines[:-1]]
        assert numbers == list(range(len(numbers)))
        assert not acknowledged or numbers[-1] >= acknowledged[-1]
        following = len(numbers)
