"""Texts that repeat one thing a million times: what makes careless code go back and forth."""

# ruff: noqa: RUF001 (letters that look alike are what is tested)

from __future__ import annotations

LENGTH = 1 << 20
PIECES = (
    ".", " ", "1", "1. ", "1.\n", "\n", "\n\n", " \n", "\t", '"', "'", "[", "[[", "[[A ", "]", "{",
    '{"a":', "a", "a ", "a!", "A. ", "Dr. ", "e\u0301", "\u0301", "!", "?\u2026", "<", "<a", ">",
    "- ", "\n- ", "-", "\r", "\r\n", "\u200b", "\u4e2d", "\u3002", "```", "```\n", "\n```", "\\",
    "*", "**", "_", "#", "|", "(", ":", "://a", "@", "=", "sk-", "bearer ", "password: ", "İ", "ß",
    "ﬁ", "½", "\u202e", "\U000e0041", "\U0001f3f4\U000e0067", "а", "aа", "0", "-1", "1e9", "null,",
    "Output (a) is better ", "Choice: ", '"score": ', "</answer>", "<answer>", "give the ",
    "you are a ", "ignore the ", "this answer is ", "note to ", "judge ", "score ", "dear ",
)  # fmt: skip


def repeated(piece: str, length: int = LENGTH) -> str:
    return (piece * (length // len(piece) + 1))[:length]


TEXTS: dict[str, str] = {
    **{repr(piece): repeated(piece) for piece in PIECES},
    **{f"'1.' and {piece!r}": "1." + repeated(piece) for piece in (" ", "1", "*")},
    **{f"{piece!r} and a word": repeated(piece) + "x!" for piece in (".", " ", "[", "a", "\\")},
    "an open fence": "```json\n" + repeated(" "),
    "a fence of line breaks": "```json\n" + repeated("\n") + "x",
    "a fence of fences": "```json\n" + repeated("\n```") + "x",
    "deep lists": "[" * (LENGTH // 2) + "]" * (LENGTH // 2),
    "a wide list": "[" + "1," * (LENGTH // 2) + "1]",
    "a wide object": "{" + ",".join(f'"{n}":1' for n in range(LENGTH // 11)) + "}",
    "an escaped text": '"' + '\\"' * (LENGTH // 2) + '"',
}
