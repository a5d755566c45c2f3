"""Text for a terminal. What models, servers and rows say is data: shown, never obeyed."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """Without control and invisible characters; line breaks and tabs stay."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")
