"""Runs an answer's code against tests, inside the sandbox. The standard library alone is there.

    python sandboxed_tests.py PIPE < given.json

It writes one line to the pipe, which begins with a token that the code is not told: code that ends
the process, or writes to the pipe itself, has not passed.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import traceback
import types
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LONGEST = 800
"""Characters of what is said of a failure."""
_MOST_FILES = 64
_MB = 1 << 20


def main(pipe: str) -> None:
    given = json.loads(sys.stdin.buffer.read())
    token = given.pop("token")
    report = int(pipe)
    _bound(given["timeout_s"], given["memory_mb"])
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
    lacking: list[str] = []
    try:
        failure = _run(given)
    except BaseException as error:  # noqa: BLE001 (whatever the code raises is its failure)
        failure = _in_words(error)
        lacking = _lacking(error)
    sys.stdout.flush()
    found = {"passed": failure is None, "said": (failure or "")[:_LONGEST], "lacking": lacking}
    os.write(report, token.encode() + json.dumps(found).encode() + b"\n")
    os._exit(0)  # threads and what was registered for the exit do not run


def _bound(timeout_s: float, memory_mb: int) -> None:
    seconds = int(timeout_s) + 1
    for limit, most in (
        (resource.RLIMIT_AS, memory_mb * _MB),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 32 * _MB),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def _run(given: Mapping[str, Any]) -> str | None:
    """None where all tests pass."""
    pairs = [test for test in given["tests"] if isinstance(test, dict)]
    for number, test in enumerate(pairs):
        if failure := _run_program(given, test):
            return f"test {number + 1}: {failure}"
    texts = [test for test in given["tests"] if isinstance(test, str)]
    if not texts:
        return None
    module = types.ModuleType("answer")
    sys.modules["answer"] = module
    names = module.__dict__
    _execute(given.get("setup", ""), "setup", names)
    _execute(given["code"], "answer", names)
    for number, text in enumerate(texts):
        if failure := _run_test(text, given.get("entry_point"), names):
            return f"test {number + 1} of {len(texts)}: {failure}"
    return None


def _run_test(test: str, entry_point: str | None, names: dict[str, Any]) -> str | None:
    before = dict(names)
    try:
        _execute(test, "test", names)
        new = {name: value for name, value in names.items() if before.get(name) is not value}
        if entry_point is not None and callable(new.get("check")):
            new["check"](names[entry_point])
        cases = unittest.TestSuite()
        for name, value in new.items():
            if isinstance(value, type) and issubclass(value, unittest.TestCase):
                cases.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(value))
            elif name.startswith("test") and isinstance(value, types.FunctionType):
                value()
        result = unittest.TestResult()
        cases.run(result)
    except BaseException as error:  # (SystemExit is a failure as well)
        if _lacking(error):
            raise
        return _in_words(error, test)
    for _, told in (*result.failures, *result.errors):
        return told.strip().rpartition("\n")[2]
    return None


def _run_program(given: Mapping[str, Any], test: Mapping[str, Any]) -> str | None:
    """The code as a program of its own: what it reads, and what it must print."""
    reads, prints = Path("/tmp/input"), Path("/tmp/output")  # noqa: S108 (of the sandbox alone)
    reads.write_text(str(test["input"]), encoding="utf-8")
    kept = os.dup(1)
    inside, outside = (
        os.open(reads, os.O_RDONLY),
        os.open(prints, os.O_CREAT | os.O_RDWR | os.O_TRUNC),
    )
    os.dup2(inside, 0)
    os.dup2(outside, 1)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    failure = None
    try:
        _execute(given.get("setup", "") + "\n" + given["code"], "answer", {"__name__": "__main__"})
    except SystemExit as error:
        failure = None if error.code in {None, 0} else f"it ended with exit code {error.code}"
    except BaseException as error:
        if _lacking(error):
            raise
        failure = _in_words(error)
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        for each in (kept, inside, outside):
            os.close(each)
    found, wanted = prints.read_text(encoding="utf-8", errors="replace"), str(test["output"])
    if failure or _lines(found) == _lines(wanted):
        return failure
    return f"it printed {found.strip()[:200]!r}, not {wanted.strip()[:200]!r}"


def _lacking(error: BaseException) -> list[str]:
    """The package that the code needs and the sandbox does not have."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return [name] if name and name not in sys.stdlib_module_names else []


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _execute(source: str, name: str, names: dict[str, Any]) -> None:
    exec(compile(source, f"<{name}>", "exec"), names)  # noqa: S102 (what this program is for)


def _in_words(error: BaseException, test: str = "") -> str:
    """The error, and the last line of the test or of the answer that it came from."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    lines = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == "<test>"]
    source, number = test.splitlines(), lines[-1].lineno or 0 if lines else 0
    if 0 < number <= len(source):
        return f"`{source[number - 1].strip()[:200]}`: {what}"
    return what


if __name__ == "__main__":
    main(sys.argv[1])
