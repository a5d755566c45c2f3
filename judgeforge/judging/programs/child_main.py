"""The process that a ``ChildProcess`` talks to: reads a line, answers it, reads the next one.

    python -m judgeforge.judging.programs.child_main PIPE MEMORY_MB math
    python -m judgeforge.judging.programs.child_main PIPE MEMORY_MB function module:name

Its first line says that it is ready, or why it never will be.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

Answers = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of prctl(2)."""


def main(arguments: list[str]) -> None:
    pipe, memory_mb, kind, *rest = arguments
    _bound(int(memory_mb))
    with os.fdopen(int(pipe), "wb", buffering=0) as answers:
        try:
            answer = _answers(kind, rest)
        except BaseException as error:  # noqa: BLE001 (whatever an import raises is told)
            answers.write(_line({"failed": _in_words(error)}))
            return
        answers.write(_line({"ready": True}))
        for question in sys.stdin.buffer:
            try:
                found = answer(json.loads(question))
            except MemoryError:
                found = {"score": None, "said": "it took too much memory"}
            except Exception as error:  # noqa: BLE001 (one question must not end the others)
                found = {"score": None, "said": _in_words(error)}
            answers.write(_line(found))


def _answers(kind: str, rest: list[str]) -> Answers:
    if kind == "math":
        from judgeforge.judging.programs.math_answers import compare

        return compare
    from judgeforge.judging.programs.own_function import load

    return load(*rest)


def _bound(memory_mb: int) -> None:
    """Dies with the run, leaves no core file, and takes no more memory than it was given."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):
        most = memory_mb << 20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides when it ends


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


if __name__ == "__main__":
    main(sys.argv[1:])
