"""What was typed, before the command line is parsed: ids are data, and may look like options;
`help` and `version` are what other programs call these two options.

Identifiers that begin with a hyphen are common (base64url, names of videos), and a locale that is
not UTF-8 gives every other letter in pieces.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

_TAKES_AN_ID = "explain"
_OPTIONS = ("--json", "--verbose", "-h", "--help")
_ARGUMENTS = 2
"""The run folder, and the id in it."""


def as_meant(arguments: Sequence[str]) -> list[str]:
    """``arguments``: all after the program's name. The id of `explain` is one, whatever it begins
    with; `help` and `version` in the place of a command are options; all others are as they were.
    """
    if arguments[:1] == ["help"]:
        return [*arguments[1:], "--help"]
    if [*arguments] == ["version"]:
        return ["--version"]
    if not arguments or arguments[0] != _TAKES_AN_ID or "--" in arguments:
        return [*arguments]
    options = [each for each in arguments[1:] if each in _OPTIONS]
    others = [each for each in arguments[1:] if each not in _OPTIONS]
    if len(others) != _ARGUMENTS or not any(each.startswith("-") for each in others):
        return [*arguments]
    return [_TAKES_AN_ID, *options, "--", *others]


def as_written(value: str) -> str:
    """An argument that names something in a file: files are UTF-8, whatever the locale is."""
    try:
        return os.fsencode(value).decode()
    except UnicodeError:
        return value
