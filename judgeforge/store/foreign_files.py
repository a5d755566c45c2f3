"""What a run would replace is its own: a folder with somebody else's files of these names is
refused."""

from __future__ import annotations

from pathlib import Path

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.folder import RunFolder


def refuse_foreign_files(folder: RunFolder) -> None:
    """Raises ConfigError where ``folder`` is no run folder and has files that are called like those
    of one. Nothing is written.
    """
    found = [name for name in _names(folder.path) if name in folder.result_names]
    if not found or _is_run_folder(folder):
        return
    raise ConfigError(
        f"{folder.path} is not a run folder, and a run would replace what it has: "
        f"{', '.join(found)}; give another --out"
    )


def _names(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in path.iterdir())
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        raise ConfigError(f"{path} is a file, or lies below one; give another --out") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error


def _is_run_folder(folder: RunFolder) -> bool:
    """By its state, which is there from the first moment on, or by its manifest alone, as in a copy
    without ``state``."""
    if folder.state.is_dir():
        names = _names(folder.state)
        if not names or not folder.state_names.isdisjoint(names):
            return True
    try:
        manifest = folder.manifest_file.read_bytes()
    except OSError:
        return False
    return b'"format_version"' in manifest and b'"status"' in manifest
