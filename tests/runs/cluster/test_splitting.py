"""How many workers a run can use, and what it says where that is fewer than asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.file import load_config
from judgeforge.runs.cluster.splitting import usable_workers
from judgeforge.runs.preparation.preparation import prepare
from tests.local_server import LocalServer
from tests.support.run_setup import model, write_config


def workers_of(
    folder: Path, server: LocalServer, asked: int, own: dict[str, Any], **parts: Any
) -> tuple[int, str | None]:
    config = write_config(folder, server, models={"small": model(server, **own)}, **parts)
    return usable_workers(prepare(load_config(config), with_keys=False), asked, prompts=99)


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


@pytest.mark.parametrize(
    ("prompts", "kept_here", "number", "why"),
    [
        (2, 0, 2, "2 prompts are to do, so 2 workers work"),
        (1, 0, 1, "1 prompt is to do, so this process does all work"),
        (0, 0, 1, "no prompt is to do, so this process does all work"),
        (67, 64, 3, "67 prompts are to do, and judges are learnt from 64 of them, in one process, "
                    "so 3 workers work"),
        (9, 9, 1, "9 prompts are to do, and judges are learnt from all of them, in one process, "
                  "so this process does all work"),
    ],
)  # fmt: skip
def test_no_more_than_there_are_prompts_for_them(
    tmp_path: Path, server: LocalServer, prompts: int, kept_here: int, number: int, why: str
) -> None:
    prepared = prepare(load_config(write_config(tmp_path, server)), with_keys=False)
    found = usable_workers(prepared, 16, prompts=prompts, kept_here=kept_here)
    assert found == (number, f"of 16 workers: {why}")
