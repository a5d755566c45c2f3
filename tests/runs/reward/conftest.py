"""What tests of the reward function share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.local_server import LocalServer
from tests.support.run_setup import write_config

ASKED = ["Tell me a fact."] * 3 + ["And one more."] * 2
SAID = [
    *("[quality=0.9] long and good", "[quality=0.2] short", "[quality=0.5] so so"),
    *("[quality=0.7] fine", "[quality=0.1] no"),
]
"""Two groups; the server's judge sees the quality that each text names."""


@pytest.fixture
def config(server: LocalServer, tmp_path: Path) -> Path:
    return write_config(tmp_path, server, prompts=1)


def given(folder: Path) -> list[dict[str, Any]]:
    """The lines of rewards.jsonl."""
    return [json.loads(line) for line in (folder / "rewards.jsonl").read_text().splitlines()]
