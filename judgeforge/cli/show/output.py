"""The terminal: lines, tables, JSON, and output that nothing reads any more.

Text of files, servers and models is data: it is shown without control characters, and nothing in it
is markup. Lines need no library; tables, panels and colours load one when they are first shown.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, TextIO

from judgeforge.text.shell import shell_word
from judgeforge.text.visible import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLOURS_ALL_THE_SAME = "FORCE_COLOR", "TTY_COMPATIBLE"
"""What makes rich colour what no terminal shows."""


def say(text: str, *, mark: str = "", colour: str = "", on_stderr: bool = False) -> None:
    """Lines, which the terminal alone wraps; ``mark`` comes first, in a colour."""
    stream = sys.stderr if on_stderr else sys.stdout
    with _while_it_is_read(stream):
        if mark and (stream.isatty() or any(map(os.environ.get, _COLOURS_ALL_THE_SAME))):
            from rich.console import Console
            from rich.text import Text

            console = Console(highlight=False, soft_wrap=True, stderr=on_stderr)
            console.print(Text.assemble((mark, colour), printable(text)))
            return
        stream.write(f"{mark}{printable(text)}\n")
        stream.flush()


def say_if_changed(*folders: Path) -> None:
    """Of results that were emptied, cut or edited since their run wrote them."""
    from judgeforge.results.changed_files import changed_since

    for folder in folders:
        if (told := changed_since(folder)) is not None:
            say(f": {told}", mark="note", colour="yellow", on_stderr=True)


def show(*pages: RenderableType) -> None:
    """Tables and panels, which wrap at the width of the terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    with _while_it_is_read(sys.stdout):
        for page in pages:
            console.print(page)


def print_json(value: object, *, indent: int | None = None) -> None:
    with _while_it_is_read(sys.stdout):
        sys.stdout.write(json.dumps(value, indent=indent) + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def _while_it_is_read(stream: TextIO) -> Iterator[None]:
    """What reads no more (`| head`) misses the rest; the exit code stays that of the command."""
    try:
        yield
    except (BrokenPipeError, SystemExit):  # rich leaves with 1 there
        send_nowhere(stream)


def command_line(*arguments: object) -> str:
    """What to type, quoted for a shell: by its path where the program is not on PATH. What begins
    with a hyphen is kept from being read as an option."""
    if which("judgeforge"):
        program = ["judgeforge"]
    elif Path(sys.argv[0]).name == "__main__.py":
        program = [sys.executable, "-m", "judgeforge"]
    else:
        program = [sys.argv[0]]
    command, *values = map(str, arguments)
    end_of_options = ["--"] if any(value.startswith("-") for value in values) else []
    return " ".join(map(shell_word, [*program, command, *end_of_options, *values]))


def usd(cost: float | None, digits: int = 4) -> str:
    return "unknown" if cost is None else f"${cost:.{digits}f}"


@contextlib.contextmanager
def tolerating_closed_output(*, on_stderr: bool = False) -> Iterator[None]:
    """A closed terminal, a full disk or `| head` never changes how a run ends: what is written is
    lost then, but nothing is raised, neither now nor at the exit. ``on_stderr``: where it is
    written."""
    try:
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, SystemExit):  # rich leaves with 1 where a pipe is closed
        send_nowhere(sys.stderr if on_stderr else sys.stdout)


def is_unread(stream: TextIO) -> bool:
    """Whether it is a pipe whose other end is closed."""
    pipe = select.poll()
    pipe.register(stream, 0)
    return bool(pipe.poll(0))


def send_nowhere(failed: TextIO) -> None:
    """What is written to ``failed`` from now on, and to the other where that fails as well: Python
    flushes both at the exit and would fail there again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
            lost = stream is failed
        except (OSError, ValueError):
            lost = True
        if lost:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
