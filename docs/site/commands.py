"""Every command with its arguments and options, from what the command line itself declares."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from judgeforge.cli.app import app

HEAD = """# Every command

`judgeforge COMMAND --help` says the same in a terminal. Exit code 0 is that of a command
which did what it was asked to.

| exit code | what it means |
|---:|---|
| 2 | a mistake in the usage, the configuration or the input, found before any call |
| 3 | stopped by the budget; the same command goes on once there is more |
| 4 | stopped by a provider; the same command goes on |
| 5 | finished, but more prompts failed than `limits.max_skip_share` allows |
| 6 | waiting for batches (`--no-wait`); the same command collects them |
| 74 | the folder or the disk failed; the same command goes on |
| 75 | another run holds the folder |
| 130 | interrupted; the same command goes on |
"""


def page() -> str:
    root = typer.main.get_command(app)
    return "\n".join([HEAD, *_commands(root, ("judgeforge",))]) + "\n"


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[str]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        whole = (*path, name)
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
            continue
        yield f"\n## `{' '.join(whole[1:])}`\n\n{inspect.cleandoc(command.help or '')}\n"
        yield f"```\n{_usage(command, whole)}\n```\n"
        yield from _table(command.params)


def _usage(command: Any, path: tuple[str, ...]) -> str:
    places = [_place(one) for one in command.params if one.param_type_name == "argument"]
    return " ".join([*path, *places, "[OPTIONS]"])


def _place(argument: Any) -> str:
    name = (argument.metavar or argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _table(params: list[Any]) -> Iterator[str]:
    shown = [one for one in params if not getattr(one, "hidden", False) and one.name != "help"]
    if not shown:
        return
    yield "| | |\n|---|---|"
    for one in shown:
        argument = one.param_type_name == "argument"
        name = _place(one) if argument else ", ".join([*one.opts, *one.secondary_opts])
        yield f"| `{name}` | {' '.join((one.help or '').split()).replace('|', chr(92) + '|')} |"
