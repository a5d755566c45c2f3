"""The run folder as one thing: what its files are called and how the results are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.store.files import make_folder, replacing
from judgeforge.store.finished_prompt import FILES
from judgeforge.store.journal import Journal

FORMAT_VERSION = 1
_OF_A_MANIFEST = (b'"format_version"', b'"status"')


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
        self.state = path / "state"
        self.lock_file = self.state / "lock"
        self.journal_file = self.state / "journal.bin"
        self.spending_file = self.state / "spending.jsonl"
        self.cached_calls_file = self.state / "cached-calls"
        self.prompt_costs_file = self.state / "prompt-costs"
        self.reliability_file = self.state / "reliability.json"

    @property
    def line_files(self) -> dict[str, Path]:
        """The files of finished lines, by their names in ``FILES``."""
        files = (self.pairs, self.completions, self.judgments, self.skips)
        return dict(zip(FILES, files, strict=True))

    @property
    def result_names(self) -> frozenset[str]:
        """Of the files beside ``state``."""
        others = (self.report, self.manifest_file, self.log)
        return frozenset(file.name for file in (*self._results, *others))

    @property
    def _results(self) -> tuple[Path, ...]:
        return (*self.line_files.values(), self.pairs_parquet, self.card)

    def create(self) -> None:
        """The files in them are 0600 whatever mode a folder has that is there already."""
        make_folder(self.path, mode=0o700)
        make_folder(self.state, mode=0o700)

    def is_one(self) -> bool:
        """Whether a run was here: by its state, which is there from the first moment on, or by its
        manifest alone, as in a copy without ``state``.

        Raises StoreError where the folder cannot be looked into.
        """
        return self._has_state() or self._has_manifest()

    def is_whole(self) -> bool:
        """Whether all result files are there; one may have been deleted."""
        return all(file.exists() for file in self._results)

    def read_manifest(self) -> dict[str, Any] | None:
        try:
            content = self.manifest_file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"{self.manifest_file}: cannot be read: {error}") from error
        try:
            manifest = json.loads(content)
            version = manifest["format_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.manifest_file}: this is no manifest ({error}). Delete it to have it made "
                "anew from the journal, or use another folder."
            ) from error
        if version > FORMAT_VERSION:
            raise StoreError(
                f"{self.path}: written by a newer judgeforge (format {version}, this one knows "
                f"{FORMAT_VERSION}). Upgrade judgeforge or use another folder."
            )
        return dict(manifest)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        with replacing(self.manifest_file) as file:
            file.write(
                json.dumps({"format_version": FORMAT_VERSION, **manifest}, indent=2).encode()
            )
            file.write(b"\n")

    def write_results(self, journal: Journal, rows: Iterable[int | bytes]) -> None:
        """Write the result files in the order of ``rows``.

        A row is the place of a finished prompt in the journal, or the line of an input skip.
        """
        with ExitStack() as opened:
            files = {
                name: opened.enter_context(replacing(file))
                for name, file in self.line_files.items()
            }
            for row in rows:
                if isinstance(row, bytes):
                    files["skips"].write(row)
                    continue
                for name, lines in journal.lines(row).items():
                    files[name].writelines(lines)

    def _has_state(self) -> bool:
        try:
            names = {entry.name for entry in self.state.iterdir()}
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise StoreError(f"{self.state}: cannot be read: {error}") from error
        of_every_version = {self.lock_file.name, self.journal_file.name, self.spending_file.name}
        return not names or not names.isdisjoint(of_every_version)

    def _has_manifest(self) -> bool:
        try:
            manifest = self.manifest_file.read_bytes()
        except OSError:
            return False
        return all(words in manifest for words in _OF_A_MANIFEST)
