"""Importing judgeforge and asking for help cost next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config

HEAVY = (
    "aiohttp",
    "anthropic",
    "datasets",
    "diskcache",
    "genai_prices",
    "httpx2",
    "jinja2",
    "numpy",
    "openai",
    "pandas",
    "pyarrow",
    "xllamacpp",
)
MOST_SECONDS = 0.5
PROGRAM = Path(sys.executable).with_name("judgeforge")


def loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules, file=sys.__stderr__)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return set(modules.split())


SDKS = {"aiohttp", "anthropic", "httpx2", "openai"}
TABLES = {"datasets", "numpy", "pandas", "pyarrow"}
OF_A_RUN = {"diskcache", "jinja2", "judgeforge.calls.gateway", "structlog", "tenacity"}
ON_TERMINALS = {"rich.console", "rich.progress"}


def after(*arguments: str) -> set[str]:
    """The modules that are loaded when a command of the program has ended."""
    return loaded(
        f"sys.argv = ['judgeforge', *{arguments!r}]\n"
        "from judgeforge.cli import main\n"
        "try: main()\n"
        "except SystemExit as done: assert done.code in {0, None}, done.code"
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "prompts.jsonl").write_text('{"prompt": "Why is the sky blue?"}\n')
    (folder / "config.yaml").write_text(
        "prompts: {path: prompts.jsonl}\n"
        "models: {m: {provider: openai, model: m, base_url: 'http://127.0.0.1:9/v1', "
        "price: {input_per_mtok: 1, output_per_mtok: 2}}}\n"
        "sampling: {models: [m]}\nrubric: helpfulness\njudging: {judges: [{model: m}]}\n"
    )
    return folder


def test_importing_judgeforge_loads_nothing_heavy() -> None:
    assert not loaded("import judgeforge") & {*HEAVY, "pydantic", "rich", "yaml"}


def test_help_loads_nothing_but_the_command_line() -> None:
    found = after("--help")
    assert "judgeforge.cli.run" in found
    assert sorted(found & {*HEAVY, *ON_TERMINALS, "pydantic", "rich", "yaml", "asyncio"}) == []


def test_the_status_of_a_folder_loads_nothing_of_a_run(tmp_path: Path, server: LocalServer) -> None:
    run(write_config(tmp_path, server, prompts=1), tmp_path / "out")
    found = after("status", str(tmp_path / "out"))
    assert "judgeforge.results.status" in found
    assert sorted(found & {*HEAVY, *OF_A_RUN, *ON_TERMINALS, "asyncio", "yaml"}) == []


def test_the_doctor_loads_nothing_of_a_run() -> None:
    found = after("doctor")
    assert "judgeforge.runs.doctor.doctor" in found
    assert sorted(found & {*SDKS, *TABLES, *OF_A_RUN, *ON_TERMINALS, "yaml", "genai_prices"}) == []


def test_a_check_loads_no_sdk_and_nothing_that_only_a_run_needs(project: Path) -> None:
    found = after("check", str(project / "config.yaml"))
    assert "judgeforge.runs.planning.check" in found
    left_out = {"genai_prices", *SDKS, *TABLES, *OF_A_RUN - {"jinja2"}, *ON_TERMINALS}
    assert sorted(found & {*left_out, "datasketch", "huggingface_hub", "tokenizers"}) == []


def test_a_plan_loads_no_sdk_and_nothing_that_ranks(project: Path) -> None:
    found = after("plan", str(project / "config.yaml"))
    assert "judgeforge.runs.planning.plan" in found
    left_out = {"genai_prices", *SDKS, *TABLES, *OF_A_RUN - {"jinja2"}, "judgeforge.ranking.rank"}
    assert sorted(found & left_out) == []


@pytest.mark.slow
def test_a_run_that_writes_to_no_terminal_loads_nothing_that_draws(
    tmp_path: Path, server: LocalServer
) -> None:
    config = write_config(tmp_path, server, prompts=1)
    found = after("run", str(config), "--out", str(tmp_path / "out"))
    assert {"structlog", "judgeforge.runs.record"} <= found
    assert sorted(found & {"rich.pretty", "rich.traceback", "pygments", *ON_TERMINALS}) == []


@pytest.mark.parametrize(
    "command",
    [(sys.executable, "-c", "import judgeforge"), (str(PROGRAM), "--help")],
    ids=["import judgeforge", "judgeforge --help"],
)
def test_it_takes_half_a_second_at_most(command: tuple[str, ...]) -> None:
    best = MOST_SECONDS + 1
    for _ in range(10):
        # Processor time: what it costs, however busy the machine is with other things.
        start = os.times()
        subprocess.run(command, capture_output=True, check=True)
        end = os.times()
        spent = end.children_user + end.children_system
        best = min(best, spent - start.children_user - start.children_system)
        if best <= MOST_SECONDS:
            break
    assert best <= MOST_SECONDS


ASKED_BESIDE = """
import abc, sys, threading
from collections.abc import Mapping
import judgeforge

begin = abc._abc_init
told = []

def ask_beside(made):
    if made.__name__ == "MapScalar":
        reader = threading.main_thread()
        if threading.current_thread() is not reader:
            told.append(isinstance((), Mapping))
    begin(made)

abc._abc_init = ask_beside
result = judgeforge.run(judgeforge.load_config(sys.argv[1]), sys.argv[2], progress=False)
assert "pyarrow.lib" in sys.modules
print(told, isinstance((), Mapping), len(result.pairs))
"""


@pytest.mark.slow
def test_no_thread_makes_a_mapping_of_tuples_while_replies_are_read(
    tmp_path: Path, server: LocalServer
) -> None:
    command = [sys.executable, "-c", ASKED_BESIDE, str(write_config(tmp_path, server, prompts=8))]
    server.behaviour.latency_s = 0.05
    command.append(str(tmp_path / "out"))
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.stdout.startswith("[] False "), shown.stderr
