"""The run folder: what its files are called, how results are written, what is not a run folder."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.atomic_files import make_folder, read_error, replacing
from judgeforge.store.finished_prompt import FILES
from judgeforge.store.manifest import FORMAT_VERSION, Manifest
from judgeforge.store.on_disk import MARK
from judgeforge.store.pair_columns import PairColumns
from judgeforge.text.wording import did_you_mean, first_problem

_USED = "used-numbers-"
_OF_A_MANIFEST = (b'"format_version"', b'"status"')


class HasLines(Protocol):
    def lines(self, offset: int) -> dict[str, list[bytes]]: ...


class RunFolder:
    """Owns every name in a run folder; the rest of the package asks for the file it wants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pairs = path / "pairs.jsonl"
        self.completions = path / "completions.jsonl"
        self.judgments = path / "judgments.jsonl"
        self.skips = path / "skips.jsonl"
        self.pairs_parquet = path / "pairs.parquet"
        self.card = path / "README.md"
        self.report = path / "report.html"
        self.manifest_file = path / "manifest.json"
        self.log = path / "log.jsonl"
        self.given_prompts = path / "given-prompts.jsonl"
        """Prompts that a program gave in memory, as the run reads them."""
        self.rewards = path / "rewards.jsonl"
        """Of the reward function of a training: what was given, one line a completion."""
        self.state = path / "state"
        self.lock_file = self.state / "lock"
        self.journal_file = self.state / "journal.bin"
        self.spending_file = self.state / "spending.jsonl"
        self.cached_calls_file = self.state / "cached-calls"
        self.prompt_costs_file = self.state / "prompt-costs"
        self.reliability_file = self.state / "reliability.json"
        self.judge_replies_file = self.state / "judge-replies.json"
        self.batches_file = self.state / "batches.jsonl"
        self.on_disk_file = self.state / MARK
        self.leases_file = self.state / "leases.jsonl"
        self.known_rows_file = self.state / "known-rows.bin"

    @property
    def line_files(self) -> dict[str, Path]:
        """The files of finished lines, by their names in ``FILES``."""
        files = (self.pairs, self.completions, self.judgments, self.skips)
        return dict(zip(FILES, files, strict=True))

    @property
    def result_names(self) -> frozenset[str]:
        """Of the files beside ``state``."""
        others = (self.report, self.manifest_file, self.log, self.given_prompts)
        return frozenset(file.name for file in (*self._results, *others))

    @property
    def made_with_configuration(self) -> tuple[Path, ...]:
        """What holds only as long as the configuration stays the same, beside what was paid."""
        return (self.journal_file, self.prompt_costs_file, *self.learnt_of_judges)

    @property
    def learnt_of_judges(self) -> tuple[Path, ...]:
        """What holds only as long as the judges stay the same."""
        return (self.reliability_file, self.judge_replies_file)

    @property
    def _all(self) -> tuple[Path, ...]:
        of_state = (
            self.lock_file,
            self.journal_file,
            self.spending_file,
            self.cached_calls_file,
            self.prompt_costs_file,
            self.reliability_file,
            self.judge_replies_file,
            self.batches_file,
            self.on_disk_file,
            self.leases_file,
            self.known_rows_file,
        )
        beside = (self.report, self.manifest_file, self.log, self.rewards, self.given_prompts)
        return (*self._results, *beside, *of_state)

    @property
    def _results(self) -> tuple[Path, ...]:
        return (*self.line_files.values(), self.pairs_parquet, self.card)

    def used_numbers_file(self, worker: str) -> Path:
        """Which of its reservations a worker of several has used."""
        return self.state / f"{_USED}{worker}"

    def all_used_numbers(self) -> list[Path]:
        return sorted(self.state.glob(f"{_USED}*"))

    def create(self) -> None:
        """The files in them are 0600 whatever mode a folder has that is there already."""
        make_folder(self.path, mode=0o700)
        make_folder(self.state, mode=0o700)

    def is_one(self) -> bool:
        """Whether this is a run folder: by its state, which is there from the first moment, or by
        its manifest alone, as in a copy without ``state``.

        Raises StoreError where the folder cannot be read.
        """
        return self._has_state() or self._has_manifest()

    def refuse_odd_files(self) -> None:
        """Raises StoreError for what is not a regular file (a device, a pipe, a folder, a link to
        one): reading it might never end."""
        for file in self._all:
            try:
                kind = file.stat().st_mode
            except OSError:  # is not there; what cannot be read says so where it is needed
                continue
            if not stat.S_ISREG(kind):
                raise StoreError(
                    f"{file}: is not a regular file, so it is not one that a run wrote. Remove "
                    "it, or use another folder."
                )

    def sizes(self) -> dict[str, int]:
        """Bytes of the results that are there, by file name: what readers rely on."""
        files = (*self.line_files.values(), self.pairs_parquet)
        return {file.name: file.stat().st_size for file in files if file.exists()}

    def changed(self, manifest: Manifest) -> list[str]:
        """Names of results that are there and not as long as the run left them: emptied, cut or
        edited since. None of a run that goes on, or of a version that did not note it."""
        now = self.sizes()
        return [name for name, size in manifest.written.items() if now.get(name, size) != size]

    def is_whole(self) -> bool:
        """Whether all result files are there; one may have been deleted."""
        return all(file.exists() for file in self._results)

    def read_manifest(self) -> Manifest | None:
        """None where there is none yet. Raises StoreError where it is not a manifest, and for a
        folder with files that are not what they should be."""
        self.refuse_odd_files()
        try:
            content = self.manifest_file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise read_error(self.manifest_file, error) from error
        try:
            found = json.loads(content)
            version = found["format_version"]
            if version > FORMAT_VERSION:
                raise StoreError(
                    f"{self.path}: written by a newer judgeforge (format {version}, this one knows "
                    f"{FORMAT_VERSION}). Upgrade judgeforge or use another folder."
                )
            return Manifest.model_validate(found)
        except (ValueError, KeyError, TypeError) as error:
            problem = first_problem(error) if isinstance(error, ValidationError) else error
            raise StoreError(
                f"{self.manifest_file}: this is not a manifest ({problem}). Delete it to have it "
                "made again from the journal, or use another folder."
            ) from error

    def write_manifest(self, manifest: Manifest) -> None:
        with replacing(self.manifest_file) as file:
            file.write(json.dumps(manifest.as_json(), indent=2).encode())
            file.write(b"\n")

    def write_results(self, journal: HasLines, rows: Iterable[int | bytes]) -> PairColumns:
        """Write the result files in the order of ``rows``; returns the columns of the pairs.

        A row is the place of a finished prompt in the journal, or the line of an input skip.
        """
        columns = PairColumns()
        with ExitStack() as opened:
            files = {
                name: opened.enter_context(replacing(file))
                for name, file in self.line_files.items()
            }
            for row in rows:
                if isinstance(row, bytes):
                    files["skips"].write(row)
                    continue
                lines_of = journal.lines(row)
                for name, lines in lines_of.items():
                    files[name].writelines(lines)
                for line in lines_of["pairs"]:
                    columns.add_line(line)
        if columns.completes:
            self._complete_pairs(columns)
        return columns

    def _complete_pairs(self, columns: PairColumns) -> None:
        """What any pair has, all lines have."""
        with self.pairs.open("rb") as lines, replacing(self.pairs) as file:
            file.writelines(map(columns.written, lines))

    def _has_state(self) -> bool:
        try:
            names = {entry.name for entry in _entries(self.state)}
        except (FileNotFoundError, NotADirectoryError):
            return False
        of_every_version = {self.lock_file.name, self.journal_file.name, self.spending_file.name}
        return not names or not names.isdisjoint(of_every_version)

    def _has_manifest(self) -> bool:
        try:
            manifest = self.manifest_file.read_bytes() if self.manifest_file.is_file() else b""
        except OSError:
            return False
        return all(words in manifest for words in _OF_A_MANIFEST)


