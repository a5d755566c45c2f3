"""What `plan --usd` prints beside its figures."""

from __future__ import annotations

import pytest

from judgeforge.cli.show.spending import print_spending
from judgeforge.runs.planning.spending_plan import SpendingOption, SpendingReport


def option(more_in_doubt: int) -> SpendingOption:
    return SpendingOption(
        judges=("judge",),
        asked="all",
        completions=4,
        more_in_doubt=more_in_doubt,
        usd_per_prompt=0.01,
        prompts=100,
        usd=1.0,
        pairs=90,
        wrong=0.1,
        wrong_low=0.0,
        wrong_high=0.2,
        tied=0.05,
        points=0.0,
        points_error=0.5,
    )


def test_what_more_in_doubt_means_is_said_with_the_number_of_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = SpendingReport(1.0, "nothing", 100, [option(0), option(3)], "It pays.", [])
    print_spending(report, as_json=False)
    told = capsys.readouterr().out
    assert "4 +3: up to 3 more where the pair is in doubt (sampling.more_in_doubt)" in told
    assert "4 +0" not in told
