"""An input that an earlier start has read, and that is byte by byte the same, is not read again.

To read a row is to check it, to give it an id and to look for its like: most of what a resume takes
before its first call. Where what was found depends on more than file and settings (pictures,
evaluation sets, criteria and checks of each row's own), nothing is kept.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from judgeforge import __version__
from judgeforge.config.run import PromptsConfig
from judgeforge.errors import InputError, StoreError
from judgeforge.inputs.files import check_files
from judgeforge.inputs.noticed import Noticed
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.store.known_rows import KnownRows, input_digest, open_known_rows, write_known_rows

WORTH_IT_BYTES = 1 << 21
"""A smaller input is read in a second or two."""
_PLAIN = (
    *("context_tokens", "output_tokens", "judged_tokens", "needs_completions"),
    *("adds_completions", "reference_check", "needs_criteria", "without_tools"),
    "without_pictures",
)
"""What of the checks is said in values; the rest is code that reads what rows state."""


@dataclass(frozen=True, slots=True)
class KnownInput:
    """``file`` keeps what was found in ``sources``."""

    file: Path
    sources: Sequence[Path]
    digest: str
    _state: tuple[int, ...]
    """Of the sources, before they were looked at."""

    @classmethod
    def of(
        cls, config: PromptsConfig, checks: RowChecks, file: Path, *, limit: int | None
    ) -> KnownInput | None:
        """None where nothing can be known, or it is not worth it."""
        reads_code = checks.metadata_checks or checks.read_criteria
        if config.path is None or limit is not None or config.contamination is not None:
            return None
        if reads_code or checks.look_at is not None:
            return None
        said = config.model_dump(mode="json"), {name: getattr(checks, name) for name in _PLAIN}
        with suppress(OSError, InputError):  # said in words where the input is read
            sources = check_files(config.path)
            state = _state(sources)
            if sum(one.stat().st_size for one in sources) >= WORTH_IT_BYTES:
                settings = json.dumps([__version__, *map(str, sources), *said], sort_keys=True)
                return cls(file, sources, input_digest(sources, settings), state)
        return None

    @contextmanager
    def rows(self) -> Iterator[KnownRows | None]:
        with open_known_rows(self.file, digest=self.digest) as rows:
            yield rows

    def keep(
        self,
        ids: array[int],
        digests: array[int],
        skips: IO[bytes],
        *,
        fingerprint: str,
        noticed: Noticed,
    ) -> None:
        """All rows were read. See ``KnownRows``; ``skips`` is left at its end."""
        if noticed.with_pictures or noticed.spared:
            return
        with suppress(OSError, StoreError):  # without it a start is slower, and nothing else
            if _state(self.sources) != self._state:
                return
            skips.seek(0)
            rows = KnownRows(ids, digests, skips, fingerprint, noticed.losses())
            write_known_rows(self.file, rows, digest=self.digest)


def _state(sources: Sequence[Path]) -> tuple[int, ...]:
    found = [source.stat() for source in sources]
    return tuple(n for one in found for n in (one.st_ino, one.st_size, one.st_mtime_ns))
