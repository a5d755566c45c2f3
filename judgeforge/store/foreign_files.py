"""A run writes into a folder of its own: one with somebody else's files is refused."""

from __future__ import annotations

from pathlib import Path

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.folder import RunFolder

_NAMED = 5
_MADE_BY_A_FILE_SYSTEM = "lost+found"


def refuse_foreign_files(folder: RunFolder) -> None:
    """Raises ConfigError where ``folder`` has files in it and is no run folder: a run would replace
    those that are called like its own. Hidden files never are. Nothing is written.
    """
    found = [name for name in _names(folder.path) if _is_content(name)]
    if not found or _is_run_folder(folder):
        return
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    raise ConfigError(
        f"{folder.path} is not a run folder: it has {', '.join(found[:_NAMED])}{more}, and nothing "
        "of somebody else is replaced; give another --out"
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


def _is_content(name: str) -> bool:
    return not name.startswith(".") and name != _MADE_BY_A_FILE_SYSTEM


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
