"""Tasks are run once, a few at a time, and what they found is kept; what failed is not."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls.cache import ReplyCache
from judgeforge.judging.checks.programs import Task, Verdict
from judgeforge.judging.programs.child_process import ChildFailedError
from judgeforge.judging.programs.deciding import Programs, try_function
from tests.support.sandboxes import needs_mathematics, needs_sandbox

FUNCTIONS = """
import os, time
from pathlib import Path

def told(answer):
    print("noise on standard output")
    with Path("calls").open("a") as file:
        file.write(answer + "\\n")
    return len(answer) > 2, f"{len(answer)} letters"

def half(answer, reference, metadata, prompt, tool_calls):
    return 0.5

def unsure(answer): return None, "no idea"
def wrong(answer): return "yes"
def beyond(answer): return 2
def raises(answer): raise ValueError("oh")
def dies(answer): os._exit(3)
def hangs(answer): time.sleep(60)
def needs_more(answer, colour): return True
def mistypes(answer, refrence=None, prompt_length=100): return True
async def waits(answer): return True
def is_anything(**given): return sorted(given)[:2] == ["answer", "metadata"] and len(given) == 5
number = 5
"""


def task(name: str, answer: str = "abc", timeout_s: float = 20.0) -> Task:
    given: dict[str, object] = {
        "function": f"own:{name}",
        "answer": answer,
        "prompt": [],
        "reference": None,
        "metadata": {},
        "tool_calls": [],
    }
    return Task("function", json.dumps(given, sort_keys=True), timeout_s)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(FUNCTIONS)
    return tmp_path


@contextmanager
def programs(folder: Path, told: list[dict[str, Any]] | None = None) -> Iterator[Programs]:
    cache = ReplyCache(folder / "cache", on_damage=lambda *_: None)

    def tell(_: str, **fields: Any) -> None:
        if told is not None:
            told.append(fields)

    running = Programs(cache, folder, at_once=2, tell=tell)
    try:
        yield running
    finally:
        running.close()
        cache.close()


def decide(
    folder: Path, *tasks: Task, told: list[dict[str, Any]] | None = None
) -> Sequence[Verdict]:
    async def all_at_once(running: Programs) -> Sequence[Verdict]:
        return await asyncio.gather(*map(running.decide, tasks))

    with programs(folder, told) as running:
        return asyncio.run(all_at_once(running))


def test_a_function_says_what_it_finds_and_why(folder: Path) -> None:
    assert list(
        decide(folder, task("told"), task("told", "ab"), task("half"), task("is_anything"))
    ) == [
        Verdict(1.0, "3 letters"),
        Verdict(0.0, "2 letters"),
        Verdict(0.5, ""),
        Verdict(1.0, ""),
    ]


def test_an_equal_answer_is_never_put_to_it_twice_also_after_a_restart(folder: Path) -> None:
    told: list[dict[str, Any]] = []
    assert len(set(decide(folder, task("told"), task("told"), task("told"), told=told))) == 1
    assert decide(folder, task("told"), told=told) == [Verdict(1.0, "3 letters")]
    assert (folder / "calls").read_text() == "abc\n"
    assert [(one["program"], one["score"]) for one in told] == [("function", 1.0)]


def test_a_changed_function_is_asked_again(folder: Path) -> None:
    from judgeforge.judging.programs import deciding

    decide(folder, task("told"))
    (folder / "own.py").write_text(FUNCTIONS + "\n# changed\n")
    deciding._made_by.cache_clear()  # of another process
    decide(folder, task("told"))
    assert (folder / "calls").read_text() == "abc\nabc\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unsure", "no idea"),
        ("wrong", "the function gave str"),
        ("beyond", "a score is from 0 to 1"),
        ("raises", "ValueError: oh"),
        ("dies", "its process ended (exit code 3)"),
    ],
)
def test_what_gives_no_verdict_is_undecided_and_not_kept(
    name: str, said: str, folder: Path
) -> None:
    told: list[dict[str, Any]] = []
    for _ in range(2):
        (verdict,) = decide(folder, task(name), told=told)
        assert verdict.score is None
        assert said in verdict.said
    assert len(told) == 2


def test_what_hangs_is_killed_and_the_next_question_is_answered(folder: Path) -> None:
    begun = time.monotonic()
    first, second = decide(folder, task("hangs", timeout_s=0.3), task("told"))
    assert first == Verdict(None, "it took longer than 0.3 s")
    assert second.score == 1.0
    assert time.monotonic() - begun < 30


def test_the_end_of_a_run_waits_for_nothing(folder: Path) -> None:
    async def begin(running: Programs) -> None:
        waiting = asyncio.create_task(running.decide(task("hangs", timeout_s=60)))
        await asyncio.sleep(0.5)
        waiting.cancel()

    begun = time.monotonic()
    with programs(folder) as running:
        asyncio.run(begin(running))
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("own:nothing", "has no attribute `?'?nothing"),
        ("nowhere:f", "No module named"),
        ("own:number", "it is not a function"),
        ("own:needs_more", "it takes `colour`"),
        ("own:mistypes", "it takes `refrence`, which it is never given; did you mean `refere"),
        ("own:waits", "it is asynchronous"),
    ],
)
def test_a_function_that_cannot_be_called_is_found_out_before(
    name: str, why: str, folder: Path
) -> None:
    with pytest.raises(ChildFailedError, match=why):
        try_function(name, folder)


@needs_mathematics
def test_mathematics_that_takes_too_long_is_undecided_and_holds_up_nothing_else(
    tmp_path: Path,
) -> None:
    hard = {"answer": "$\\int_0^1 x^{99^{9}} dx$", "reference": "9^{9^{9^{9}}}", "decimals": 6}
    plain = {"answer": "\\boxed{1/2}", "reference": "0.5", "decimals": 6}
    first, second = decide(
        tmp_path,
        Task("math", json.dumps(hard, sort_keys=True), 0.001),
        Task("math", json.dumps(plain, sort_keys=True), 20.0),
    )
    assert first == Verdict(None, "it took longer than 0.001 s")
    assert second == Verdict(1.0, "`1/2` is `0.5`")


@needs_sandbox
def test_tests_run_in_the_sandbox(tmp_path: Path) -> None:
    given = {"code": "x = 1", "tests": ["assert x == 1"], "timeout_s": 10.0, "memory_mb": 256}
    (verdict,) = decide(tmp_path, Task("tests", json.dumps(given, sort_keys=True), 10.0))
    assert verdict == Verdict(1.0, "all tests passed")


def test_what_mathematics_said_is_kept_for_the_code_that_said_it() -> None:
    from judgeforge.judging.programs import deciding

    made_by = deciding._made_by("math", None, Path())
    for name in ("math_answers.py", "quantities.py"):
        content = Path(deciding.__file__).with_name(name).read_bytes()
        assert hashlib.sha256(content).hexdigest() in made_by
