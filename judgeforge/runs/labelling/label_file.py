"""The file that a person's answers go to: each is on the disk before the next is asked for.

It only ever holds what stands: an answer that is taken back is cut off, so that no reader has to
know of it. One program at a time writes to a file.
"""

from __future__ import annotations

import errno
import fcntl
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from judgeforge.errors import ConfigError, LockHeldError, StoreError
from judgeforge.runs.labelling.label_line import Given, given_in, has_answer, parsed
from judgeforge.store.atomic_files import chosen_place, make_folder
from judgeforge.store.durable_files import AppendedFile
from judgeforge.store.folder import RunFolder
from judgeforge.text.visible import quotable

SUFFIX = ".jsonl"


class LabelledFile:
    """Opened by ``with``. Raises ConfigError for a place that is none or holds something else,
    LockHeldError where another program labels into it, StoreError where the disk fails."""

    def __init__(self, path: Path) -> None:
        if path.suffix != SUFFIX:
            better = path.with_suffix(SUFFIX).name
            raise ConfigError(f"{path}: labels are JSON lines; name the file {better}")
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a regular file; choose another --to")
        folder = RunFolder(path.parent)
        if path.name in folder.result_names and folder.is_one():
            raise ConfigError(f"{path} is a file of the run itself; choose another --to")
        self.path = path
        self._given: list[tuple[Given, int]] = []
        """With the byte at which the line begins."""
        self.others = 0
        """Lines that were not written here; they stay as they are."""
        self.repaired = False
        """Whether a line that a kill had cut was taken away."""
        self.new_folder = False
        """Whether its folder was made for it: where the place was mistyped, that is a wrong one."""

    def __enter__(self) -> LabelledFile:
        with chosen_place(self.path):
            self.new_folder = not self.path.parent.exists()
            make_folder(self.path.parent)
            self._file = AppendedFile(self.path)
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def given(self) -> Sequence[Given]:
        """In the order in which they were given."""
        return [given for given, _ in self._given]

    @property
    def last(self) -> Given | None:
        """The answer that can be taken back: the last line of the file, if it was written here."""
        if not self._given:
            return None
        given, offset = self._given[-1]
        return given if offset == self._last_line else None

    def append(self, given: Given, line: bytes) -> None:
        """Returns once it is on the disk."""
        self._check_in_place()
        offset = self._file.append(line)
        try:
            self._file.sync()
        except StoreError:
            self._file.cut(offset)  # nobody was told that it is there
            raise
        self._given.append((given, offset))
        self._last_line = offset

    def take_back(self) -> Given:
        """The last answer; it is off the disk when this returns. Only where there is a ``last``."""
        self._check_in_place()
        given, offset = self._given.pop()
        self._file.cut(offset)
        self._file.sync()
        self._last_line = self._given[-1][1] if self._given else -1
        return given

    def _check_in_place(self) -> None:
        if not self._file.is_in_place():
            raise StoreError(
                f"{self.path}: was removed or replaced meanwhile, so nothing more is written. What "
                "was labelled before is where the file is now. Start the same command again."
            )

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeldError(
                f"{self.path}: another `judgeforge label` writes to this file. End that one, or "
                "give each person a file with --to."
            ) from None
        except OSError as error:
            if error.errno not in {errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS}:
                raise StoreError(f"{self.path}: cannot be locked ({error.strerror})") from error

    def _read(self) -> None:
        content = self._file.read(self._file.end, 0)
        offset = self._last_line = 0
        for number, line in enumerate(content.splitlines(keepends=True), start=1):
            if not line.endswith(b"\n"):
                self._end(line, offset)
            if line.strip() and self._file.end > offset:
                self._take(line, offset, number)
            offset += len(line)

    def _end(self, line: bytes, offset: int) -> None:
        """Of a last line without an end: a whole one gets it, what a kill left is taken away."""
        try:
            json.loads(line)
        except ValueError:
            self._file.cut(offset)
            self.repaired = True
        else:
            self._file.append(b"\n")
        self._file.sync()

    def _take(self, line: bytes, offset: int, number: int) -> None:
        try:
            row = parsed(line)
            given = given_in(row)
            if given is None and not has_answer(row):
                raise ValueError("it has no answer, such as `label`, `best` or `verdict`")
        except ValueError as error:
            raise ConfigError(
                f"{self.path}:{number}: is not a line of labels ({quotable(str(error))}). Repair "
                "or remove the line, or choose another --to."
            ) from None
        self._last_line = offset
        if given is None:
            self.others += 1
        else:
            self._given.append((given, offset))
