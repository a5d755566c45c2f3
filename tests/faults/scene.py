"""One run under a fault: a folder, a server, and ways to start judgeforge on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import judgeforge
from judgeforge.errors import JudgeforgeError
from tests.local_server import LocalServer, RequestRecord
from tests.support.run_setup import KEY, KEY_VARIABLE, PRICE, model, rows, write_config

CHECKOUT = Path(__file__).parents[2]
RESULT_FILES = ("pairs", "completions", "judgments", "skips")


@dataclass(frozen=True)
class Seen:
    """How a run ended; ``message`` is what it said of a stop, empty without one."""

    exit_code: int
    message: str
    seconds: float
    manifest: Mapping[str, Any] = field(default_factory=dict)
    skips: Mapping[str, str] = field(default_factory=dict)
    """Reason by prompt id."""

    @property
    def pairs(self) -> int:
        return int(self.manifest["totals"]["pairs"])

    @property
    def cost_usd(self) -> float:
        return float(self.manifest["totals"]["cost_usd"])


@dataclass
class Scene:
    folder: Path
    server: LocalServer
    said: list[str] = field(default_factory=list)
    """Everything that was printed or raised, for the search for secrets."""
    billing: bool = True
    """Whether what the server bills is to be within the cost that the manifest states."""
    price: Mapping[str, Any] = field(default_factory=lambda: PRICE)
    """That of the one model."""
    replicas: list[LocalServer] = field(default_factory=list)
    """Other servers that it is asked at."""

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def configure(
        self,
        *,
        prompts: int | dict[str, Any] = 2,
        provider: str = "openai",
        own: Mapping[str, Any] | None = None,
        limits: Mapping[str, Any] | None = None,
        **parts: Any,
    ) -> Path:
        """``own`` are fields of the one model, which writes and judges."""
        self.price = (own or {}).get("price", self.price)
        small = {"small": model(self.server, provider, **(own or {}))}
        usual = {"concurrency": 16, "max_attempts": 4, "max_retry_s": 20, "grace_s": 2}
        parts = {"models": small, "limits": {**usual, **(limits or {})}, **parts}
        return write_config(self.folder, self.server, prompts=prompts, provider=provider, **parts)

    def write_rows(self, *rows: Mapping[str, object]) -> None:
        (self.folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(self, config: Path | None = None, out: Path | None = None, **options: Any) -> Seen:
        """In this process, through the public API; errors become what the command would exit."""
        config = config or self.folder / "config.yaml"
        begun = time.monotonic()
        try:
            result = judgeforge.run(judgeforge.load_config(config), out or self.out, **options)
        except JudgeforgeError as error:
            self.said.append(str(error))
            return Seen(error.exit_code, str(error), time.monotonic() - begun)
        message = "" if result.stopped_by is None else str(result.stopped_by)
        self.said.append(message)
        return Seen(
            result.exit_code,
            message,
            time.monotonic() - begun,
            result.manifest,
            {skip.prompt_id: str(skip.reason) for skip in result.skips},
        )

    def exits(self, code: int, *said: str, out: Path | None = None, **options: Any) -> Seen:
        """Runs; the exit code is that one, and the message holds all of ``said``."""
        seen = self.run(out=out, **options)
        assert seen.exit_code == code, seen.message
        assert all(words in seen.message for words in said), seen.message
        return seen

    def sends_nothing(self, code: int, *said: str) -> Seen:
        """``exits``, and without a request."""
        sent = len(self.server.requests)
        seen = self.exits(code, *said)
        assert len(self.server.requests) == sent
        return seen

    def goes_on(self) -> Seen:
        """The same command, to the end, once the server does what it should."""
        self.server.faults.clear()
        return self.exits(0)

    def ends_undisturbed(self, prompts: int = 2) -> Seen:
        """Runs to the end, with the results of a run without faults."""
        seen = self.exits(0)
        assert results(self.out) == self.undisturbed(prompts)
        return seen

    def start(
        self,
        *options: str,
        program: str = "",
        wrap: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        **popen: Any,
    ) -> subprocess.Popen[str]:
        """The command in a process of its own; ``wrap`` goes before it, and ``program`` is Python
        that calls it after a change to the process."""
        command = ["-c", program] if program else ["-m", "judgeforge"]
        where = ["run", str(self.folder / "config.yaml"), "--out", str(self.out)]
        return subprocess.Popen(
            [*wrap, sys.executable, *command, *where, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), **(environment or {})},
            **popen,
        )

    def end(
        self, process: subprocess.Popen[str], timeout: float = 60, *, traceback: bool = False
    ) -> tuple[int, str]:
        """Exit code and all that was printed; a traceback is never shown to a user."""
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        self.said += [stdout, stderr]
        assert traceback or "Traceback" not in stderr, stderr
        return process.returncode, stdout + stderr

    def command_exits(self, code: int, process: subprocess.Popen[str], **how: Any) -> str:
        """Waits for its end, which has that exit code; all that was printed."""
        exit_code, shown = self.end(process, **how)
        assert exit_code == code, shown
        return shown

    def signalled(self, number: signal.Signals, after: int) -> subprocess.Popen[str]:
        """The command, which got a signal once it had sent so many requests."""
        process = self.start()
        self.wait_for_requests(after, process)
        process.send_signal(number)
        return process

    def wait_for_requests(self, number: int, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 60
        while len(self.server.requests) < number:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the run sends nothing"
            time.sleep(0.01)

    def undisturbed(self, prompts: int = 2, **parts: Any) -> dict[str, list[dict[str, Any]]]:
        """What the same run gives on a server without faults."""
        folder = self.folder / "undisturbed"
        folder.mkdir()
        with LocalServer(noise_sd=self.server.behaviour.noise_sd) as server:
            other = Scene(folder, server)
            other.configure(prompts=prompts, **parts)
            assert other.run().exit_code == 0
        return results(other.out)

    def forget_replies(self) -> None:
        """What follows is asked and paid anew."""
        (self.folder / ".judgeforge").rename(self.folder / "cache-of-before")
        self.billing = False  # The same server bills both.

    def billed_usd(self) -> float:
        servers = [self.server, *self.replicas]
        return sum(server.billed_usd({"small": self.price}) for server in servers)


def is_completion(record: RequestRecord) -> bool:
    return record.kind == "completion"


def is_judge(record: RequestRecord) -> bool:
    return record.kind == "judge"


def results(out: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run folder but for costs and the names of calls, which hold the address."""
    return {name: [_plain(row) for row in rows(out / f"{name}.jsonl")] for name in RESULT_FILES}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in row.items() if k not in {"call", "cost_usd"}}
    if "provenance" in kept:
        unlike = {"calls", "cost_usd"}
        kept["provenance"] = {k: v for k, v in row["provenance"].items() if k not in unlike}
    return kept


def secrets() -> list[bytes]:
    return [KEY.encode(), os.environ[KEY_VARIABLE].encode()]
