"""What a run needs of the machine: one SDK, no pandas, little memory, few garbage collections."""

from __future__ import annotations

import gc
import json
import random
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import judgeforge
from judgeforge.errors import StoreError
from judgeforge.ranking.rank import rank
from judgeforge.records import Prompt, ReadyCompletion
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.preparation.preparation import prepare
from judgeforge.runs.session import rare_garbage_collection
from judgeforge.store.spending import SpendingFile, read_account
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.judgments import scored
from tests.support.run_setup import run, write_config

MOST_MB = 200
_OF_OTHER_RUNS = {
    *("datasets", "datasketch", "huggingface_hub", "math_verify", "pandas"),
    *("rich.progress", "tokenizers", "torch", "transformers", "xllamacpp"),
    *("judgeforge.inputs.cleaning.contamination", "judgeforge.runs.labelling"),
    *("judgeforge.runs.cluster.team", "judgeforge.runs.cluster.workers", "multiprocessing"),
    *("judgeforge.runs.cluster.messages", "judgeforge.calls.telemetry.traced_door"),
    *("judgeforge.calls.batch.model_desk", "judgeforge.calls.providers.batches"),
    *("judgeforge.calibration.calibration", "judgeforge.runs.measurement.label_rows"),
    *("judgeforge.judging.elsewhere.file", "judgeforge.judging.escalation"),
    *("h11", "httpcore2._api"),  # what httpx2 would send through; here aiohttp does
    *("numpy.ma", "regex"),
}
LEFT_OUT = {
    "openai": {
        *("anthropic", "opentelemetry", "openai.types.responses.response"),
        *("openai.types.chat.chat_completion", "openai.lib.azure", "openai.resources"),
        *_OF_OTHER_RUNS,
    },
    "anthropic": {"openai", "anthropic.lib.streaming", "anthropic.resources", *_OF_OTHER_RUNS},
}
"""What a run with one provider does without."""
RUN = """
import json, sys
import judgeforge
result = judgeforge.run(judgeforge.load_config(sys.argv[1]), sys.argv[2])
status = open("/proc/self/status").read()
peak_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps([result.exit_code, int(peak_kb) / 1024, sorted(sys.modules)]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells the peak on Linux only")
@pytest.mark.parametrize("provider", LEFT_OUT)
def test_a_run_with_one_provider_loads_only_what_it_needs(
    tmp_path: Path, server: LocalServer, provider: str
) -> None:
    config = write_config(tmp_path, server, provider=provider)
    command = [sys.executable, "-c", RUN, str(config), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    exit_code, peak_mb, modules = json.loads(done.stdout)
    assert exit_code == 0
    assert sorted(LEFT_OUT[provider] & set(modules)) == []
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


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def growth(work: Callable[[int], object], prompts: int) -> int:
    """Bytes that the second half of the prompts leaves behind."""
    kept = []
    for half in (range(prompts // 2), range(prompts // 2, prompts)):
        for number in half:
            work(number)
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
    return kept[1] - kept[0]


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_ranking_keeps_nothing_of_prompts_of_which_each_was_judged_otherwise() -> None:
    drawn = random.Random(0)

    def judge(number: int) -> None:
        asked = [
            scored("j", f"c{i}", 0.5, prompt=str(number), repeat=repeat)
            for i in range(8)
            for repeat in range(drawn.randint(1, 6))
        ]
        rank(asked)

    assert growth(judge, 300) < 100_000


@pytest.mark.usefixtures("traced")
@pytest.mark.slow
def test_the_estimate_keeps_nothing_of_whose_completions_a_prompt_brings(
    tmp_path: Path, server: LocalServer
) -> None:
    config = judgeforge.load_config(write_config(tmp_path, server))
    estimator = Estimator(prepare(config))

    def price(number: int) -> None:
        given = tuple(
            ReadyCompletion(text=str(i), model=f"model-{digit}")
            for i, digit in enumerate(f"{number:04d}")
        )
        question = (Message(role="user", content="?"),)
        estimator.of_prompt(Prompt(id="p", messages=question, line=1, digest="", completions=given))

    assert growth(price, 300) < 20_000


@pytest.mark.usefixtures("traced")
def test_what_was_spent_is_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "spending"
    with file.open("w") as lines:
        for i in range(10_000):
            lines.write(f'["reserved",{i},5321000000]\n["settled",{i},1234000000,350,120]\n')
        lines.write('["reserved",10000,')
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    SpendingFile(file).close()
    assert read_account(file).calls == 10_000
    assert tracemalloc.get_traced_memory()[1] - before < 100_000 < file.stat().st_size


@pytest.mark.slow
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


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells open files on Linux only")
def test_a_start_that_fails_leaves_no_file_open_and_gives_the_lock_back(
    tmp_path: Path, server: LocalServer
) -> None:
    judging = {"judges": [{"model": "small", "repeats": 2}]}
    config, out = write_config(tmp_path, server, prompts=2, judging=judging), tmp_path / "out"
    assert run(config, out, limit=1).exit_code == 0
    fit = out / "state" / "reliability.json"
    kept = fit.read_bytes()
    fit.write_bytes(b"{broken")
    with pytest.raises(StoreError, match="the fit of the judges cannot be read"):
        run(config, out)
    assert [file for file in _open_files() if file.is_relative_to(tmp_path)] == []
    fit.write_bytes(kept)
    assert run(config, out).exit_code == 0


def _open_files() -> list[Path]:
    files = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            files.append(descriptor.readlink())
    return files
