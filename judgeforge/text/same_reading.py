"""Texts that read the same: what tells them apart are blanks, encodings, and signs as an editor
sets them. Pure.
"""

from __future__ import annotations

from judgeforge.text.patterns import late_pattern
from judgeforge.text.visible import normalized

_NOT_DRAWN = late_pattern(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]"
)
"""Without what joins and parts letters in some scripts: that is seen."""
_TYPED = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
        **dict.fromkeys("\u2010\u2011", "-"),
        "\u2026": "...",
    }
)
_MAY_BE_TYPED = late_pattern(
    "[\u00ad\u00b4\u02bc\u0300-\u036f\u061c\u1100-\u11ff\u200b\u200e\u200f\u2010\u2011"
    "\u2018-\u201f\u2026\u202a-\u202e\u2060-\u2069\u3099\u309a\ufe0e\ufe0f\ufeff]"
)


def text_as_read(text: str) -> str:
    """Equal for texts that differ in white space, in what is not drawn, or in how Unicode writes a
    letter: one over the other would teach nothing."""
    if text.isascii():
        return " ".join(text.split())
    return " ".join(normalized("NFC", _NOT_DRAWN.sub("", text)).split())


def text_as_typed(text: str) -> str:
    """As ``text_as_read``, and for texts that differ in typographic quotes, hyphens and dots."""
    return text_as_read(text if text.isascii() else text.translate(_TYPED))


def may_read_as_another(text: str) -> bool:
    """Whether ``text_as_typed`` may change more than its white space."""
    return not text.isascii() and _MAY_BE_TYPED.search(text) is not None
