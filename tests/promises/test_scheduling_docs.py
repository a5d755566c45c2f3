"""Every example of docs/scheduling.md is one that works, as far as this machine can tell."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from configparser import RawConfigParser
from pathlib import Path

import pytest
import typer.main
import yaml

import judgeforge
from judgeforge.cli import app
from judgeforge.config.run import OnFinishConfig
from judgeforge.config.shipped import shipped_configs
from judgeforge.errors import (
    BatchesPendingError,
    BudgetExhaustedError,
    CallError,
    ConfigError,
    InterruptedRunError,
    LockHeldError,
    StoreError,
)
from judgeforge.runs.result import EXIT_TOO_MANY_SKIPS

PAGE = Path(__file__).parents[2] / "docs" / "scheduling.md"
TEXT = PAGE.read_text()
CRON_FIELD = re.compile(r"\*(/\d+)?|\d+(-\d+)?(/\d+)?(,\d+(-\d+)?)*")
EXIT_CODES = {
    0,
    EXIT_TOO_MANY_SKIPS,
    *(
        error.exit_code
        for error in (
            BatchesPendingError,
            BudgetExhaustedError,
            CallError,
            ConfigError,
            InterruptedRunError,
            LockHeldError,
            StoreError,
        )
    ),
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def cron_config() -> judgeforge.RunConfig:
    return judgeforge.load_config(shipped_configs() / "cron.yaml")


def check_command(words: Sequence[str]) -> None:
    """The options exist and their values are of the right kind; nothing is run."""
    command, name = typer.main.get_command(app), "judgeforge"
    words = list(words)
    while hasattr(command, "commands"):
        name = words.pop(0)
        command = command.commands[name]
    command.make_context(name, words)


def commands_in(text: str) -> list[list[str]]:
    """All `judgeforge …` in a text, cut at the end of the line or where a shell goes on."""
    return [
        shlex.split(found[1])
        for found in re.finditer(r"(?:^|[\s/])judgeforge ((?:run|status|cache) [^\n|]*)", text)
    ]


def test_every_command_of_the_page_exists_with_its_options() -> None:
    found = commands_in(TEXT)
    assert len(found) >= 7
    for words in found:
        check_command(words)
    with pytest.raises(Exception, match="No such option"):
        check_command(["run", "cron.yaml", "--no-such-option"])


def test_the_table_of_exit_codes_is_complete() -> None:
    table = section("What a scheduler needs to know")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == EXIT_CODES


def test_crontab_lines_are_well_formed() -> None:
    [block] = blocks("crontab")
    jobs = [line for line in block.splitlines() if not re.match(r"[A-Z]+=", line)]
    assert len(jobs) == 2
    for line in jobs:
        *fields, job = line.split(maxsplit=5)
        assert all(CRON_FIELD.fullmatch(each) for each in fields), line
        assert not re.search(r"(?<!\\)%", job)
        assert subprocess.run(["sh", "-n", "-c", job], check=False).returncode == 0


@pytest.fixture
def units(tmp_path: Path) -> dict[str, Path]:
    """The units as files, with a program and an environment file that this machine has."""
    files = {}
    for block in blocks("ini"):
        name = re.match(r"# /etc/systemd/system/(\S+)\n", block)[1]
        files[name] = tmp_path / name
        here = block.replace("/srv/preferences/.venv/bin/judgeforge", sys.executable)
        here = here.replace("/srv/preferences", str(tmp_path)).replace("/etc/judgeforge", "-/none")
        files[name].write_text(here)
    return files


def test_systemd_units_pass_systemds_own_check(units: dict[str, Path]) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine")
    command = [analyze, "verify", "--man=no", *map(str, units.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "judgeforge" in line]
    assert not ours, done.stderr


def test_systemd_units_fit_the_configuration(units: dict[str, Path]) -> None:
    assert sorted(units) == ["judgeforge.service", "judgeforge.timer"]
    service = RawConfigParser(strict=False)
    service.read_string(units["judgeforge.service"].read_text())
    config = cron_config()
    assert float(service["Service"]["TimeoutStopSec"]) >= config.limits.grace_s + 10
    assert set(map(int, service["Service"]["SuccessExitStatus"].split())) == {3, 75}
    assert config.budget.timezone in units["judgeforge.timer"].read_text()


def test_the_cronjob_of_kubernetes_fits_the_configuration() -> None:
    [job] = [yaml.safe_load(block) for block in blocks("yaml") if "kind: CronJob" in block]
    spec, config = job["spec"], cron_config()
    assert (job["apiVersion"], spec["timeZone"]) == ("batch/v1", config.budget.timezone)
    assert all(CRON_FIELD.fullmatch(field) for field in spec["schedule"].split())
    assert spec["concurrencyPolicy"] == "Forbid"
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= config.limits.grace_s + 10
    assert pod["restartPolicy"] == "Never"  # podFailurePolicy allows no other
    [rule] = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert set(rule["onExitCodes"]["values"]) <= EXIT_CODES - {0}
    [container] = pod["containers"]
    assert container["command"][0] == "judgeforge"
    check_command(container["command"][1:])
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }
    assert container["env"][0]["name"] == config.models["judge"].key_variable


def test_the_workflow_of_github_runs_the_command() -> None:
    [text] = [block for block in blocks("yaml") if "runs-on" in block]
    workflow = yaml.safe_load(text)
    assert all(
        CRON_FIELD.fullmatch(field) for field in workflow[True]["schedule"][0]["cron"].split()
    )
    [job] = workflow["jobs"].values()
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    for script in scripts:
        assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0
    assert any(commands_in(script) for script in scripts)
    assert "secrets.OPENAI_API_KEY" in text


def test_the_example_of_on_finish_is_a_valid_one() -> None:
    [example] = [yaml.safe_load(block) for block in blocks("yaml") if "on_finish:" in block]
    assert OnFinishConfig.model_validate(example["on_finish"]).timeout_s == 5


def test_the_shipped_configuration_says_what_the_page_says() -> None:
    text = (shipped_configs() / "cron.yaml").read_text()
    assert 'judgeforge run cron.yaml --out "runs/{date}" --quiet' in text
    config = cron_config()
    assert config.budget.daily_usd
    assert config.budget.usd <= config.budget.daily_usd
    assert config.ledger_file is not None
