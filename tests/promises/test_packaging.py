"""The wheel holds all that judgeforge needs and works in any folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from judgeforge import __version__
from tests.local_server import LocalServer
from tests.support.run_setup import KEY, KEY_VARIABLE, write_config

PROJECT = Path(__file__).resolve().parents[2]


FILES = ("pyproject.toml", "README.md", "LICENSE", ".gitignore")
FOLDERS = ("judgeforge", "prompts", "configs")


@pytest.fixture(scope="module")
def used_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which an example was run: its cache and its results are somebody's own."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in FILES:
        shutil.copy(PROJECT / name, copy)
    for name in FOLDERS:
        results = () if name == "judgeforge" else ("runs",)
        leave = shutil.ignore_patterns(".judgeforge", *results)
        shutil.copytree(PROJECT / name, copy / name, ignore=leave)
    for private in ("configs/.judgeforge/cache/cache.db", "configs/runs/openai/pairs.jsonl"):
        (copy / private).parent.mkdir(parents=True)
        (copy / private).write_text("private")
    return copy


@pytest.fixture(scope="module")
def wheel(used_checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built offline with the build tools of the running environment."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target)]
    subprocess.run([*command, str(used_checkout)], check=True, capture_output=True, text=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment that holds the wheel and sees its dependencies here."""
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home, with_pip=False)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    install = ["install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python")]
    subprocess.run([*pip, *install], check=True, capture_output=True, text=True)
    (packages,) = home.glob("lib/python*/site-packages")
    # A folder named in a .pth file is searched last, and .pth files in it are not obeyed: neither
    # the checkout nor an editable install can stand in for the wheel.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def call(program: Path, *arguments: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env={**environment, "OPENAI_API_KEY": "sk-none", KEY_VARIABLE: KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_prompts_configs_licence_and_types_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "judgeforge/py.typed",
        "judgeforge/results/report/templates/page.html.j2",
        "judgeforge/results/report/templates/style.css",
        "judgeforge/_shipped/prompts/rubrics/helpfulness.yaml",
        "judgeforge/_shipped/prompts/judge/pointwise_user.j2",
        "judgeforge/_shipped/prompts/quickstart.jsonl",
        "judgeforge/_shipped/configs/quickstart.yaml",
        f"judgeforge-{__version__}.dist-info/licenses/LICENSE",
    } <= names
    assert {name.split("/")[0] for name in names} == {
        "judgeforge",
        f"judgeforge-{__version__}.dist-info",
    }
    assert not [name for name in names if "__pycache__" in name]


def test_caches_and_results_of_the_checkout_are_not_shipped(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = [name for name in names if name.startswith("judgeforge/_shipped/")]
    assert shipped
    assert not [name for name in names if "/." in name]
    assert not [name for name in shipped if "/runs/" in name]


@pytest.mark.slow
def test_the_installed_copy_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    code = "import judgeforge; print(judgeforge.__file__)"
    place = call(installed / "python", "-c", code, folder=tmp_path)
    assert Path(place.strip()).is_relative_to(installed.parent)
    assert __version__ in call(installed / "judgeforge", "--version", folder=tmp_path)


@pytest.mark.slow
def test_a_shipped_rubric_is_found_by_name_in_any_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "Why is the sky blue?"}\n')
    (tmp_path / "config.yaml").write_text(
        "prompts: {path: prompts.jsonl}\n"
        "models: {m: {provider: openai, model: gpt-5.4-mini}}\n"
        "sampling: {models: [m]}\n"
        "rubric: helpfulness\n"
        "judging: {judges: [{model: m}]}\n"
    )
    shown = call(installed / "judgeforge", "check", "config.yaml", folder=tmp_path)
    assert "ready to run" in shown


@pytest.mark.slow
def test_a_new_project_checks_out(installed: Path, tmp_path: Path) -> None:
    call(installed / "judgeforge", "init", "project", folder=tmp_path)
    shown = call(installed / "judgeforge", "check", "project/config.yaml", folder=tmp_path)
    assert "ready to run" in shown


@pytest.mark.slow
def test_a_whole_run_works_outside_the_checkout(
    installed: Path, tmp_path: Path, server: LocalServer
) -> None:
    config = write_config(tmp_path, server, prompts=3)
    call(installed / "judgeforge", "run", config.name, "--out", "out", folder=tmp_path)
    pairs = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").open()]
    assert [pair["prompt_id"] for pair in pairs] == ["p0", "p1", "p2"]
    assert pairs[0]["provenance"]["judgeforge_version"] == __version__
    shown = call(installed / "judgeforge", "report", "out", folder=tmp_path)
    assert (tmp_path / shown.strip()).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
