"""The program `judgeforge`: how it starts, how it fails, what all commands share."""

from __future__ import annotations

import inspect
import io
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.show.output import is_unread, send_nowhere, tolerating_closed_output
from judgeforge.cli.typed import as_meant
from judgeforge.errors import JudgeforgeError
from judgeforge.text.redaction import redact
from judgeforge.text.visible import printable

_DISK_FAILED = 74
_LEAST_SIZES = {"COLUMNS": 20, "LINES": 2}
_MOST_SIZE = 1000
app = typer.Typer(
    name="judgeforge",
    help="Preference pairs you can trust, from rubric-driven LLM judges.",
    no_args_is_help=True,
    add_completion=False,
    # Boxes around the help would take longer to import than everything else that help needs.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Config = Annotated[Path, typer.Argument(help="The configuration (YAML).", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="A run folder.", show_default=False)]
Limit = Annotated[int | None, typer.Option(min=0, help="Only the first rows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Ask = Annotated[
    bool,
    typer.Option("--ask", help="Also try each model: a few tiny calls, which may cost money."),
]
NoProgress = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
_Verbose = Annotated[bool, typer.Option("--verbose", help="Show the traceback of an error.")]


def command(group: typer.Typer = app) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command of ``group``, which takes ``--verbose`` as well."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def called(*, verbose: bool, **given: object) -> None:
            del verbose  # see is_verbose
            function(**{name: _in_home(value) for name, value in given.items()})

        own = inspect.signature(function, eval_str=True)
        option = inspect.Parameter(
            "verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Verbose
        )
        both = own.replace(parameters=[*own.parameters.values(), option])
        called.__signature__ = both  # type: ignore[attr-defined]
        return group.command()(called)

    return register


def _in_home(value: object) -> object:
    """A shell leaves the `~` of `--to=~/data` alone."""
    if isinstance(value, list):
        return [_in_home(one) for one in value]
    return Path(os.path.expanduser(value)) if isinstance(value, Path) else value  # noqa: PTH111


def is_verbose() -> bool:
    """From the raw arguments: an error may come before they are parsed."""
    return "--verbose" in sys.argv


def main() -> None:
    """Entry point. A user's mistake is one line on stderr and an exit code, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # What the terminal or the pipe cannot encode is escaped, and changes no exit code.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    _forget_odd_sizes()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # A scheduler's Ctrl-C, also outside the run proper.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(as_meant(sys.argv[1:]), standalone_mode=True)
    except SystemExit as ended:
        _end_where_nobody_reads(ended)
        _fail_where_output_does(None)
        raise
    except JudgeforgeError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.stderr.write("judgeforge: interrupted\n")
        sys.exit(130)
    except (MemoryError, ImportError):
        raise  # see __main__.py
    except Exception as error:  # noqa: BLE001 (a bug is shown whole, but for secrets)
        _end_where_nobody_reads(error)
        _fail_where_output_does(error)
        _fail_where_the_locale_does(error)
        print_traceback(error)
        sys.exit(1)


def _forget_odd_sizes() -> None:
    """A size that no terminal has (`COLUMNS=0`, as some job runners set it) shows nothing, or pads
    each line with megabytes of blanks: what the terminal itself says, or 80, holds instead."""
    for name, least in _LEAST_SIZES.items():
        try:
            is_usual = least <= int(os.environ.get(name, least)) <= _MOST_SIZE
        except ValueError:
            is_usual = False
        if not is_usual:
            del os.environ[name]


def _fail_where_output_does(error: Exception | None) -> None:
    """A full disk behind `> file` is not a bug, and what stops reading (`| head`) changes no exit
    code."""
    if error is not None and not isinstance(error, OSError):
        return
    try:
        # What failed to be written once is not kept for a second time.
        sys.stdout.write("" if error is None else "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        send_nowhere(sys.stdout)
    except OSError as problem:
        send_nowhere(sys.stdout)
        said = problem.strerror or type(problem).__name__
        with tolerating_closed_output(on_stderr=True):
            sys.stderr.write(f"judgeforge: standard output cannot be written: {said}\n")
        raise SystemExit(_DISK_FAILED) from error


def _end_where_nobody_reads(error: BaseException) -> None:
    """Help, and what is wrong with what was typed, are typer's to print: where what reads them is
    gone (`| head`), it ends with 1 or raises. A pipe to anything else is not meant."""
    broken = error.__context__ if isinstance(error, SystemExit) else error
    if not isinstance(broken, BrokenPipeError):
        return
    unread = [stream for stream in (sys.__stdout__, sys.__stderr__) if stream and is_unread(stream)]
    for stream in unread:
        send_nowhere(stream)
    if unread:
        raise SystemExit(getattr(broken.__context__, "exit_code", 0)) from None


def _fail_where_the_locale_does(error: Exception) -> None:
    """A path may have letters that the locale has no bytes for."""
    encoding = sys.getfilesystemencoding()
    if encoding == "utf-8" or not isinstance(error, UnicodeEncodeError):
        return
    sys.stderr.write(
        f"judgeforge: {printable(repr(error.object))} cannot be written in the encoding of this "
        f"locale ({encoding}): set one with UTF-8 (export LC_ALL=C.UTF-8), then start the same "
        "command again\n"
    )
    raise SystemExit(JudgeforgeError.exit_code) from error


def _fail(error: JudgeforgeError) -> None:
    with tolerating_closed_output(on_stderr=True):
        if is_verbose():
            print_traceback(error)
        sys.stderr.write(f"judgeforge: {printable(redact(str(error)))}\n")
    sys.exit(error.exit_code)


def print_traceback(error: Exception) -> None:
    import traceback

    sys.stderr.write(redact("".join(traceback.format_exception(error))) + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        from judgeforge import __version__

        typer.echo(f"judgeforge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version
