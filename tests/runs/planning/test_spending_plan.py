"""How a sum of money is best spent, told without a call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import judgeforge
from judgeforge.cli import app
from judgeforge.errors import ConfigError
from judgeforge.ranking import rehearsal
from judgeforge.ranking.reliability.judges import JudgeReliability, Reliability
from judgeforge.runs.planning.pilot import pilot_of
from judgeforge.runs.planning.spending_plan import SpendingReport, plan_spending
from judgeforge.store.fit import FrozenFit, write_fit
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.run_setup import model, run, write_config

CHEAP = {"input_per_mtok": 0.1, "output_per_mtok": 0.4}
STRONG = {"input_per_mtok": 0.4, "output_per_mtok": 1.6}
JUDGES = [{"model": "small", "name": "cheap"}, {"model": "big", "name": "strong", "tier": 2}]


@pytest.fixture
def config(tmp_path: Path, server: LocalServer) -> Path:
    return two_judges(tmp_path, server)


def two_judges(folder: Path, server: LocalServer) -> Path:
    return write_config(
        folder,
        server,
        models={"small": model(server, price=CHEAP), "big": model(server, price=STRONG)},
        judging={"judges": JUDGES},
    )


@pytest.fixture(autouse=True, scope="module")
def few_rehearsals() -> Iterator[None]:
    """What is asked here is how ways are compared, not how exactly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "PROMPTS_A_GROUP", 10)
        yield


@pytest.fixture(scope="module")
def without_a_pilot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpendingReport]:
    """Of a thousand dollars, of which no call may be paid."""
    with LocalServer() as server:
        yield planned(two_judges(tmp_path_factory.mktemp("no-pilot"), server))
        assert not server.requests


def planned(config: Path, usd: float = 1000.0, **options: Any) -> SpendingReport:
    return plan_spending(judgeforge.load_config(config), usd, **options)


def with_fit(config: Path, folder: Path, *, cheap: float, strong: float) -> Path:
    """A pilot of which the fit says how far each judge errs."""
    run(config, folder)
    known = Reliability(
        judges=(
            JudgeReliability(name="cheap", own_sd=cheap),
            JudgeReliability(name="strong", own_sd=strong),
        ),
        source="run",
        prompts=64,
        doubt=0.15,
    )
    write_fit(RunFolder(folder).reliability_file, FrozenFit(reliability=known))
    return folder


def test_the_recommended_way_comes_first_and_no_call_is_made(
    without_a_pilot: SpendingReport,
) -> None:
    report = without_a_pilot
    in_doubt = [one for one in report.options if one.more_in_doubt]
    assert {(one.judges, one.completions) for one in in_doubt} == {
        (("cheap",), 4),
        (("strong",), 4),
    }
    points = [one.points for one in report.options]
    assert points == sorted(points, reverse=True)
    assert report.options[0].points == 0.0
    assert {one.judges for one in report.options} == {
        ("cheap",),
        ("strong",),
        ("cheap", "strong"),
    }


def test_without_a_pilot_no_judge_is_told_from_another_and_it_says_so(
    without_a_pilot: SpendingReport,
) -> None:
    report = without_a_pilot
    by_judge = {
        one.judges: one for one in report.options if one.completions == 4 and not one.more_in_doubt
    }
    assert by_judge["cheap",].wrong == by_judge["strong",].wrong
    assert by_judge["cheap",].usd_per_prompt < by_judge["strong",].usd_per_prompt
    assert any("Run a pilot first" in note for note in report.notes)
    assert by_judge["cheap",].wrong_high - by_judge["cheap",].wrong_low > 0.2


@pytest.mark.slow
def test_a_pilot_says_which_judge_is_worth_its_price(config: Path, tmp_path: Path) -> None:
    folder = with_fit(config, tmp_path / "pilot", cheap=0.4, strong=0.04)
    report = planned(config, out=folder)
    assert "a pilot of 64 prompts" in report.known_from
    assert "strong" in report.options[0].judges
    same = with_fit(config, tmp_path / "same", cheap=0.06, strong=0.06)
    few = planned(config, 0.001, out=same).options[0]
    assert few.judges == ("cheap",)


def test_no_more_prompts_are_planned_than_there_are(config: Path) -> None:
    report = planned(config, 1e6)
    assert {one.prompts for one in report.options} == {report.prompts_in_input}
    assert "all of the input" in report.reason


def test_a_sum_that_pays_for_nothing_is_refused(config: Path) -> None:
    with pytest.raises(ConfigError, match="pays for no prompt"):
        planned(config, 1e-9)
    for usd in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="not a sum to spend"):
            planned(config, usd)


def test_a_price_that_is_unknown_is_asked_for(tmp_path: Path, server: LocalServer) -> None:
    config = write_config(tmp_path, server, models={"small": model(server, price=None)})
    with pytest.raises(ConfigError, match=r"models\.small\.price"):
        planned(config)


def test_the_price_in_batches_is_weighed_and_a_missing_one_is_named(
    tmp_path: Path, server: LocalServer
) -> None:
    half = {name: 0.5 * usd for name, usd in CHEAP.items()}
    said = {}
    for way, price in {"known": {**CHEAP, "batch": half}, "unknown": CHEAP}.items():
        (tmp_path / way).mkdir()
        models = {"small": model(server, price=price, batch=True)}
        said[way] = planned(write_config(tmp_path / way, server, models=models))
    assert any("`small` is counted at its price in batches" in note for note in said["known"].notes)
    assert any("no batch price known of `small`" in note for note in said["unknown"].notes)
    known, unknown = (said[way].options[0].usd_per_prompt for way in ("known", "unknown"))
    assert known == pytest.approx(0.5 * unknown)


def test_judges_that_compare_are_named_as_left_out(tmp_path: Path, server: LocalServer) -> None:
    both = [{"model": "small"}, {"model": "small", "name": "pairs", "protocol": "pairwise"}]
    config = write_config(tmp_path, server, judging={"judges": both})
    assert any("pairs compare" in note for note in planned(config).notes)
    only = tmp_path / "only"
    only.mkdir()
    config = write_config(only, server, judging={"judges": both[1:]})
    with pytest.raises(ConfigError, match="score each completion"):
        planned(config)


def test_a_folder_that_tells_nothing_is_no_pilot(config: Path, tmp_path: Path) -> None:
    judges = judgeforge.load_config(config).judging.judges
    assert "no pilot" in pilot_of(RunFolder(tmp_path / "none"), judges).told_by
    run(config, tmp_path / "few")
    assert pilot_of(RunFolder(tmp_path / "few"), judges).fitted is None


@pytest.mark.slow
def test_the_command_prints_a_table_or_json(config: Path) -> None:
    shown = CliRunner().invoke(app, ["plan", str(config), "--usd", "50"])
    assert shown.exit_code == 0, shown.output
    assert "recommended: the first." in shown.output
    told = CliRunner().invoke(app, ["plan", str(config), "--usd", "50", "--json"])
    report = json.loads(told.output)
    assert report["options"][0]["points"] == 0.0
    assert {"usd", "known_from", "reason", "notes"} <= report.keys()
