"""What a run needs of the machine: one SDK, no pandas, little memory, few garbage collections."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from judgeforge.garbage_collection import rare_garbage_collection
from tests.local_server import LocalServer
from tests.run_setup import run, write_config

MOST_MB = 200
RUN = """
import json, sys
import judgeforge
result = judgeforge.run(judgeforge.load_config(sys.argv[1]), sys.argv[2])
status = open("/proc/self/status").read()
peak_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps([result.exit_code, int(peak_kb) / 1024, sorted(sys.modules)]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells the peak on Linux only")
@pytest.mark.parametrize(("provider", "other"), [("openai", "anthropic"), ("anthropic", "openai")])
def test_a_run_with_one_provider_loads_only_what_it_needs(
    tmp_path: Path, server: LocalServer, provider: str, other: str
) -> None:
    config = write_config(tmp_path, server, provider=provider)
    command = [sys.executable, "-c", RUN, str(config), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    exit_code, peak_mb, modules = json.loads(done.stdout)
    assert exit_code == 0
    assert not {other, "pandas", "datasets", "xllamacpp"} & set(modules)
    assert peak_mb <= MOST_MB


def test_garbage_is_collected_rarely_during_a_run_and_as_before_after_it() -> None:
    before = gc.get_threshold()
    with rare_garbage_collection():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before


def test_of_runs_that_overlap_the_last_one_brings_the_collector_back() -> None:
    before = gc.get_threshold()
    first, second = rare_garbage_collection(), rare_garbage_collection()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() > before
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells open files on Linux only")
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_run_leaves_no_file_no_connection_and_no_thread_behind(
    tmp_path: Path, server: LocalServer, provider: str
) -> None:
    config = write_config(tmp_path, server, provider=provider)

    def left() -> tuple[int, int]:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    run(config, tmp_path / "first")
    time.sleep(0.3)  # the server, which runs in this process, closes its ends a little later
    before = left()
    shutil.rmtree(tmp_path / ".judgeforge")
    assert run(config, tmp_path / "second").manifest["last_run"]["calls"]["paid"]
    until = time.monotonic() + 5
    while left() != before and time.monotonic() < until:
        time.sleep(0.05)
    assert left() == before
