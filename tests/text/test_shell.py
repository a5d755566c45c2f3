"""A word of a command line is what a shell makes the very value of."""

from __future__ import annotations

import os
import subprocess

import pytest

from judgeforge.text.shell import shell_word
from judgeforge.text.visible import printable

PLAIN = ["p0.p0", "my row 3", "it's", 'a "b" $HOME', "`id`;rm", "寿司", "a\\b"]
SPELLED = [
    "\u202eabc",
    "a\nb",
    "out\udcff",
    "it's\u200b\\",
    "\x1b[0m",
    "\ufeff",
    "tab\tid",
    "\u2028",
]


@pytest.mark.parametrize("value", [*PLAIN, *SPELLED])
def test_it_is_shown_whole_and_read_back(value: str) -> None:
    word = shell_word(value)
    assert word == printable(word)
    assert word.isprintable()
    shown = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert shown.stdout == os.fsencode(value)