_NAMED = 5


def refuse_foreign_files(folder: RunFolder) -> None:
    """Raises ConfigError where ``folder`` is not a run folder and has files with the names of
    one's: a run would replace them. Nothing is written.
    """
    try:
        found = [e.name for e in _entries(folder.path) if e.name in folder.result_names]
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise ConfigError(
            f"{folder.path} is a file, or lies below one; name another run folder"
        ) from None
    if found and not folder.is_one():
        raise ConfigError(
            f"{folder.path} is not a run folder, and a run would replace what it has: "
            f"{', '.join(found)}; name another run folder"
        )


def why_no_run_folder(path: Path, *, lacks: str = "") -> str:
    """What to say of a place that a command took for a run folder.

    ``lacks``: the file it should have; the manifest if left out. Raises StoreError where a folder
    cannot be read.
    """
    if not path.exists():
        return f"{path}: there is no such folder{did_you_mean(path.name, _folders(path.parent))}"
    if not path.is_dir():
        return f"{path} is a file: name the folder that `judgeforge run` wrote (its --out)"
    folder = RunFolder(path)
    lacks = lacks or folder.manifest_file.name
    if folder.is_one():
        return f"{path}: has no {lacks} yet; let the run end, or start it again"
    return f"{path} is not a run folder: it has no {lacks}{_run_folders_in(path)}"


def _run_folders_in(path: Path) -> str:
    """The last by name: where folders are named by date, these are the newest."""
    found = [path / name for name in _folders(path) if can_be_read_as_one(path / name)]
    if not found:
        return ""
    which = f"The last of {len(found)} run folders" if found[_NAMED:] else "Run folders"
    return f". {which} below it: {', '.join(map(str, found[-_NAMED:]))}"


def can_be_read_as_one(path: Path) -> bool:
    """Whether it is a run folder that may be read."""
    try:
        return RunFolder(path).is_one()
    except StoreError:  # it is not worth naming
        return False


def _folders(path: Path) -> list[str]:
    return [entry.name for entry in _entries(path) if entry.is_dir()] if path.is_dir() else []


def _entries(path: Path) -> list[Path]:
    """By name. Raises StoreError where a folder that is there cannot be read."""
    try:
        return sorted(path.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise read_error(path, error) from error
