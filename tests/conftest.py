"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_server import LocalServer
from tests.run_setup import KEY, KEY_VARIABLE


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A fresh server for one test: no latency, a judge noise of 0.02."""
    with LocalServer() as running:
        yield running


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has the key that run_setup names, and no other."""
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(KEY_VARIABLE, KEY)
