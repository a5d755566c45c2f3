"""Prompts that a program gives in memory: a file of the run folder, read as any file is read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO

from judgeforge.config.run import RunConfig
from judgeforge.errors import StoreError
from judgeforge.inputs.rows_in_memory import write_rows
from judgeforge.store.atomic_files import read_error, replacing
from judgeforge.store.folder import RunFolder

_IN_MEMORY = 1 << 24
_CHUNK = 1 << 20


class GivenPrompts:
    """The rows as lines of a file, before it is known whether the folder takes them."""

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines

    @contextmanager
    def in_place(self, folder: RunFolder) -> Iterator[None]:
        """Needs the folder's lock. Where what is done meanwhile refuses the rows, the folder has
        those again that it had before. Equal ones are not written again. Raises StoreError."""
        folder.refuse_odd_files()
        file = folder.given_prompts
        with _opened(file) as earlier:
            if earlier is not None and self._equal(earlier):
                yield
                return
            _write(self._lines, file)
            try:
                yield
            except BaseException:
                if earlier is None:
                    file.unlink(missing_ok=True)
                else:
                    _write(earlier, file)
                raise

    def _equal(self, earlier: IO[bytes]) -> bool:
        self._lines.seek(0)
        while (chunk := earlier.read(_CHUNK)) == self._lines.read(_CHUNK):
            if not chunk:
                return True
        return False


@contextmanager
def given_prompts(rows: object, config: RunConfig) -> Iterator[GivenPrompts | None]:
    """None for None. Raises TypeError and InputError for what are no rows; see ``write_rows``."""
    if rows is None:
        yield None
        return
    with SpooledTemporaryFile(_IN_MEMORY) as lines:
        try:
            write_rows(rows, lines, text_column=config.prompts.fields.prompt)
        except OSError as error:
            raise StoreError(f"no room for temporary files in {gettempdir()}: {error}") from error
        yield GivenPrompts(lines)


def reading_given(config: RunConfig, folder: RunFolder) -> RunConfig:
    """``config`` with the given prompts in place of the source that it names."""
    source = {"path": folder.given_prompts.absolute(), "hf": None, "format": "auto"}
    prompts = config.prompts.model_copy(update=source)
    return config.model_copy(update={"prompts": prompts})


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes] | None]:
    """None where it is not there. What was opened stays readable when it is replaced."""
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise read_error(file, error) from error
    with opened:
        yield opened


def _write(lines: IO[bytes], file: Path) -> None:
    lines.seek(0)
    with replacing(file) as place:
        shutil.copyfileobj(lines, place, _CHUNK)
