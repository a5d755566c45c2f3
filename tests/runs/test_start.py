"""What a start does again of what an earlier one has finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_server import LocalServer, faults
from tests.support.run_setup import run, write_config


@pytest.mark.parametrize("who", ["completion", "judge"])
def test_a_prompt_that_one_failed_call_left_too_little_is_done_again_for_that_call_alone(
    tmp_path: Path, server: LocalServer, who: str
) -> None:
    """It is skipped as one with too few completions or judgments, since the others are there."""
    server.faults.add(
        faults.status(400), when=lambda r: r.kind == who and b"number 2." in r.raw, times=1
    )
    sampling = {"models": ["small"], "completions": 2, "seed": 7, "max_tokens": 64}
    config, out = write_config(tmp_path, server, prompts=4, sampling=sampling), tmp_path / "out"
    (skip,) = run(config, out).skips
    assert skip.reason == ("too_few_completions" if who == "completion" else "too_few_judged")
    before = len(server.requests)
    result = run(config, out, retry_skipped=True)
    assert (result.exit_code, result.manifest["totals"]["pairs"]) == (0, 4)
    assert len(server.requests) - before == (3 if who == "completion" else 1)
