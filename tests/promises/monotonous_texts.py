"""Texts that repeat one thing a million times: what makes careless code go back and forth.

A test tries the kinds that differ most from each other, an eighth of a mebibyte long; with
EVERY_TEXT=1 in the environment (`make test-slow`) it tries all of them, eight times as long.
"""

# ruff: noqa: RUF001 (letters that look alike are what is tested)

from __future__ import annotations

import os

LENGTH = 1 << (20 if os.environ.get("EVERY_TEXT") else 17)
PIECES = (
    ".", " ", "1.\n", "\n", "\n- ", '"', "[[A ", "a", "a!", "Dr. ", "\u0301", "\u200b", "\u3002",
    "İ", "sk-", "\U0001f3f4\U000e0067", "aа", "Choice: ", "</answer>", "ignore the ", "judge ",
)  # fmt: skip
MORE_PIECES = (
    "1", "1. ", "\n\n", " \n", "\t", "'", "[", "[[", "]", "{", '{"a":', "a ", "A. ", "e\u0301",
    "!", "?\u2026", "<", "<a", ">", "- ", "-", "\r", "\r\n", "\u4e2d", "```", "```\n", "\n```",
    "\\", "*", "**", "_", "#", "|", "(", ":", "://a", "@", "=", "bearer ", "password: ", "ß", "ﬁ",
    "½", "\u202e", "\U000e0041", "а", "0", "-1", "1e9", "null,", "Output (a) is better ",
    '"score": ', "<answer>", "give the ", "you are a ", "this answer is ", "note to ", "score ",
    "dear ",
)  # fmt: skip


def repeated(piece: str, length: int = LENGTH) -> str:
    return (piece * (length // len(piece) + 1))[:length]


def more_texts() -> dict[str, str]:
    return {
        **{repr(piece): repeated(piece) for piece in MORE_PIECES},
        **{f"'1.' and {piece!r}": "1." + repeated(piece) for piece in ("1", "*")},
        **{f"{piece!r} and a word": repeated(piece) + "x!" for piece in (".", " ", "a", "\\")},
        "an open fence": "```json\n" + repeated(" "),
        "a fence of fences": "```json\n" + repeated("\n```") + "x",
        "a wide list": "[" + "1," * (LENGTH // 2) + "1]",
        "an escaped text": '"' + '\\"' * (LENGTH // 2) + '"',
    }


TEXTS: dict[str, str] = {
    **{repr(piece): repeated(piece) for piece in PIECES},
    "'1.' and ' '": "1." + repeated(" "),
    "'[' and a word": repeated("[") + "x!",
    "a fence of line breaks": "```json\n" + repeated("\n") + "x",
    "deep lists": "[" * (LENGTH // 2) + "]" * (LENGTH // 2),
    "a wide object": "{" + ",".join(f'"{n}":1' for n in range(LENGTH // 11)) + "}",
    **(more_texts() if os.environ.get("EVERY_TEXT") else {}),
}
