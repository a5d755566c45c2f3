"""`--out "runs/{date}"`: a folder a day, and what an earlier day left open is finished first."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.runs import folders, sequence
from judgeforge.runs.folders import run_folders, today
from judgeforge.runs.result import RunResult
from judgeforge.runs.run import run_folder
from judgeforge.runs.sequence import SequenceReport, run_in_sequence
from judgeforge.runs.start import StartOptions
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.hand_made import manifest
from tests.support.run_process import Command
from tests.support.run_setup import rows, run, write_config

DAY = date(2026, 10, 18)


@pytest.fixture
def config(tmp_path: Path, server: LocalServer) -> RunConfig:
    return judgeforge.load_config(write_config(tmp_path, server, prompts=3))


def leave(folder: Path, status: str) -> None:
    folder.mkdir(parents=True)
    RunFolder(folder).write_manifest(manifest(status=status))


def names(found: Sequence[Path], tmp_path: Path) -> list[str]:
    return [str(folder.relative_to(tmp_path)) for folder in found]


def test_without_a_date_it_is_the_folder_that_was_named(config: RunConfig, tmp_path: Path) -> None:
    assert run_folders(config, str(tmp_path / "x"), DAY) == [tmp_path / "x"]


def test_unfinished_folders_of_earlier_days_come_first_oldest_first(
    config: RunConfig, tmp_path: Path
) -> None:
    for day, status in {
        "2026-10-14": "budget",
        "2026-10-15": "complete",
        "2026-10-16": "running",
        "2026-10-17": "skipped",
        "2026-10-19": "interrupted",
        "2026-13-99": "running",
    }.items():
        leave(tmp_path / "runs" / day / "nightly", status)
    (tmp_path / "runs" / "2026-10-13" / "nightly").mkdir(parents=True)
    found = run_folders(config, str(tmp_path / "runs" / "{date}" / "nightly"), DAY)
    assert names(found, tmp_path) == [
        "runs/2026-10-14/nightly",
        "runs/2026-10-16/nightly",
        "runs/2026-10-18/nightly",
    ]


def test_a_name_around_the_date_belongs_to_the_pattern(config: RunConfig, tmp_path: Path) -> None:
    leave(tmp_path / "a[1]-2026-10-17.x", "failed")
    leave(tmp_path / "b-2026-10-17.x", "failed")
    found = run_folders(config, str(tmp_path / "a[1]-{date}.x"), DAY)
    assert names(found, tmp_path) == ["a[1]-2026-10-17.x", "a[1]-2026-10-18.x"]


def test_python_takes_a_name_as_the_command_line_does(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "today", lambda _: DAY)
    for out in (str(tmp_path / "{date}" / "a"), tmp_path / "{date}" / "b"):
        judgeforge.run(config, out, limit=0)
    assert sorted(path.name for path in (tmp_path / "2026-10-18").iterdir()) == ["a", "b"]
    assert not (tmp_path / "{date}").exists()
    with pytest.raises(ConfigError, match="is not a placeholder"):
        judgeforge.run(config, tmp_path / "{datum}")


def test_a_folder_that_the_program_names_itself_may_hold_any_character(
    config: RunConfig, tmp_path: Path
) -> None:
    assert run_folder(config, tmp_path / "{team}").exit_code == 0
    assert (tmp_path / "{team}" / "pairs.jsonl").exists()


def test_a_tilde_that_no_shell_has_replaced_is_the_home_folder(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    of_the_day = tmp_path / "home" / "runs" / DAY.isoformat()
    assert run_folders(config, "~/runs/{date}", DAY) == [of_the_day]
    assert run_folders(config, "./~/runs", DAY) == [Path("~/runs")]
    leave(of_the_day, "complete")
    assert folders.latest_folder("~/runs/{date}") == of_the_day
    assert folders.chosen_folder(config, Path("~/runs")) == tmp_path / "home" / "runs"


def test_two_dates_are_a_mistake(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match="once"):
        run_folders(config, "{date}/{date}", DAY)


@pytest.mark.parametrize("wrong", ["{datum}", "{Date}", "{}", "{date", "{{date}}", "{date}/{x}"])
def test_another_placeholder_is_a_mistake_and_no_name(
    config: RunConfig, tmp_path: Path, command: Command, wrong: str
) -> None:
    code, _, error = command("run", config.source_file, "--out", tmp_path / "runs" / wrong)
    assert code == 2
    assert "is not a placeholder; the only one is {date}" in error
    assert not (tmp_path / "runs").exists()


def test_who_looks_means_the_last_day_that_has_a_run(
    config: RunConfig, tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "runs" / "{date}"
    code, _, error = command("status", out)
    assert code == 2
    assert f"{out}: no day has a run folder there yet" in error
    leave(tmp_path / "runs" / "2026-10-16", "complete")
    run(config.source_file, tmp_path / "runs" / "2026-10-17")
    (tmp_path / "runs" / "2026-10-18" / "state").mkdir(parents=True)
    code, shown, _ = command("status", out)
    assert code == 0
    assert shown.startswith(f"{tmp_path / 'runs' / '2026-10-17'}: complete")
    assert "/runs/2026-10-17" in command("status", tmp_path / "runs")[2]


def test_the_day_is_that_of_the_budget(config: RunConfig) -> None:
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")  # 25 hours apart
    days = [
        today(
            config.model_copy(update={"budget": config.budget.model_copy(update={"timezone": z})})
        )
        for z in zones
    ]
    assert (days[0] - days[1]).days in (1, 2)


def test_a_run_finishes_the_earlier_folder_says_so_and_does_its_own(
    config: RunConfig, tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "today", lambda _: DAY)
    out = str(tmp_path / "runs" / "{date}")
    yesterday = tmp_path / "runs" / "2026-10-17"
    assert run(config.source_file, yesterday, budget_usd=0.0).exit_code == 3
    said = []
    report = run_in_sequence(config, out, say=said.append)
    assert report.exit_code == 0
    assert said == [f"{yesterday} is not finished yet and comes first"]
    for day in ("2026-10-17", "2026-10-18"):
        assert len(rows(tmp_path / "runs" / day / "pairs.jsonl")) == 3
    assert len(server.requests) == 3 * 8  # today's came from the cache
    assert [one["folder"] for one in report.as_json()["finished_first"]] == [str(yesterday)]


def test_todays_does_not_begin_while_the_earlier_one_cannot_be_finished(
    config: RunConfig, tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "today", lambda _: DAY)
    run(config.source_file, tmp_path / "2026-10-17", budget_usd=0.0)
    server.behaviour.key = "another"
    report = run_in_sequence(config, str(tmp_path / "{date}"), say=lambda _: None)
    assert report.exit_code == 4
    assert not (tmp_path / "2026-10-18").exists()


def test_an_earlier_folder_whose_own_budget_is_used_up_holds_up_no_other_day(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "today", lambda _: DAY)
    run(config.source_file, tmp_path / "2026-10-17", budget_usd=0.0)
    report = run_in_sequence(
        config, str(tmp_path / "{date}"), StartOptions(budget_usd=0.0), say=lambda _: None
    )
    assert report.exit_code == 3
    assert (tmp_path / "2026-10-18" / "manifest.json").exists()


def test_after_a_signal_while_its_files_are_written_no_other_day_begins(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "today", lambda _: DAY)
    run(config.source_file, tmp_path / "2026-10-17", budget_usd=0.0)
    write_results = RunFolder.write_results

    def interrupted(folder: RunFolder, *arguments: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        write_results(folder, *arguments)

    monkeypatch.setattr(RunFolder, "write_results", interrupted)
    report = run_in_sequence(
        config, str(tmp_path / "{date}"), StartOptions(budget_usd=0.0), say=lambda _: None
    )
    assert report.exit_code == 3
    assert not (tmp_path / "2026-10-18").exists()


def test_a_day_whose_budget_is_used_up_holds_up_the_next_folder(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "today", lambda _: DAY)
    run(config.source_file, tmp_path / "2026-10-17", budget_usd=0.0)
    daily = {"ledger": tmp_path / "ledger.txt", "daily_usd": 0.000001}
    budget = config.budget.model_copy(update=daily)
    report = run_in_sequence(
        config.model_copy(update={"budget": budget}), str(tmp_path / "{date}"), say=lambda _: None
    )
    assert report.exit_code == 3
    assert not (tmp_path / "2026-10-18").exists()


@pytest.mark.parametrize(("codes", "code"), [([0, 0], 0), ([5, 0], 5), ([5, 3], 3)])
def test_an_earlier_folder_that_failed_is_not_hidden_by_todays(
    tmp_path: Path, codes: list[int], code: int
) -> None:
    report = SequenceReport(results=[RunResult(tmp_path, {}, each) for each in codes])
    assert report.exit_code == code
