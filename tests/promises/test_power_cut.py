"""What a power cut takes from a run: nothing that is older than a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support.kills import WarmStarter
from tests.support.power_cut.recording import COMPILER
from tests.support.power_cut.scene import RecordedRun, cut_and_resume, record_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMPILER is None, reason="no C compiler, with which the recorder is built"),
]
_CUTS = 12
_SECOND_AND_DISK_S = 1.6
"""One second, and what a busy machine takes to force the files and to start a thread."""


@pytest.fixture(scope="module", params=["each_second", "each_reply"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    return record_run(tmp_path_factory.mktemp("power"), durable=request.param)


@pytest.fixture(scope="module")
def starter() -> Iterator[WarmStarter]:
    with WarmStarter() as warm:
        yield warm


def test_after_a_power_cut_the_same_command_ends_with_the_same_bytes_and_buys_the_last_second_again(
    run: RecordedRun, starter: WarmStarter, tmp_path: Path
) -> None:
    chance = Random(11)
    first, last = run.replies[0], run.replies[-1]
    for number in range(_CUTS):
        at = chance.uniform(first - 0.3, last if number % 3 else first + 1)
        resumed = cut_and_resume(run, at, tmp_path / str(number), starter, chance)
        safe = sum(reply < at - _SECOND_AND_DISK_S for reply in run.replies)
        assert resumed.exit_code == 0
        assert resumed.results == run.results
        assert resumed.sent <= len(run.replies) - safe
        assert resumed.paid_calls >= safe + resumed.sent
