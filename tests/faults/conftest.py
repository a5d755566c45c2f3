"""The rows live beside the tests and assert like tests."""

from pathlib import Path

import pytest

for _file in Path(__file__).parent.glob("[a-z]*.py"):
    pytest.register_assert_rewrite(f"tests.faults.{_file.stem}")
