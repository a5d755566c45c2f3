"""Files that are written in one go, and places that cannot be written."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.files import check_free_space, chosen_place, make_folder, replacing
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


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(0o750)
    make_folder(there, mode=0o700)
    make_folder(there / "a" / "b", mode=0o700)
    assert [place.stat().st_mode & 0o777 for place in (there, there / "a" / "b")] == [0o750, 0o700]


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
