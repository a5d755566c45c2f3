"""Proves that the sandbox holds on this machine, before anything that nobody trusts runs in it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgeforge.judging.programs.sandbox import Sandbox

_TRIES = """
import os, socket, threading

def refused(what, *errors):
    try:
        what()
    except errors or OSError:
        return True
    return False

def starts_a_process():
    if os.fork() == 0:
        os._exit(0)

def sees_the_secret():
    return open({secret!r}).read()
"""
_HOLDS = [
    "assert refused(sees_the_secret), 'files of this machine can be read'",
    "assert 'JUDGEFORGE_PROBE' not in os.environ, 'the environment can be read'",
    "assert refused(socket.socket), 'it has sockets'",
    "assert refused(starts_a_process), 'it can start processes'",
    "assert refused(lambda: bytearray(1 << 33), MemoryError), 'its memory is not bounded'",
    "assert refused(lambda: open('/usr/lib/probe', 'w')), 'it can write to folders'",
    "assert refused(lambda: open('/probe', 'w')), 'it can write to its root'",
    "assert not os.path.exists('/proc/1'), 'it sees processes'",
    "assert os.getuid() == 65534, 'it runs as ' + str(os.getuid())",
]


def prove(sandbox: Sandbox) -> None:
    """Raises SandboxUnavailableError that says what does not hold, and what to do."""
    from judgeforge.judging.programs.sandbox import (
        _NAMESPACES,
        SandboxFailedError,
        SandboxUnavailableError,
    )

    limits = {"timeout_s": 20.0, "memory_mb": 256}
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text("secret")
        os.environ["JUDGEFORGE_PROBE"] = "secret"
        try:
            code = _TRIES.format(secret=str(secret))
            holds = sandbox.run({"code": code, "tests": _HOLDS, **limits})
            tells = sandbox.run({"code": "", "tests": ["assert False"], **limits})
        except SandboxFailedError as error:
            raise SandboxUnavailableError(f"bubblewrap says `{error}`: {_NAMESPACES}") from error
        finally:
            del os.environ["JUDGEFORGE_PROBE"]
    if holds.score != 1.0 or tells.score != 0.0:
        said = holds.said if holds.score != 1.0 else "it takes a failure for a success"
        raise SandboxUnavailableError(f"the sandbox does not hold here: {said}")
