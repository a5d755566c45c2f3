"""What tests of measuring share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_server import LocalServer
from tests.support.measured_judges import judge_server


@pytest.fixture
def judges() -> Iterator[LocalServer]:
    with judge_server() as server:
        yield server
