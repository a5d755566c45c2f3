"""Letters and signs as a keyboard types them: how an editor, a font or a PDF writes them says
nothing about what is said. Pure.

Only what reads the same is one: a superscript or a fraction is not its digits.
"""

from __future__ import annotations

import unicodedata

from judgeforge.text.visible import normalized

_SAME_READING = frozenset(
    {"wide", "narrow", "font", "compat", "isolated", "initial", "medial", "final"}
)
"""Kinds of compatibility forms: of width and face, ligatures, and Arabic letters by their place."""
_TYPED = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bb\u02bc\u2032\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"),
    **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000", " "),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    "\u0131": "i",  # I, without regard to case, in Turkish
    "\u0640": "",  # makes an Arabic word longer to look at
}
_OF_EMOJI = dict.fromkeys((0xFE0E, 0xFE0F))
"""Whether the sign before is drawn in colour."""


class _UsualForms(dict[int, str]):
    """What ``str.translate`` looks characters up in; each is worked out once."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _usual_form(chr(code))
        return found


def _usual_form(character: str) -> str:
    if character.isascii():
        return character
    if character in _TYPED:
        return _TYPED[character]
    if unicodedata.category(character) == "Cf" or _is_selector(character):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    tag = unicodedata.decomposition(character).partition(">")[0].removeprefix("<")
    same = unicodedata.normalize("NFKC", character)
    return same if tag in _SAME_READING and not same.startswith(" ") else character


def _is_selector(character: str) -> bool:
    """Of a variant of the letter before it, or of how it is joined."""
    return (
        "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
        or character == "\u034f"
    )


_FORMS = _UsualForms()
_DOTTED = "i\u0307"
"""What Turkish's capital I with a dot becomes without regard to case."""


def as_typed(text: str) -> str:
    """For a comparison that ignores case and how letters are encoded."""
    drawn = text if text.isascii() else text.translate(_OF_EMOJI) or text
    return normalized("NFC", normalized("NFC", drawn).casefold())


def folded(text: str) -> str:
    """As ``as_typed``, and with plain quotes, hyphens, blanks, digits and letters."""
    if text.isascii():
        return text.casefold()
    return as_typed(text.translate(_FORMS)).replace(_DOTTED, "i")


def usual_letters(text: str) -> str:
    """The letters alone, in the case in which they are."""
    return text if text.isascii() else normalized("NFC", text.translate(_FORMS))


def without_edges(text: str) -> str:
    """Without blanks and what is not drawn at both ends."""
    return text.strip().strip("\ufeff\u200b\u2060\u200e\u200f").strip()


def in_lines(text: str) -> str:
    """With one sign for each end of a line, and an empty line for that of a paragraph."""
    if text.isascii() and "\r" not in text:
        return text
    text = text.replace("\r\n", "\n").replace("\u2029", "\n\n")
    return text.translate(dict.fromkeys(map(ord, "\r\x85\u2028"), "\n"))
