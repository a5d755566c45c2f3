"""A row that the budget cannot hold is told before a run ends at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config

LONG = {"id": "long", "prompt": "word " * 40_000, "completions": ["a", "b"]}
SHORT = {"id": "short", "prompt": "Why?", "completions": ["a", "b"]}


def told(
    folder: Path, server: LocalServer, *rows: dict[str, Any], usd: float
) -> tuple[list[str], Path]:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = write_config(folder, server, prompts={"path": "rows.jsonl"}, budget={"usd": usd})
    config = judgeforge.load_config(file)
    checked, planned = check_run(config).warnings, plan_run(config).warnings
    assert checked == planned
    return [one for one in checked if "one call about" in one], file


def test_a_row_whose_call_no_budget_holds_is_named_and_the_run_does_end_there(
    tmp_path: Path, server: LocalServer
) -> None:
    (warning,), file = told(tmp_path, server, SHORT, LONG, usd=0.1)
    assert "`long` (line 2) must reserve more than $" in warning
    with pytest.warns(UserWarning, match="the next call may cost up to"):
        result = run(file, tmp_path / "out")
    assert result.exit_code == 3


@pytest.mark.parametrize(("row", "usd"), [(LONG, 5.0), (SHORT, 0.1)])
def test_a_row_that_fits_is_not(
    tmp_path: Path, server: LocalServer, row: dict[str, Any], usd: float
) -> None:
    assert told(tmp_path, server, row, usd=usd)[0] == []
