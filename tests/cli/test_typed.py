"""What was typed is taken as it is meant: an id is data, whatever it begins with."""

from __future__ import annotations

import os

import pytest

from judgeforge.cli.typed import as_meant, as_written


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["explain", "out", "-x7Qz.p0"], ["explain", "--", "out", "-x7Qz.p0"]),
        (["explain", "out", "-h.p0"], ["explain", "--", "out", "-h.p0"]),
        (["explain", "-out", "-x"], ["explain", "--", "-out", "-x"]),
        (["explain", "out", "--x", "--verbose"], ["explain", "--verbose", "--", "out", "--x"]),
        (["explain", "out", "-x", "--json"], ["explain", "--json", "--", "out", "-x"]),
        (["explain", "--", "out", "-x"], ["explain", "--", "out", "-x"]),
        (["explain", "out", "p0.p0"], ["explain", "out", "p0.p0"]),
        (["explain", "out", "--help"], ["explain", "out", "--help"]),
        (["explain", "--jsn", "out", "p0"], ["explain", "--jsn", "out", "p0"]),
        (["run", "-x", "y"], ["run", "-x", "y"]),
        ([], []),
    ],
)
def test_an_id_that_looks_like_an_option_is_one_of_explain(
    typed: list[str], meant: list[str]
) -> None:
    assert as_meant(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["help"], ["--help"]),
        (["help", "cache", "prune"], ["cache", "prune", "--help"]),
        (["version"], ["--version"]),
        (["run", "help"], ["run", "help"]),
    ],
)
def test_help_and_version_are_commands_to_whoever_expects_them(
    typed: list[str], meant: list[str]
) -> None:
    assert as_meant(typed) == meant


def test_an_id_is_that_of_the_file_whatever_the_locale_is() -> None:
    for encoding in ("ascii", "iso-8859-1", "utf-8"):
        typed = "寿司".encode().decode(encoding, "surrogateescape")
        if encoding != "iso-8859-1" or os.fsencode("\xe9") == b"\xe9":
            assert as_written(typed) == "寿司"
    assert as_written("\udcff") == "\udcff"
