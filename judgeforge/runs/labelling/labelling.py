"""`judgeforge label`: from a run folder or a configuration to one person's labels."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import socket
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from judgeforge.errors import ConfigError
from judgeforge.results.report.opening import has_browser
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.label_line import PERSON, Given
from judgeforge.runs.labelling.people import OwnAgreement
from judgeforge.runs.labelling.server import LOOPBACK, LabelServer
from judgeforge.runs.labelling.session import Session, Wanted
from judgeforge.runs.labelling.sources import open_source
from judgeforge.runs.labelling.standing import Standing, rules_of
from judgeforge.text.visible import quotable

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked to do."""

    source: Path
    to: Path
    number: int = 50
    name: str | None = None
    show: int = 2
    again: float = 0.1
    seed: int = 0
    max_error: float | None = None
    port: int = 0
    open_browser: bool | None = None
    """None: where the machine has a screen."""


@dataclass(frozen=True, slots=True)
class LabelSummary:
    file: Path
    labels: int
    here: int
    """Answers of this start that stand."""
    done: int
    number: int
    own: OwnAgreement | None
    standing: Standing | None


def label(asked: Asked, say: Callable[[str], None]) -> LabelSummary:
    """Serve the page until the person or Ctrl-C ends it. ``say`` is told what to open.

    Raises ConfigError, InputError, StoreError, and LockHeldError where the file is in use.
    """
    source = open_source(asked.source, asked.show)
    with LabelledFile(asked.to) as file:
        judge = _judge(asked.name, file.given)
        rules = rules_of(source.config.pairing if source.config else None, asked.max_error)
        wanted = Wanted(asked.number, asked.show, asked.again, asked.seed, judge, rules)
        session = Session(source, file, wanted)
        before = len(file.given)
        if file.new_folder:
            say(f"{file.path.parent}: is a new folder, made for the labels")
        if file.repaired:
            say(f"{file.path}: a last line that was cut off is taken away")
        asyncio.run(_serve(session, asked, say))
        session.take_stock()
        return LabelSummary(
            file=file.path,
            labels=sum(one.is_label for one in file.given),
            here=max(0, len(file.given) - before),
            done=session.done,
            number=len(session.looks),
            own=session.own_agreement(),
            standing=session.standing,
        )


async def _serve(session: Session, asked: Asked, say: Callable[[str], None]) -> None:
    server = LabelServer(session, port=asked.port)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, server.finished.set)
    try:
        address = await server.start()
    except OSError as error:
        raise ConfigError(
            f"--port {asked.port}: cannot be used ({error.strerror or error}); choose another, or "
            "leave it out for any free one"
        ) from None
    try:
        _announce(address, server.port, session, asked, say)
        await server.finished.wait()
        await asyncio.sleep(0.1)  # the page that says so goes out
    finally:
        await server.stop()


def _announce(
    address: str, port: int, session: Session, asked: Asked, say: Callable[[str], None]
) -> None:
    say(f"{session.done} of {len(session.looks)} are labelled. Open {address}")
    if has_browser(os.environ) if asked.open_browser is None else asked.open_browser:
        webbrowser.open(address)
    elif asked.open_browser is None:
        say(
            "No screen here: on your own machine run  "
            f"ssh -L {port}:{LOOPBACK}:{port} {user_name()}@{socket.gethostname()}  "
            "and open the same address there."
        )
    say("Each answer is on the disk at once. Ctrl-C ends; the same command goes on.")


def _judge(name: str | None, given: Sequence[Given]) -> str:
    """Without a name that of the file, or else of the person who is logged in."""
    if name is None:
        return given[0].judge if given else f"{PERSON}{user_name()}"
    clean = name.removeprefix(PERSON)
    if not clean.strip() or clean != clean.strip() or not clean.isprintable():
        raise ConfigError(f"--name must be a short name such as ana, and is `{quotable(name)}`")
    if len(clean) > _LONGEST_NAME:
        raise ConfigError(f"--name is longer than {_LONGEST_NAME} characters; shorten it")
    return f"{PERSON}{clean}"


def user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such user, as in some containers
        return "me"
