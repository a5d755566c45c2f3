"""Files that are written in one go, and places that cannot be written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.atomic_files import (
    check_free_space,
    chosen_place,
    make_folder,
    new_folder,
    replacing,
)
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config


def test_a_file_takes_its_place_once_it_is_whole(file: Path) -> None:
    file.write_bytes(b"old")
    with replacing(file) as target:
        target.write(b"new")
        assert file.read_bytes() == b"old"
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(OSError(errno.ENOSPC, "full"), StoreError), (ValueError("a bug"), ValueError)],
)
def test_what_fails_leaves_the_old_file_and_nothing_beside_it(
    file: Path, failure: Exception, kind: type[Exception]
) -> None:
    def write_half() -> None:
        with replacing(file) as target:
            target.write(b"half of the new")
            raise failure

    file.write_bytes(b"old")
    with pytest.raises(kind):
        write_half()
    assert [(entry.name, entry.read_bytes()) for entry in file.parent.iterdir()] == [
        (file.name, b"old")
    ]


def _link(place: Path, victim: Path) -> None:
    place.symlink_to(victim)


def _hard_link(place: Path, victim: Path) -> None:
    place.hardlink_to(victim)


def _pipe(place: Path, _: Path) -> None:
    os.mkfifo(place)


def _folder(place: Path, _: Path) -> None:
    place.mkdir()


@pytest.mark.parametrize("name", [".run.jsonl.part", ".run.jsonl.0123456789abcdef.part"])
@pytest.mark.parametrize("plant", [_link, _hard_link, _pipe, _folder])
def test_what_was_planted_beside_a_file_changes_nothing(
    tmp_path: Path, plant: Callable[[Path, Path], None], name: str
) -> None:
    victim, file = tmp_path / "victim", tmp_path / "there" / "run.jsonl"
    victim.write_bytes(b"of somebody else")
    file.parent.mkdir()
    plant(file.with_name(name), victim)
    with replacing(file) as target:
        target.write(b"new")
    assert (victim.read_bytes(), file.read_bytes()) == (b"of somebody else", b"new")
    assert not file.is_symlink()


@pytest.mark.parametrize("target", ["victim", "gone", "/dev/full"])
def test_a_link_in_place_of_the_file_is_replaced_and_not_followed(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "victim").write_bytes(b"of somebody else")
    file = tmp_path / "file"
    file.symlink_to(tmp_path / target)
    with replacing(file) as opened:
        opened.write(b"new")
    assert file.read_bytes() == b"new"
    assert not file.is_symlink()
    assert (tmp_path / "victim").read_bytes() == b"of somebody else"
    assert not (tmp_path / "gone").exists()


def test_several_write_one_file_at_a_time_and_the_last_to_end_wins(file: Path) -> None:
    with replacing(file) as first:
        with replacing(file) as second, replacing(file) as third:
            second.write(b"second")
            third.write(b"third")
        first.write(b"first")
        assert file.read_bytes() == b"second"
    assert file.read_bytes() == b"first"
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_many_threads_write_one_file(file: Path) -> None:
    texts = [bytes([65 + number]) * 100_000 for number in range(12)]

    def write(text: bytes) -> None:
        with replacing(file) as target:
            target.write(text)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(write, texts))
    assert file.read_bytes() in texts
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_what_a_killed_process_left_goes_with_the_next_writing(file: Path) -> None:
    code = f"""
import os, pathlib
from judgeforge.store.atomic_files import replacing
with replacing(pathlib.Path({str(file)!r})) as target:
    target.write(b"half")
    target.flush()
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert [entry.read_bytes() for entry in file.parent.iterdir()] == [b"half"]
    with replacing(file) as target:
        target.write(b"whole")
    assert [entry.read_bytes() for entry in file.parent.iterdir()] == [b"whole"]


@pytest.mark.parametrize("name", [".kept.part", ".run.jsonl.mine.part", ".run.jsonl.part.zip"])
def test_files_of_similar_names_are_left_alone(file: Path, name: str) -> None:
    file.with_name(name).write_bytes(b"mine")
    with replacing(file.with_name("run.jsonl")) as target:
        target.write(b"new")
    assert file.with_name(name).read_bytes() == b"mine"


def test_a_name_may_be_as_long_as_the_disk_takes(tmp_path: Path) -> None:
    file = tmp_path / ("\u00e9" * 127)
    with replacing(file) as target:
        target.write(b"new")
    assert file.read_bytes() == b"new"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [("report",), ("report", "--to", "x.html"), ("export", "--to", "x.jsonl", "--force")],
    ids=["page", "page-elsewhere", "export"],
)
def test_three_at_once_all_succeed(
    tmp_path: Path, server: LocalServer, out: Path, words: tuple[str, ...]
) -> None:
    run(write_config(tmp_path, server, prompts=3), out)
    command = [sys.executable, "-m", "judgeforge", words[0], str(out), *words[1:]]
    started = [
        subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    for process in started:
        _, said = process.communicate()
        assert process.returncode == 0, said.decode()
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(0o750)
    make_folder(there, mode=0o700)
    make_folder(there / "a" / "b", mode=0o700)
    assert [place.stat().st_mode & 0o777 for place in (there, there / "a" / "b")] == [0o750, 0o700]


def test_a_new_folder_goes_again_where_it_was_made_for_nothing(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"

    def fail(*, leaving: Path | None = None) -> None:
        with new_folder(place):
            (leaving or tmp_path).touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError):
        fail(leaving=tmp_path / "a" / "mine")
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["mine"]
    with new_folder(place):
        assert place.is_dir()
    with pytest.raises(KeyError):
        fail()
    assert place.is_dir(), "it was there before"


def test_a_disk_with_too_little_room_and_one_that_is_gone_are_named(tmp_path: Path) -> None:
    check_free_space([tmp_path], 0)
    with pytest.raises(StoreError, match=r"MB are free, less than limits\.min_free_mb \(1e\+12\)"):
        check_free_space([tmp_path], 1e12)
    with pytest.raises(StoreError, match="gone: cannot be looked at"):
        check_free_space([tmp_path, tmp_path / "gone"], 0)


@pytest.mark.parametrize(
    "words", [("report", "--to", "x.html"), ("export", "--to", "x.jsonl")], ids=lambda w: w[0]
)
def test_a_place_that_nobody_can_write_to_is_a_mistake_in_the_command(
    tmp_path: Path, server: LocalServer, out: Path, command: Any, words: tuple[str, ...]
) -> None:
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
