"""Runs Python that nobody trusts: bubblewrap, a filter of system calls, and limits.

The program sees an empty root with the interpreter's own files, read-only, and a small folder in
memory to write to. It has no network, no environment, no other process, no files of this machine,
and a bounded time, memory, output and room. Nothing is ever run without the sandbox: where it
cannot be had, SandboxUnavailableError says what to do.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import selectors
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from judgeforge.judging.checks.programs import Verdict
from judgeforge.judging.programs.seccomp import ARCHITECTURES, architecture, bpf_filter

PROGRAM = Path(__file__).with_name("sandboxed_tests.py")
_INSIDE = "/judge/sandboxed_tests.py"
_ROOM_MB, _MOST_OUTPUT, _SHOWN_OUTPUT, _MOST_REPORT = 64, 1 << 20, 600, 1 << 16
_DYING_S = 5.0
_CLOCK_TIMES, _CLOCK_MORE_S = 2.0, 2.0
"""A program may take longer by the clock than of a processor: others want that, too."""
_SIZED_FOLDERS_SINCE = (0, 7)
_INSTALL = "install bubblewrap (Debian, Ubuntu: `apt-get install bubblewrap`)"
_NAMESPACES = (
    "this machine does not let a program make namespaces. In a container, start it with "
    "`--security-opt seccomp=unconfined` or as `--privileged`; on Ubuntu 24.04, allow user "
    "namespaces for bwrap (`sysctl kernel.apparmor_restrict_unprivileged_userns=0`)"
)


class SandboxUnavailableError(Exception):
    """There is no sandbox here; says why, and what to do."""


class SandboxFailedError(Exception):
    """The sandbox itself failed, so that nothing is known of the program; says how."""


@dataclass(slots=True)
class Sandbox:
    """Bubblewrap on this machine. ``kill`` ends all that runs in it."""

    bwrap: str
    options: list[str]
    filter: bytes
    _running: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def run(self, given: Mapping[str, Any]) -> Verdict:
        """``given``: `code`, `tests`, `timeout_s`, `memory_mb`, perhaps `setup`, `entry_point`.

        Raises SandboxFailedError.
        """
        token = secrets.token_hex(16)
        clock_s = given["timeout_s"] * _CLOCK_TIMES + _CLOCK_MORE_S
        with self._started() as (process, reports):
            ended = _watch(process, reports, json.dumps({**given, "token": token}), clock_s)
        if self._closed:  # it did not end by itself
            raise SandboxFailedError("the run is ending")
        return _verdict(ended, token, given["timeout_s"])

    def another(self) -> Sandbox:
        """The same for another run: each kills its own."""
        return Sandbox(self.bwrap, self.options, self.filter)

    def kill(self) -> None:
        with self._lock:
            self._closed = True
            running = list(self._running)
        for number in running:
            _kill_group(number)

    @contextmanager
    def _started(self) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        reports, writing = os.pipe()
        filters, filter_end = os.pipe()
        os.write(filter_end, self.filter)
        os.close(filter_end)
        command = [
            self.bwrap,
            *self.options,
            *("--seccomp", str(filters)),
            *("--", _interpreter(), "-I", "-B", "-X", "utf8", _INSIDE, str(writing)),
        ]
        try:
            with self._lock:
                if self._closed:
                    raise SandboxFailedError("the run is ending")
                process = subprocess.Popen(  # noqa: S603 (bubblewrap, with our own options)
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=[writing, filters],
                    start_new_session=True,
                    env={"LANG": "C.UTF-8", "HOME": "/tmp", "PATH": "/usr/bin"},  # noqa: S108
                )
                self._running.add(process.pid)
        except OSError as error:
            os.close(reports)
            raise SandboxFailedError(f"bubblewrap cannot be started: {error}") from error
        finally:
            os.close(writing)
            os.close(filters)
        try:
            yield process, reports
        finally:
            _kill_group(process.pid)
            process.wait()
            with self._lock:
                self._running.discard(process.pid)
            os.close(reports)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()


@dataclass(frozen=True, slots=True)
class _Ended:
    code: int | None
    """As a shell has it; None where it was stopped."""
    report: bytes
    output: bytes
    stopped_for: str | None


def _watch(process: subprocess.Popen[bytes], reports: int, given: str, clock_s: float) -> _Ended:
    """Feed it, and read what it says, until it ends or has to be stopped."""
    until, report, output, why = time.monotonic() + clock_s, b"", b"", None
    feeder = threading.Thread(target=_feed, args=(process, given.encode()), daemon=True)
    feeder.start()
    with selectors.DefaultSelector() as ready:
        ready.register(reports, selectors.EVENT_READ, "report")
        if process.stdout is not None:
            ready.register(process.stdout, selectors.EVENT_READ, "output")
        while ready.get_map() and why is None:
            left = until - time.monotonic()
            if left <= 0:
                why = "clock"
                break
            for key, _ in ready.select(left):
                part = os.read(key.fd, 1 << 16)
                if not part:
                    ready.unregister(key.fileobj)
                elif key.data == "report":
                    report += part
                else:
                    output += part
            if len(output) > _MOST_OUTPUT or len(report) > _MOST_REPORT:
                why = "output"
    if why is not None:
        _kill_group(process.pid)
        _wait_for_the_end(reports)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_DYING_S)
    code = process.returncode
    feeder.join(1)
    return _Ended(None if why else code, report, output, why)


def _wait_for_the_end(reports: int) -> None:
    """Of all that runs in there: bubblewrap is gone at once, and takes the others with it."""
    until = time.monotonic() + _DYING_S
    while (left := until - time.monotonic()) > 0 and select.select([reports], [], [], left)[0]:
        if not os.read(reports, 1 << 16):
            return


def _feed(process: subprocess.Popen[bytes], given: bytes) -> None:
    if process.stdin is None:
        return
    with suppress(OSError):
        process.stdin.write(given)
        process.stdin.close()


def _verdict(ended: _Ended, token: str, timeout_s: float) -> Verdict:
    """Raises SandboxFailedError where bubblewrap itself ended before the program began."""
    said = ended.output.decode("utf-8", "replace").strip()
    shown = f"; it printed: {said[-_SHOWN_OUTPUT:]}" if said else ""
    line = next((one for one in ended.report.split(b"\n") if one.startswith(token.encode())), None)
    if line is not None:
        found = json.loads(line[len(token) :])
        if found["passed"]:
            return Verdict(1.0, "all tests passed")
        if found["lacking"]:
            name = found["lacking"][0]
            return Verdict(None, f"the code imports `{name}`, which the sandbox does not have")
        return Verdict(0.0, f"{found['said']}{shown}")
    if ended.stopped_for == "output":
        return Verdict(0.0, f"it printed more than {_MOST_OUTPUT >> 20} MB")
    if ended.stopped_for == "clock":
        return Verdict(0.0, f"it did not end in {timeout_s:g} s{shown}")
    if said.startswith("bwrap: "):
        raise SandboxFailedError(said[:300])
    return Verdict(0.0, f"{_how_it_ended(ended.code or 0)}{shown}")


def _how_it_ended(code: int) -> str:
    number = code - 128 if code > 128 else -code
    if number == signal.SIGXCPU:
        return "it took more than its time of a processor"
    with suppress(ValueError):
        return f"it was ended by {signal.Signals(number).name} before its tests"
    return f"it ended with exit code {code} before its tests"


def _kill_group(number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal.SIGKILL)


@lru_cache(maxsize=1)
def open_sandbox() -> Sandbox:
    """The sandbox of this machine, proven to hold. Raises SandboxUnavailableError."""
    known, bwrap = architecture(), shutil.which("bwrap")
    if known is None:
        raise SandboxUnavailableError(f"it needs Linux on {' or '.join(ARCHITECTURES)}")
    if bwrap is None:
        raise SandboxUnavailableError(f"bwrap is not installed: {_INSTALL}")
    sandbox = Sandbox(bwrap, _options(_version(bwrap)), bpf_filter(known))
    from judgeforge.judging.programs.probe import prove

    prove(sandbox)
    return sandbox


def _version(bwrap: str) -> tuple[int, ...]:
    try:
        said = subprocess.run(  # noqa: S603
            [bwrap, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(map(int, re.findall(r"\d+", said)))


def _options(version: tuple[int, ...]) -> list[str]:
    """What bubblewrap is told: a root with Python in it and nothing else."""
    options = [
        *("--unshare-user", "--unshare-all", "--die-with-parent", "--new-session"),
        *("--cap-drop", "ALL", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"),
    ]
    for folder in ("/usr/lib", "/usr/lib64", "/lib", "/lib64"):
        path = Path(folder)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            options += ["--ro-bind", folder, folder]
    for file in _python_files():
        options += ["--ro-bind", str(file), str(file)]
    for hidden in _packages():
        options += ["--tmpfs", hidden, "--remount-ro", hidden]
    for device in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"):
        options += ["--dev-bind", device, device]
    for place in ("/etc/ld.so.cache", "/usr/share/zoneinfo"):
        options += ["--ro-bind-try", place, place]
    options += ["--ro-bind", str(PROGRAM), _INSIDE]
    if version >= _SIZED_FOLDERS_SINCE:
        options += ["--size", str(_ROOM_MB << 20), "--tmpfs", "/tmp", "--chdir", "/tmp"]  # noqa: S108
    return [*options, "--remount-ro", "/"]


def _interpreter() -> str:
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def _python_files() -> list[Path]:
    """The interpreter, its standard library and what it is linked with; not what is installed."""
    prefix = Path(sys.base_prefix)
    wanted = [Path(_interpreter())]
    wanted += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    if prefix != Path("/usr"):
        wanted += [prefix / "lib", prefix / "lib64"]
    library = Path(str(sysconfig.get_config_var("LIBDIR"))) / str(
        sysconfig.get_config_var("INSTSONAME")
    )
    wanted += [library]
    return [path for path in dict.fromkeys(wanted) if path.exists()]


def _packages() -> list[str]:
    """Where the interpreter has what was installed: hidden, as programs are to be the same
    everywhere."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    places = [stdlib / name for name in ("site-packages", "dist-packages")]
    places.append(Path("/usr/lib/python3/dist-packages"))
    return [str(place) for place in places if place.is_dir()]
