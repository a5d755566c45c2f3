"""Importing judgeforge and asking for help cost next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    "statement",
    [
        "import judgeforge",
        "sys.argv = ['judgeforge', '--help']\n"
        "from judgeforge.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass",
    ],
    ids=["import judgeforge", "judgeforge --help"],
)
def test_nothing_heavy_is_imported(statement: str) -> None:
    assert not loaded(statement) & set(HEAVY)


def test_a_check_imports_no_sdk_and_no_tables(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "Why is the sky blue?"}\n')
    config = tmp_path / "config.yaml"
    config.write_text(
        "prompts: {path: prompts.jsonl}\n"
        "models: {m: {provider: openai, model: m, base_url: 'http://127.0.0.1:9/v1'}}\n"
        "sampling: {models: [m]}\nrubric: helpfulness\njudging: {judges: [{model: m}]}\n"
    )
    checked = loaded(
        f"sys.argv = ['judgeforge', 'check', {str(config)!r}]\n"
        "from judgeforge.cli import main\n"
        "try: main()\n"
        "except SystemExit as done: assert not done.code, done.code"
    )
    assert "judgeforge.runs.planning.check" in checked
    assert not checked & {"aiohttp", "anthropic", "datasets", "openai", "pandas", "pyarrow"}


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
