"""Where the files of an export go, and what they never replace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from judgeforge.errors import ConfigError, StoreError
from judgeforge.results.export.targets import Target
from judgeforge.store.folder import RunFolder
from judgeforge.store.pair_columns import PairColumns

DESCRIPTION = "dataset_info.json"


def places(to: Path, target: Target, name: str, columns: PairColumns) -> tuple[Path, Path]:
    """Of the two sides, train and test. Raises ConfigError for a file of another format."""
    if to.is_dir() or not to.suffix:
        suffix = _natural_suffix(target, columns)
        return to / f"train{suffix}", to / f"test{suffix}"
    if to.suffix not in (target.suffix, target.also):
        made = " or ".join(filter(None, (target.suffix, target.also)))
        stem = to.name.removesuffix("".join(to.suffixes))
        raise ConfigError(
            f"{to}: the format `{name}` makes {made} files. Name it {stem}{target.suffix}, or name "
            "a folder (one with a dot in its name must be there already)."
        )
    return to, to.with_name(f"{to.stem}.test{to.suffix}")


def _natural_suffix(target: Target, columns: PairColumns) -> str:
    """Columns that are null in some rows need types, which JSON lines lack."""
    return target.suffix if columns.is_plain or target.also is None else target.also


def earlier_files(to: Path, target: Target, written: Sequence[Path]) -> list[Path]:
    """What an export to the same place would have left with other columns or another share."""
    if to.is_dir() or not to.suffix:
        suffixes = [suffix for suffix in (target.suffix, target.also) if suffix]
        there = [to / f"{side}{suffix}" for side in ("train", "test") for suffix in suffixes]
    else:
        there = [to.with_name(f"{to.stem}.test{to.suffix}")]
    return [place for place in there if place not in written]


def refuse_taken(files: Sequence[Path], folders: Sequence[RunFolder], *, force: bool) -> None:
    for file in files:
        for folder in folders:
            if file.name in folder.result_names and file.parent.resolve() == folder.path.resolve():
                raise ConfigError(
                    f"{file}: this is a file of the run itself. Choose another place."
                )
        if file.is_dir():
            raise ConfigError(f"{file}: this is a folder. Choose another place.")
        if file.exists() and not force:
            raise ConfigError(f"{file} exists already. Choose another place, or use --force.")


def remove(path: Path) -> None:
    """A side left from an earlier export would keep rows that are now elsewhere."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed: {error}") from error
