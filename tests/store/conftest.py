"""What the tests of the store share."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.store.folder import RunFolder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "file.jsonl"


@pytest.fixture
def folder(out: Path) -> RunFolder:
    """A run folder without any file."""
    folder = RunFolder(out)
    folder.create()
    return folder
