"""Exporting the pairs of a run folder to a target format, whole or split into train and test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from judgeforge.errors import ConfigError, StoreError
from judgeforge.records import PreferencePair
from judgeforge.results.export import find_target
from judgeforge.results.export.targets import Target, Write
from judgeforge.store.atomic_files import chosen_place, make_folder, replacing
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.json_lines import read_records

Side = Literal["train", "test"]

_DESCRIPTION = "dataset_info.json"


@dataclass(frozen=True, slots=True)
class ExportSummary:
    target: str
    files: Mapping[Side, Path]
    rows: Mapping[Side, int]
    description: Path | None = None
    """The ``dataset_info.json``, where the target has one."""

    def lines(self) -> Iterator[str]:
        """What was written, one line a file."""
        for side, path in self.files.items():
            number = self.rows[side]
            what = "pair" if number == 1 else "pairs"
            yield f"wrote {path}: {number:,} {what} ({self.target}, {side})"
        if self.description:
            yield f"wrote {self.description}"


def export_pairs(
    folder: Path,
    *,
    target: str,
    to: Path,
    test_share: float = 0.0,
    with_margin: bool = False,
    force: bool = False,
) -> ExportSummary:
    """Write the pairs of the run folder ``folder`` in the format ``target``.

    ``to`` is a file with the suffix of the format, or a folder that gets ``train`` and ``test``
    files. With a file, the test side goes beside it: ``x.jsonl`` and ``x.test.jsonl``. All pairs
    of a prompt are on the same side. ``with_margin`` adds a column ``margin`` (``score_margin``),
    which some reward trainers put into their loss. ``force`` replaces an earlier export, its test
    side included.

    Raises ConfigError (folder, format, place or share are wrong) or StoreError (a file cannot be
    read, or the disk fails). Nothing is left half written.
    """
    format_ = find_target(target)
    source = RunFolder(folder).pairs
    if not source.is_file():
        raise ConfigError(why_no_run_folder(folder, lacks=source.name))
    if not 0 <= test_share < 1:
        raise ConfigError(f"test share {test_share}: it must be at least 0 and less than 1.")
    if with_margin and not format_.takes_margin:
        raise ConfigError(f"the format `{target}` has no room for a margin: leave it out.")
    train, test = _places(to, format_, target)
    description = train.parent / _DESCRIPTION if format_.describe else None
    _refuse_taken(
        [train, test, *([description] if description else [])], RunFolder(folder), force=force
    )
    files: dict[Side, Path] = {"train": train, "test": test} if test_share else {"train": train}
    rows = _write(source, files, format_, test_share=test_share, with_margin=with_margin)
    if not test_share:
        _remove(test)
    if description and format_.describe:
        _describe(description, format_.describe([file.name for file in files.values()]))
    return ExportSummary(target=target, files=files, rows=rows, description=description)


def side_of(prompt_id: str, test_share: float) -> Side:
    """The same id is always on the same side, so that growing a run moves no prompt.

    ``test_share`` (0 to 1) is the probability of ``test`` over all possible ids; the share of a
    small run can be well off it.
    """
    digest = hashlib.sha256(b"split:" + prompt_id.encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") < test_share * 2**64 else "train"


def _places(to: Path, target: Target, name: str) -> tuple[Path, Path]:
    if to.is_dir() or not to.suffix:
        return to / f"train{target.suffix}", to / f"test{target.suffix}"
    if to.suffix != target.suffix:
        raise ConfigError(
            f"{to}: the format `{name}` makes {target.suffix} files. "
            f"Name it {to.with_suffix(target.suffix).name}, or name a folder."
        )
    return to, to.with_name(f"{to.stem}.test{to.suffix}")


def _refuse_taken(files: Sequence[Path], folder: RunFolder, *, force: bool) -> None:
    for file in files:
        if file.name in folder.result_names and file.parent.resolve() == folder.path.resolve():
            raise ConfigError(f"{file}: this is a file of the run itself. Choose another place.")
        if file.is_dir():
            raise ConfigError(f"{file}: this is a folder. Choose another place.")
        if file.exists() and not force:
            raise ConfigError(f"{file} exists already. Choose another place, or use --force.")


def _write(
    source: Path,
    files: Mapping[Side, Path],
    target: Target,
    *,
    test_share: float,
    with_margin: bool,
) -> dict[Side, int]:
    rows: dict[Side, int] = dict.fromkeys(files, 0)
    with ExitStack() as stack:
        with chosen_place(files["train"]):
            make_folder(files["train"].parent)
            writers: dict[Side, Write] = {
                side: stack.enter_context(target.open(path, with_margin))
                for side, path in files.items()
            }
        for pair in read_records(source, PreferencePair):
            side = side_of(pair.prompt_id, test_share)
            writers[side](pair)
            rows[side] += 1
    return rows


def _remove(path: Path) -> None:
    """A test side left from an earlier export would keep rows that are now in ``train``."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed: {error}") from error


def _describe(path: Path, content: Mapping[str, object]) -> None:
    with replacing(path) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")
