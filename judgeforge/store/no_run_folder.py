"""What to say of a place that somebody took for a run folder."""

from __future__ import annotations

from pathlib import Path

from judgeforge.errors import StoreError
from judgeforge.nearest import did_you_mean
from judgeforge.store.folder import RunFolder

_NAMED = 5


def why_no_run_folder(path: Path, *, lacks: str = "manifest.json") -> str:
    """``lacks``: the file without which it is none, or none yet.

    Raises StoreError where a folder cannot be looked into.
    """
    if not path.exists():
        return f"{path}: there is no such folder{did_you_mean(path.name, _folders(path.parent))}"
    if not path.is_dir():
        return f"{path} is a file: name the folder that `judgeforge run` wrote (its --out)"
    if _is_run_folder(path):
        return f"{path}: has no {lacks} yet; let the run end, or start it again"
    return f"{path} is no run folder: it has no {lacks}{_run_folders_in(path)}"


def _run_folders_in(path: Path) -> str:
    """The last by name: of folders that are called by their date, those are wanted."""
    found = [path / name for name in _folders(path) if _is_run_folder(path / name)]
    if not found:
        return ""
    which = f"The last of {len(found)} run folders" if found[_NAMED:] else "Run folders"
    return f". {which} below it: {', '.join(map(str, found[-_NAMED:]))}"


def _is_run_folder(path: Path) -> bool:
    return RunFolder(path).manifest_file.is_file()


def _folders(path: Path) -> list[str]:
    if not path.is_dir():
        return []
    try:
        return sorted(entry.name for entry in path.iterdir() if entry.is_dir())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
