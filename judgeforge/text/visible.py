"""Text as it is seen: made safe to show, and compared by its looks. Pure.

What models, servers and rows say is data: shown, never obeyed. All of this is for messages and
comparisons only; what is judged, stored and trained on stays as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from judgeforge.text.patterns import late_pattern
from judgeforge.text.wording import LONGEST_SHOWN, shortened

_UNPRINTABLE = late_pattern(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_HALF = late_pattern("[\ud800-\udfff]")
_BYTES_OF_PATHS = 0xDC00
"""What Python adds to a byte of a path that it cannot decode (PEP 383)."""
_MOST_MARKS = 64
_MANY_SIGNS = late_pattern(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS},}}")
_LOOKED_AT = 20
"""How many times the characters of an excerpt are read: white space runs together, and a text may
be a book."""


def printable(text: str) -> str:
    """Without control and invisible characters; line breaks and tabs stay. Bytes of a path that are
    not text, or not in an ASCII locale, are spelled as `\\xNN`, so that the path can be typed."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    text = _HALF.sub(_seen_half, text)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")


def _seen_half(found: re.Match[str]) -> str:
    byte = ord(found[0]) - _BYTES_OF_PATHS
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else "\N{REPLACEMENT CHARACTER}"


def one_line(text: str) -> str:
    """On one line and without anything that a terminal would obey.

    White space becomes single blanks, a control character a replacement sign; what is not drawn,
    such as marks that turn the writing direction, is left out.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_harmless, text))
    return " ".join(text.split())


def excerpt(text: str, most: int = LONGEST_SHOWN) -> str:
    """The beginning of a text as ``one_line``, at most ``most`` characters."""
    looked_at = _LOOKED_AT * most
    line = one_line(text[:looked_at])
    return shortened(f"{line} …".lstrip() if len(text) > looked_at else line, most)


def quotable(name: str) -> str:
    """A name of the input as a message may quote it: short, no control characters, all blanks."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", shortened(name))


def _harmless(character: str) -> str:
    if character.isspace():
        return " "
    kind = unicodedata.category(character)
    if kind == "Cf":
        return ""
    return "\N{REPLACEMENT CHARACTER}" if kind in {"Cc", "Cs"} else character


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """The text with each letter and its accents in one Unicode form.

    A text with more marks on one letter than any script has is left as it is: sorting them takes
    time that grows with the square of their number.
    """
    if text.isascii():
        return text
    for signs in _MANY_SIGNS.finditer(text):  # cheap to find, and rarely marks
        marks = "".join("m" if unicodedata.combining(sign) else " " for sign in signs[0])
        if "m" * _MOST_MARKS in marks:
            return text
    return unicodedata.normalize(form, text)


_LOOK_LIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝ"  # Cyrillic  # noqa: RUF001
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧον"  # Greek  # noqa: RUF001
    "‹›〈〉⟨⟩⁄∕‐‑‒–−",  # noqa: RUF001
    "ABESIJKMHOPCTYXaesijopcyxhdqwABEZHIKMNOPTYXov<><><>//-----",
)
"""Drawn alike, as far as tags and verdicts are written with these letters and signs."""
_BRACKETS = {ord("⟦"): "[[", ord("⟧"): "]]", ord("【"): "[", ord("】"): "]"}
_TAGS = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
"""Unicode's tag characters spell ASCII without being drawn."""
_NEVER_DRAWN = late_pattern(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible_text(text: str) -> str:
    """Compatibility forms and look-alikes as plain letters, tag characters as what they spell.

    Everything else that is never drawn is left out.
    """
    if text.isascii():
        return text
    spelt = normalized("NFKC", _ABOVE_ALL.sub(_of_tags, text))
    return _NOT_ASCII.sub(_drawn, spelt)


_NOT_ASCII = late_pattern(r"[^\x00-\x7f]+")
_ABOVE_ALL = late_pattern("[\U000e0020-\U000e007e]+")
"""Translating a whole text takes ten times as long as looking for what is to be translated."""


def _of_tags(found: re.Match[str]) -> str:
    return found[0].translate(_TAGS)


def _drawn(found: re.Match[str]) -> str:
    return _NEVER_DRAWN.sub("", found[0]).translate(_LOOK_LIKE).translate(_BRACKETS)


_EMOJI_FLAG = late_pattern("\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f")
_HIDDEN = late_pattern(
    "[\U000e0001-\U000e007f]"  # tag characters
    "|[\u202d\u202e]"  # overrides of the writing direction
    "|(?<=[A-Za-z<>/\\[\\]])[\u034f\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff\u3164]+"
    "(?=[A-Za-z<>/\\[\\]])"  # inside a word or tag in Latin letters
    "|[\u200b-\u200d\u2060-\u2064\ufeff]{3,}"  # a row of them spells something
    "|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}"
)


_MAY_HIDE = late_pattern(
    "[\u034f\u200b-\u200d\u202d\u202e\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff"
    "\U000e0001-\U000e007f\U000e0100-\U000e01ef]"
)
"""All characters that ``_HIDDEN`` knows."""


def hidden_characters(text: str) -> bool:
    """Whether characters that are not drawn hide something.

    Joiners between emoji or in scripts that need them, a byte order mark at the start, and marks of
    direction in Arabic or Hebrew hide nothing.
    """
    if text.isascii() or not _MAY_HIDE.search(text):
        return False
    return _HIDDEN.search(_EMOJI_FLAG.sub("", text)) is not None


_WORD = late_pattern("[A-Za-z\u0370-\u03ff\u0400-\u052f]+")
_OTHER_SCRIPTS = late_pattern("[\u0370-\u052f]")
_LATIN = late_pattern("[A-Za-z]")
_LEAST_WORD = 4
"""Units and formulas (μm, Δx) mix scripts in shorter words."""


def mixed_scripts(text: str) -> bool:
    """Whether a word mixes Latin letters with letters of other scripts that look like them."""
    if text.isascii() or not _OTHER_SCRIPTS.search(text):
        return False
    return any(
        len(word) >= _LEAST_WORD
        and not word.isascii()
        and visible_text(word).isascii()
        and len(_LATIN.findall(word)) * 2 >= len(word)
        for word in _WORD.findall(text)
    )
