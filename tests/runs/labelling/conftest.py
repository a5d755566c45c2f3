"""A run folder to label, of judges that know the hidden quality of each completion."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_server import LocalServer
from tests.support.run_setup import model, run, write_config


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty prompts of four completions by two writers, scored by two judges. To be read."""
    place = tmp_path_factory.mktemp("labelled-run")
    with LocalServer() as server:
        config = write_config(
            place,
            server,
            prompts=40,
            models={"small": model(server), "other": model(server, model="other")},
            sampling={"models": ["small", "other"], "completions": 4, "seed": 7, "max_tokens": 64},
            judging={"judges": [{"model": "small"}, {"model": "other"}]},
            pairing={"min_confidence": 0.95},
        )
        assert run(config, place / "out").exit_code == 0
    return place / "out"
