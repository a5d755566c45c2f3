"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_server import LocalServer


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A fresh server for one test: no latency, a judge noise of 0.02."""
    with LocalServer() as running:
        yield running
