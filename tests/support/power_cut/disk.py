"""What a disk may hold after a power cut: what was forced onto it, and any part of the rest.

Of a file, what was written since it was last forced may be there in part, in any order of its
pages, and a page that is missing reads as zeros where the file has grown past it. Of a folder, what
was made, renamed and removed since it was forced may be there up to any point. That is more than
most file systems do to their users, and all that POSIX allows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.support.power_cut.recording import Change

_PAGE = 4096


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)

    def force(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()

    def after_cut(self, chance: Random) -> bytes:
        content = bytearray(self.durable)
        kept = chance.choice(["nothing", "a part in order", "any pages", "all"])
        if kept == "a part in order":
            for change in self.pending[: chance.randint(0, len(self.pending))]:
                _apply(content, change)
        elif kept == "any pages":
            for page in (page for change in self.pending for page in _pages(change)):
                if chance.random() < 0.5:
                    _apply(content, page)
        elif kept == "all":
            for change in self.pending:
                _apply(content, change)
        return bytes(content)


_FOLDER = _File()
"""Stands for a folder among the names."""


@dataclass(frozen=True)
class _Naming:
    """A change of a folder: ``path`` leads to ``file`` from now on, or to nothing."""

    folder: str
    path: str
    file: _File | None


class Disk:
    def __init__(self, changes: Iterable[Change]) -> None:
        self._files: dict[int, _File] = {}
        self._now: dict[str, _File] = {}
        self._durable: dict[str, _File] = {}
        self._pending: list[_Naming] = []
        for change in changes:
            self._add(change)

    def write_to(self, target: Path, root: Path, chance: Random) -> None:
        """Make ``target`` what ``root`` may be once the machine is on again."""
        names = dict(self._durable)
        for folder in sorted({naming.folder for naming in self._pending}):
            of_folder = [naming for naming in self._pending if naming.folder == folder]
            for naming in of_folder[: chance.randint(0, len(of_folder))]:
                _name(names, naming)
        for path, file in names.items():
            if file is _FOLDER or not _is_reachable(path, names, root):
                continue
            place = target / Path(path).relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.after_cut(chance))

    def _add(self, change: Change) -> None:
        if change.kind == "C":
            self._files[change.inode] = file = _File()
            self._rename(change.path, file)
        elif change.kind in "WT":
            if change.inode in self._files:
                self._files[change.inode].pending.append(change)
        elif change.kind == "M":
            self._rename(change.path, _FOLDER)
        elif change.kind == "S":
            self._force(change)
        elif change.kind == "R":
            file_moved = self._now.pop(change.path, None)
            self._rename(change.other, file_moved)
            self._pending.append(_Naming(_folder(change.path), change.path, None))
        elif change.kind == "U":
            self._now.pop(change.path, None)
            self._pending.append(_Naming(_folder(change.path), change.path, None))

    def _rename(self, path: str, file: _File | None) -> None:
        if file is not None:
            self._now[path] = file
            self._pending.append(_Naming(_folder(path), path, file))

    def _force(self, change: Change) -> None:
        if change.inode in self._files:
            self._files[change.inode].force()
            return
        for naming in [each for each in self._pending if each.folder == change.path]:
            _name(self._durable, naming)
        self._pending = [each for each in self._pending if each.folder != change.path]


def _is_reachable(path: str, names: dict[str, _File], root: Path) -> bool:
    above = Path(path).parents
    return all(str(each) in names for each in above if each != root and each.is_relative_to(root))


def _folder(path: str) -> str:
    return str(Path(path).parent)


def _name(names: dict[str, _File], naming: _Naming) -> None:
    if naming.file is None:
        names.pop(naming.path, None)
    else:
        names[naming.path] = naming.file


def _apply(content: bytearray, change: Change) -> None:
    if change.kind == "T":
        del content[change.offset :]
        content.extend(b"\0" * (change.offset - len(content)))
        return
    content.extend(b"\0" * (change.offset - len(content)))
    content[change.offset : change.offset + len(change.data)] = change.data


def _pages(change: Change) -> Iterable[Change]:
    """A write, as the pages that it touches; anything else as it is."""
    if change.kind != "W":
        return [change]
    parts, start, end = [], change.offset, change.offset + len(change.data)
    while start < end:
        stop = min(end, start - start % _PAGE + _PAGE)
        data = change.data[start - change.offset : stop - change.offset]
        parts.append(Change("W", change.at, change.inode, start, change.path, "", data))
        start = stop
    return parts
