"""Telling run folders from other places, before one is read or written by mistake."""

from __future__ import annotations

from pathlib import Path

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.folder import RunFolder
from judgeforge.text.wording import did_you_mean

_NAMED = 5


def refuse_foreign_files(folder: RunFolder) -> None:
    """Raises ConfigError where ``folder`` is no run folder and has files that are called like those
    of one: a run would replace them. Nothing is written.
    """
    found = [name for name in _names(folder.path) if name in folder.result_names]
    if not found or folder.is_one():
        return
    raise ConfigError(
        f"{folder.path} is not a run folder, and a run would replace what it has: "
        f"{', '.join(found)}; give another --out"
    )


def why_no_run_folder(path: Path, *, lacks: str = "") -> str:
    """What to say of a place that a command took for a run folder.

    ``lacks``: the file without which it is none, or none yet; the manifest if left out. Raises
    StoreError where a folder cannot be looked into.
    """
    if not path.exists():
        return f"{path}: there is no such folder{did_you_mean(path.name, _folders(path.parent))}"
    if not path.is_dir():
        return f"{path} is a file: name the folder that `judgeforge run` wrote (its --out)"
    folder = RunFolder(path)
    lacks = lacks or folder.manifest_file.name
    if folder.is_one():
        return f"{path}: has no {lacks} yet; let the run end, or start it again"
    return f"{path} is no run folder: it has no {lacks}{_run_folders_in(path)}"


def _run_folders_in(path: Path) -> str:
    """The last by name: of folders that are called by their date, those are wanted."""
    found = [path / name for name in _folders(path) if _can_be_read_as_one(path / name)]
    if not found:
        return ""
    which = f"The last of {len(found)} run folders" if found[_NAMED:] else "Run folders"
    return f". {which} below it: {', '.join(map(str, found[-_NAMED:]))}"


def _can_be_read_as_one(path: Path) -> bool:
    try:
        return RunFolder(path).is_one()
    except StoreError:  # one that may not be looked into is no help
        return False


def _folders(path: Path) -> list[str]:
    if not path.is_dir():
        return []
    try:
        return sorted(entry.name for entry in path.iterdir() if entry.is_dir())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error


def _names(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in path.iterdir())
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        raise ConfigError(f"{path} is a file, or lies below one; give another --out") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
