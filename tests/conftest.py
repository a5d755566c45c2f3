"""What all tests share."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from judgeforge import cli
from judgeforge.calls import cache
from judgeforge.calls.providers.postponed import postpone
from tests.local_server import LocalServer
from tests.support.run_process import Command, kill_all
from tests.support.run_setup import KEY, KEY_VARIABLE, model, run, write_config

# As a run imports it: a test that names the SDK would load hundreds of types in every process.
postpone("openai.types", "openai.types.responses")

# A busy machine may stand still for a moment: how long one example took says nothing of the code.
# `make test-slow` (EVERY_TEXT) tries each property with four times as many examples.
settings.register_profile(
    "untimed",
    deadline=None,
    max_examples=200 if os.environ.get("EVERY_TEXT") else 50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A fresh server for one test: no latency, a judge noise of 0.02."""
    with LocalServer() as running:
        yield running


@pytest.fixture
def closed_port() -> int:
    """Nothing listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run folder that is not there yet."""
    return tmp_path / "out"


@pytest.fixture(autouse=True, scope="session")
def key() -> Iterator[None]:
    """Every test has the key that run_setup names, and no other."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
            patch.delenv(variable, raising=False)
        patch.setenv(KEY_VARIABLE, KEY)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk() -> Iterator[None]:
    """A run forces some fifty files and names onto the disk. What tests write is thrown away: they
    ask for it, wrong descriptors are refused, and nothing is waited for."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, lambda descriptor: os.fstat(descriptor) and None)
        for name in ("_NORMAL", "_FULL"):  # of SQLite, which asks the system itself
            patch.setattr(cache, name, 0)
        yield


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    yield
    kill_all()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Call the command line in this process; gives exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [".venv/bin/judgeforge", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return call


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two writers, two judges that score, one that compares, and a cascade. To be read."""
    place = tmp_path_factory.mktemp("finished")
    with LocalServer() as server:
        judges = [
            {"model": "small", "repeats": 2},
            {"model": "other", "protocol": "pairwise"},
            {"model": "other", "name": "strong", "tier": 2},
        ]
        config = write_config(
            place,
            server,
            prompts=8,
            models={"small": model(server), "other": model(server, model="other")},
            sampling={"models": ["small", "other"], "completions": 4, "seed": 7, "max_tokens": 64},
            judging={"judges": judges, "cascade": {"target_confidence": 0.99}},
            budget={"usd": 5.0},
        )
        assert run(config, place / "out").exit_code == 0
    return place / "out"
