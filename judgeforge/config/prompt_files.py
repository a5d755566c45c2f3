"""The files that `prompts.path` means: one, several, those of a folder or of a pattern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from glob import glob, has_magic
from pathlib import Path

from judgeforge.config.choices import RowFormat, format_or_none
from judgeforge.errors import InputError
from judgeforge.text.wording import listed

Paths = Path | Sequence[Path]
_OF_DATASETS = ("state.json", "dataset_dict.json", "dataset_info.json")
"""Files of a folder in which a data set was saved."""
_SHOWN = 3


def are_several(path: Paths) -> bool:
    """Whether it may mean more than one file."""
    return not isinstance(path, Path) or path.is_dir() or _is_pattern(path)


def prompt_files(path: Paths, *, left_out: Callable[[Path], bool] = lambda _: False) -> list[Path]:
    """Each once, in the order in which they are named; those of a folder or a pattern by name.

    ``left_out``: the folders of which a pattern from further up takes in nothing. A file that is
    named itself need not be there. Raises InputError where a folder or a pattern
    has none, or it is not clear which of a folder are meant.
    """
    named = [path] if isinstance(path, Path) else path
    return list(dict.fromkeys(file for one in named for file in _files(one, left_out)))


def prompt_folder(path: Paths) -> Path | None:
    """The one folder that all of the files are in, where the paths of pictures start; None where
    they may be in several: a row must reach no picture but those beside its file."""
    folders = {_only_folder(one) for one in ([path] if isinstance(path, Path) else path)}
    return folders.pop() if len(folders) == 1 else None


def _only_folder(path: Path) -> Path | None:
    folder = _folder(path)
    return None if _is_pattern(path) and path.parent != folder else folder


def _files(path: Path, left_out: Callable[[Path], bool]) -> list[Path]:
    if path.is_dir():
        return _of_folder(path)
    if not _is_pattern(path):
        return [path]
    root = _folder(path)
    pattern = str(path.relative_to(root))
    names = glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207 (leaves hidden ones out)
    files = [root / name for name in sorted(names) if (root / name).is_file()]
    is_out = {root: False}
    found = [file for file in files if not _lies_in(file.parent, is_out, left_out)]
    if not found:
        but = " but in the folders of runs, of which each is to be named" if files else ""
        raise InputError(f"{path}: no file has such a name{but}; `*` stands for any part of one")
    return found


def _lies_in(folder: Path, known: dict[Path, bool], left_out: Callable[[Path], bool]) -> bool:
    """Whether it or one above it is left out; ``known``: of each that was asked about."""
    if folder not in known:
        known[folder] = _lies_in(folder.parent, known, left_out) or left_out(folder)
    return known[folder]


def _of_folder(folder: Path) -> list[Path]:
    formats: dict[int, tuple[RowFormat, list[Path]]] = {}
    for file in sorted(folder.iterdir()):
        named = None if file.name.startswith(".") else format_or_none(file)
        if named is not None and file.is_file():
            formats.setdefault(id(named), (named, []))[1].append(file)
    found = [files for _, files in formats.values()]
    if not found or any((folder / name).is_file() for name in _OF_DATASETS):
        raise InputError(
            f"{folder}: is a folder without files of prompts; name one, or, for a dataset, use "
            f"`hf: {{name: {folder.name}}}` in place of `path`"
        )
    if len(found) > 1:
        kinds = listed((files[0].name for files in found), _SHOWN)
        raise InputError(
            f"{folder}: has files of several formats ({kinds}), of which some may hold no prompts; "
            f"say which with a pattern, such as `{folder.name}/*{found[0][0].suffix}`"
        )
    return found[0]


def _is_pattern(path: Path) -> bool:
    return has_magic(str(path)) and not path.exists()


def _folder(path: Path) -> Path:
    """Of a pattern the part that is none: a folder's own name may look like one."""
    if path.is_dir():
        return path
    if not _is_pattern(path):
        return path.parent
    root = Path(path.anchor)
    for part in path.relative_to(root).parts[:-1]:
        if not (root / part).is_dir():
            break
        root /= part
    return root
