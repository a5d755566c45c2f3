"""A value as a word of a shell's command line, so that what is shown can be pasted. Pure."""

from __future__ import annotations

import shlex

from judgeforge.text.visible import printable


def shell_word(value: str) -> str:
    """What is not shown as it is (marks of direction, line ends, bytes of a path that are not text)
    is spelled by its bytes, as bash and zsh take it."""
    if value == printable(value) and value.isprintable():
        return shlex.quote(value)
    return f"$'{''.join(map(_spelled, value))}'"


def _spelled(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    of_a_path = "\udc80" <= character <= "\udcff"
    raw = character.encode("utf-8", "surrogateescape" if of_a_path else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in raw)
