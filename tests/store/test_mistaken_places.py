"""A place that a command was given by mistake: exit 2, what is wrong with it, no errno."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.files import chosen_place, replacing
from judgeforge.store.recognition import why_no_run_folder
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config

READERS = {
    "status": ("status", "PLACE"),
    "report": ("report", "PLACE"),
    "explain": ("explain", "PLACE", "p0.p0"),
    "export": ("export", "PLACE", "--to", "x.jsonl"),
}


def leave_run(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"format_version": 1, "status": "complete"}')
    return folder


@pytest.mark.parametrize("words", READERS.values(), ids=READERS)
def test_a_file_a_missing_folder_and_one_without_a_run_are_told_apart(
    tmp_path: Path, command: Any, words: tuple[str, ...]
) -> None:
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / "empty").mkdir()
    for name, said in {
        "config.yaml": "is a file: name the folder that `judgeforge run` wrote",
        "emty": "there is no such folder; did you mean `empty`",
        "empty": "is no run folder: it has no ",
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


@pytest.mark.parametrize(
    "words", [("report", "--to", "x.html"), ("export", "--to", "x.jsonl")], ids=lambda w: w[0]
)
def test_a_place_that_nobody_can_write_to_is_a_mistake_in_the_command(
    tmp_path: Path, server: LocalServer, command: Any, words: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    run(write_config(tmp_path, server, prompts=1), out)
    for parent in ("/proc", tmp_path / "config.yaml"):
        name, option, file = words
        code, _, error = command(name, out, option, Path(parent, file))
        assert code == 2
        assert "cannot be written there (" in error
        assert "Errno" not in error


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EACCES, ConfigError), (errno.ENOSPC, StoreError)]
)
def test_a_disk_that_is_full_is_nobodys_mistake(
    tmp_path: Path, number: int, kind: type[Exception]
) -> None:
    with (
        pytest.raises(kind),
        chosen_place(tmp_path / "x"),
        replacing(tmp_path / "x"),
    ):
        raise OSError(number, "said")
