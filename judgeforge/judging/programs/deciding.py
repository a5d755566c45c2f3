"""Runs the programs that checks need: each task once, a few at a time, off the event loop.

What a program found is stored in the cache of replies under a hash of everything that decided it,
before it is used, so that a run that was killed goes on without running it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from judgeforge.judging.checks.programs import ProgramName, Task, Verdict
from judgeforge.judging.programs.child_process import ChildFailedError, ChildProcess
from judgeforge.judging.programs.sandbox import (
    PROGRAM,
    Sandbox,
    SandboxFailedError,
    SandboxUnavailableError,
    open_sandbox,
)

if TYPE_CHECKING:
    from judgeforge.calls.call import Call
    from judgeforge.calls.stores import KeepsReplies

AT_ONCE = max(1, min(8, os.cpu_count() or 1))
"""Programs, where nothing else is said."""
Tell = Callable[..., None]


class Decides(Protocol):
    """What a panel asks for the verdicts of programs."""

    async def decide(self, task: Task) -> Verdict:
        """Never raises for what an answer does; StoreError where the cache fails."""
        ...


class NoPrograms:
    """Where checks are only counted, and none is put to a text."""

    async def decide(self, task: Task) -> Verdict:
        raise AssertionError(f"nothing is run here: {task}")


class Programs:
    """Runs tasks. ``folder``: where functions of the user's are looked for first.

    ``tell``: told of each run, with its key, seconds and verdict (the log of a run).
    """

    def __init__(
        self,
        cache: KeepsReplies,
        folder: Path,
        *,
        at_once: int = AT_ONCE,
        tell: Tell = lambda *_, **__: None,
    ) -> None:
        self._cache, self._folder, self._tell = cache, folder, tell
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="program")
        self._children: dict[tuple[str, ...], SimpleQueue[ChildProcess]] = {}
        self._made: list[ChildProcess] = []
        self._running: dict[str, asyncio.Future[Verdict]] = {}
        self._sandbox: Sandbox | None = None
        self._closed = False
        self.ended = 0
        """How many runs of programs have ended, with a verdict or without."""

    async def decide(self, task: Task) -> Verdict:
        call = self._call(task)
        stored = self._cache.get(call)
        if stored is not None:
            return _read(stored.reply)
        running = self._running.get(call.key)
        if running is None:
            running = asyncio.ensure_future(self._decide_anew(task, call))
            self._running[call.key] = running
            running.add_done_callback(lambda _: self._running.pop(call.key, None))
        return await asyncio.shield(running)

    def close(self) -> None:
        """Kill what still runs: its answers are done again with the next start."""
        self._closed = True
        for child in list(self._made):
            child.close()
        if self._sandbox is not None:
            self._sandbox.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for running in list(self._running.values()):
            with suppress(RuntimeError):  # its event loop is closed already
                running.cancel()

    async def _decide_anew(self, task: Task, call: Call) -> Verdict:
        begun = time.monotonic()
        loop = asyncio.get_running_loop()
        verdict = await loop.run_in_executor(self._threads, self._run, task)
        seconds = time.monotonic() - begun
        self.ended += 1
        if verdict.score is not None:
            from judgeforge.calls.cache_entry import StoredReply

            await self._cache.put(call, StoredReply(_written(verdict), 0.0, 0, 0, seconds))
        self._tell(
            "program",
            program=task.program,
            key=call.key,
            seconds=round(seconds, 3),
            score=verdict.score,
            said=verdict.said,
        )
        return verdict

    def _run(self, task: Task) -> Verdict:
        if self._closed:
            return Verdict(None, "the run is ending")
        given = json.loads(task.given)
        try:
            if task.program == "tests":
                return self._opened_sandbox().run(given)
            return self._ask_child(task, given)
        except (SandboxFailedError, SandboxUnavailableError, ChildFailedError) as error:
            return Verdict(None, str(error))

    def _opened_sandbox(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = open_sandbox().another()
        return self._sandbox

    def _ask_child(self, task: Task, given: Mapping[str, Any]) -> Verdict:
        function = given.get("function")
        what = (task.program, function) if function else (task.program,)
        idle = self._children.setdefault(what, SimpleQueue())
        try:
            child = idle.get_nowait()
        except Empty:
            folder = self._folder if function else Path("/")
            child = ChildProcess(what, folder)
            self._made.append(child)
            if self._closed:
                child.close()
        try:
            found = child.ask(task.given, task.timeout_s)
        finally:
            idle.put(child)
        score = found.get("score")
        return Verdict(None if score is None else float(score), str(found.get("said", "")))

    def _call(self, task: Task) -> Call:
        from judgeforge.calls.call import make_call

        given = json.loads(task.given)
        made_by = _made_by(task.program, given.get("function"), self._folder)
        return make_call(
            model_name="programs",
            provider="program",
            base_url="",
            endpoint=task.program,
            body={"given": given, "made_by": made_by},
            sample=0,
        )


def try_function(name: str, folder: Path) -> None:
    """Raises ChildFailedError where a function cannot be imported or called as it has to be."""
    child = ChildProcess(("function", name), folder)
    try:
        child.start()
    finally:
        child.close()


_MATHS = ("math_answers.py", "quantities.py")


@lru_cache(maxsize=64)
def _made_by(program: ProgramName, function: str | None, folder: Path) -> str:
    """What the result depends on besides what is given."""
    if program == "math":
        libraries = [f"{name} {_version(name)}" for name in ("math-verify", "sympy")]
        return " ".join([*libraries, *(_digest(Path(__file__).with_name(file)) for file in _MATHS)])
    if program == "tests":
        return f"Python {platform.python_version()} {_digest(PROGRAM)}"
    return _digest(_source_of(str(function), folder))


def _source_of(function: str, folder: Path) -> Path | None:
    """The file of its module; what that imports is not looked at."""
    parts = function.partition(":")[0].split(".")
    for file in (
        folder.joinpath(*parts).with_suffix(".py"),
        folder.joinpath(*parts, "__init__.py"),
    ):
        if file.is_file():
            return file
    try:
        spec = find_spec(parts[0]) if len(parts) == 1 else None
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin and spec.has_location else None


def _digest(file: Path | None) -> str:
    return "" if file is None else hashlib.sha256(file.read_bytes()).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _written(verdict: Verdict) -> str:
    return json.dumps({"score": verdict.score, "said": verdict.said})


def _read(reply: str) -> Verdict:
    found = json.loads(reply)
    return Verdict(found["score"], found["said"])
