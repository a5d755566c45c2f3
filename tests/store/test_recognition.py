"""A run replaces nothing that is not its own, and a command says what is wrong with a place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.store.folder import RunFolder, why_no_run_folder
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config


@pytest.fixture
def config(tmp_path: Path, server: LocalServer) -> Path:
    return write_config(tmp_path, server, prompts=2)


def write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine\n")


@pytest.mark.parametrize(
    "names",
    [
        ("README.md", "pairs.jsonl"),
        ("README.md", "state/terraform.tfstate"),
        ("manifest.json", "completions.jsonl"),
    ],
)
def test_a_folder_with_files_to_be_replaced_is_refused_before_anything_is_written_or_sent(
    server: LocalServer, config: Path, out: Path, command: Any, names: tuple[str, ...]
) -> None:
    write(out, *names)
    before = sorted(out.rglob("*"))
    code, _, error = command("run", config, "--out", out)
    assert code == 2
    replaced = ", ".join(sorted(name for name in names if "/" not in name))
    assert f"{out} is not a run folder, and a run would replace what it has: {replaced};" in error
    with pytest.raises(ConfigError, match="is not a run folder"):
        run(config, out, force=True)
    assert sorted(out.rglob("*")) == before
    assert all((out / name).read_text() == "mine\n" for name in names)
    assert not server.requests


def test_a_file_in_place_of_the_folder_is_named(
    server: LocalServer, config: Path, command: Any
) -> None:
    for out in (config, config / "below"):
        code, _, error = command("run", config, "--out", out)
        assert (code, server.requests) == (2, [])
        assert f"{out} is a file, or lies below one; name another run folder" in error


@pytest.mark.parametrize("blank", ["", " "])
def test_an_empty_out_is_a_mistake_and_not_the_current_folder(
    config: Path, tmp_path: Path, command: Any, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, _, error = command("run", config, "--out", blank)
    assert code == 2
    assert "the run folder (`out`) is empty" in error
    with pytest.raises(ConfigError, match=r"\(`out`\) is empty"):
        judgeforge.run(judgeforge.load_config(config), blank)
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize(
    "names", [(), ("state/lock",), (".gitkeep", ".pairs.jsonl.part"), ("notes.md", "data/x.csv")]
)
def test_a_folder_without_anything_that_would_be_replaced_is_taken(
    config: Path, out: Path, names: tuple[str, ...]
) -> None:
    out.mkdir()
    write(out, *names)
    assert run(config, out).exit_code == 0
    assert all((out / name).exists() for name in names if not name.startswith("."))


def without_manifest(out: Path) -> None:
    (out / "manifest.json").unlink()


def without_state(out: Path) -> None:
    shutil.rmtree(out / "state")


def with_notes(out: Path) -> None:
    write(out, "notes.md")


@pytest.mark.parametrize("change", [without_manifest, without_state, with_notes])
def test_a_run_folder_is_known_by_its_state_or_by_its_manifest(
    server: LocalServer, config: Path, out: Path, change: Any
) -> None:
    run(config, out)
    sent, pairs = len(server.requests), (out / "pairs.jsonl").read_bytes()
    change(out)
    assert run(config, out).exit_code == 0
    assert (out / "pairs.jsonl").read_bytes() == pairs
    assert len(server.requests) == sent


def test_a_folder_without_state_and_manifest_is_nobodys(config: Path, out: Path) -> None:
    run(config, out)
    without_state(out)
    without_manifest(out)
    with pytest.raises(ConfigError, match="is not a run folder"):
        run(config, out)


READERS = {
    "status": ("status", "PLACE"),
    "report": ("report", "PLACE"),
    "explain": ("explain", "PLACE", "p0.p0"),
    "export": ("export", "PLACE", "--to", "x.jsonl"),
}


def leave_run(folder: Path) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text('{"format_version": 1, "status": "complete"}')


@pytest.mark.parametrize("words", READERS.values(), ids=READERS)
def test_a_file_a_missing_folder_and_one_without_a_run_are_told_apart(
    tmp_path: Path, command: Any, words: tuple[str, ...]
) -> None:
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / "empty").mkdir()
    for name, said in {
        "config.yaml": "is a file: name the folder that `judgeforge run` wrote",
        "emty": "there is no such folder; did you mean `empty`",
        "empty": "is not a run folder: it has no ",
    }.items():
        place = tmp_path / name
        code, _, error = command(*(str(place) if word == "PLACE" else word for word in words))
        assert code == 2
        assert f"{place}" in error
        assert said in error


def test_run_folders_below_the_place_are_named(tmp_path: Path) -> None:
    names = [f"2026-10-0{day}" for day in range(1, 8)]
    (tmp_path / "no-run").mkdir()
    for name in names[:2]:
        leave_run(tmp_path / name)
    found = f"{tmp_path / names[0]}, {tmp_path / names[1]}"
    assert why_no_run_folder(tmp_path).endswith(f". Run folders below it: {found}")
    for name in names[2:]:
        leave_run(tmp_path / name)
    said = why_no_run_folder(tmp_path)
    assert f"The last of 7 run folders below it: {tmp_path / names[2]}, " in said


def test_a_run_that_has_just_begun_is_a_run_folder_without_a_manifest_yet(
    folder: RunFolder,
) -> None:
    assert why_no_run_folder(folder.path) == (
        f"{folder.path}: has no manifest.json yet; let the run end, or start it again"
    )
    assert f"Run folders below it: {folder.path}" in why_no_run_folder(folder.path.parent)
