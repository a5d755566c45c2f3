"""How many workers a run can use, and what it says where that is fewer than asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.file import load_config
from judgeforge.runs.cluster.splitting import usable_workers
from judgeforge.runs.planning.preparation import prepare
from tests.local_server import LocalServer
from tests.support.run_setup import model, write_config


def workers_of(
    folder: Path, server: LocalServer, asked: int, own: dict[str, Any], **parts: Any
) -> tuple[int, str | None]:
    config = write_config(folder, server, models={"small": model(server, **own)}, **parts)
    return usable_workers(prepare(load_config(config), with_keys=False), asked)


def test_as_many_as_asked_for_where_nothing_is_in_the_way(
    tmp_path: Path, server: LocalServer
) -> None:
    assert workers_of(tmp_path, server, 8, {}) == (8, None)
    assert workers_of(tmp_path, server, 1, {}) == (1, None)


@pytest.mark.parametrize(
    ("own", "number", "why"),
    [
        ({"concurrency": 2}, 2, "`small` takes 2 requests at a time"),
        ({"concurrency": 1}, 1, "this process does all work"),
        ({"rpm": 180}, 3, "`small` may be asked 180 times a minute"),
        ({"batch": True}, 1, "asked in batches"),
    ],
)
def test_no_more_than_a_model_has_work_for(
    tmp_path: Path, server: LocalServer, own: dict[str, Any], number: int, why: str
) -> None:
    found, said = workers_of(tmp_path, server, 4, own)
    assert found == number
    assert said is not None
    assert why in said


def test_no_more_than_there_are_slots(tmp_path: Path, server: LocalServer) -> None:
    found, said = workers_of(tmp_path, server, 16, {}, limits={"concurrency": 5})
    assert (found, said) == (
        5,
        "of 16 workers: limits.concurrency is 5, so 5 workers work",
    )
