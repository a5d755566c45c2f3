"""The run folder as one thing: where its files are and how the results are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.store.files import make_folder, replacing
from judgeforge.store.finished_prompt import FILES
from judgeforge.store.journal import Journal

FORMAT_VERSION = 1
_RESULTS = (*(f"{name}.jsonl" for name in FILES), "pairs.parquet", "README.md")


class RunFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path / "state"

    def create(self) -> None:
        """The files in them are 0600 whatever mode a folder has that is there already."""
        make_folder(self.path, mode=0o700)
        make_folder(self.state, mode=0o700)

    @property
    def lock_file(self) -> Path:
        return self.state / "lock"

    @property
    def journal_file(self) -> Path:
        return self.state / "journal.bin"

    @property
    def spending_file(self) -> Path:
        return self.state / "spending.jsonl"

    @property
    def cached_calls_file(self) -> Path:
        return self.state / "cached-calls"

    @property
    def prompt_costs_file(self) -> Path:
        return self.state / "prompt-costs"

    @property
    def reliability_file(self) -> Path:
        return self.state / "reliability.json"

    @property
    def log_file(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def manifest_file(self) -> Path:
        return self.path / "manifest.json"

    def file(self, name: str) -> Path:
        return self.path / f"{name}.jsonl"

    @property
    def state_names(self) -> frozenset[str]:
        """Of the files in ``state`` that every run has, whatever its version."""
        return frozenset(
            file.name for file in (self.lock_file, self.journal_file, self.spending_file)
        )

    @property
    def result_names(self) -> frozenset[str]:
        """Of the files beside ``state``."""
        return frozenset({*_RESULTS, self.log_file.name, self.manifest_file.name, "report.html"})

    def is_whole(self) -> bool:
        """Whether all result files are there; somebody may have deleted one."""
        return all((self.path / name).exists() for name in _RESULTS)

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
        with (
            replacing(self.file("pairs")) as pairs,
            replacing(self.file("completions")) as completions,
            replacing(self.file("judgments")) as judgments,
            replacing(self.file("skips")) as skips,
        ):
            files = dict(zip(FILES, (pairs, completions, judgments, skips), strict=True))
            for row in rows:
                if isinstance(row, bytes):
                    skips.write(row)
                    continue
                for name, lines in journal.lines(row).items():
                    files[name].writelines(lines)
