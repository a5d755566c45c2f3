"""A full disk: the run ends with exit 74, nothing is torn, and the same command goes on."""

from __future__ import annotations

import contextlib
import gc
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from judgeforge.calls.money.ledger import Ledger
from judgeforge.errors import StoreError
from judgeforge.runs import session as run_session
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config
from tests.support.waiting import wait_until

SmallDisk = tuple[Path, Callable[[str], bool]]
"""Its folder, and what gives it a new size."""
RESULTS = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl", "pairs.parquet")
ROOMY = {"concurrency": 16, "grace_s": 2, "min_free_mb": 0}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of its own; ``resize("300k")`` gives it more room."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(place)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    if sys.platform != "linux" or not mount("size=100k"):
        pytest.skip("a small disk can be made by root on Linux only")
    try:
        yield place, lambda size: mount("remount", f"size={size}")
    finally:
        gc.collect()  # an error that was caught holds its frames, and these what is open
        wait_until(lambda: subprocess.run(["umount", str(place)], check=False).returncode == 0)


def straight_results(tmp_path: Path, server: LocalServer) -> dict[str, bytes]:
    config = write_config(tmp_path, server, cache={"dir": str(tmp_path / "straight-cache")})
    run(config, tmp_path / "straight")
    return {name: (tmp_path / "straight" / name).read_bytes() for name in RESULTS}


@pytest.mark.slow
@pytest.mark.parametrize("what", ["folder", "cache", "both"])
@pytest.mark.parametrize("size", ["48k", "160k"])
def test_a_full_disk_ends_the_run_cleanly_and_it_goes_on_with_more_room(
    tmp_path: Path, server: LocalServer, small_disk: SmallDisk, what: str, size: str
) -> None:
    disk, resize = small_disk
    resize(size)
    folder = tmp_path / "out" if what == "cache" else disk / "out"
    cache = tmp_path / "cache" if what == "folder" else disk / "cache"
    parts = {"cache": {"dir": str(cache)}, "limits": ROOMY}
    config = write_config(tmp_path, server, prompts=40, **parts)
    with contextlib.suppress(StoreError):
        assert run(config, folder).exit_code == 74
    assert resize("50m")
    again = run(config, folder)
    assert (again.exit_code, again.manifest["totals"]["prompts"]) == (0, 40)
    assert {name: (folder / name).read_bytes() for name in RESULTS} == straight_results(
        tmp_path, server
    )


def test_a_ledger_that_has_no_room_refuses_and_works_again_with_room(
    small_disk: SmallDisk,
) -> None:
    disk, resize = small_disk
    with contextlib.suppress(OSError), (disk / "filling").open("wb") as filling:
        while True:
            filling.write(b"x" * 4096)
    with pytest.raises(StoreError, match=r"disk is full|No space"):
        Ledger(disk / "ledger.txt", daily_pico=1000)
    assert resize("1m")
    ledger = Ledger(disk / "ledger.txt", daily_pico=1000)
    assert ledger.take(700) is not None
    assert ledger.take(400) is None
    ledger.close()


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [20, 150])
def test_a_limit_on_file_sizes_is_met_as_a_full_disk(
    tmp_path: Path, server: LocalServer, out: Path, kilobytes: int
) -> None:
    config = write_config(tmp_path, server, prompts=60)
    limited = (
        "import resource, sys; from judgeforge.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes * 1024},) * 2); main()"
    )
    command = [sys.executable, "-c", limited, "run", str(config), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 74, done.stderr
    assert "Traceback" not in done.stderr
    assert run(config, out).manifest["totals"]["prompts"] == 60


def test_a_run_does_not_begin_with_too_little_room(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, limits={"min_free_mb": 1e9})
    with pytest.raises(StoreError, match=r"less than limits\.min_free_mb"):
        run(config, out)
    assert not server.requests


@pytest.mark.slow
def test_a_run_stops_in_order_when_room_gets_scarce(
    tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(run_session, "DISK_EVERY_S", 0.05)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: usage(0, 0, 10**12 if len(server.requests) < 30 else 1)
    )
    server.behaviour.latency_s = 0.05
    config = write_config(tmp_path, server, prompts=100)
    result = run(config, out)
    assert (result.exit_code, result.manifest["status"]) == (74, "failed")
    assert "limits.min_free_mb" in result.manifest["message"]
    monkeypatch.undo()
    monkeypatch.setenv("TEST_KEY", "sk-test")
    assert run(config, out).exit_code == 0
    assert len(server.requests) == 100 * 8
