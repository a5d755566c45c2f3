"""Run folders that several tests of results read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_server import LocalServer
from tests.support.run_setup import model, run, write_config


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
