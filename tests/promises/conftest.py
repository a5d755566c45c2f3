"""What the tests of whole runs share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a test's run writes; it is not there yet."""
    return tmp_path / "out"
