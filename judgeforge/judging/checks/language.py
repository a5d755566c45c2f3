"""In which language a text seems to be written.

Nine languages in Latin letters are told apart by their most frequent words, all others by
their script alone: ``ru`` means Cyrillic, ``ar`` Arabic script, ``hi`` Devanagari. Neither way can
tell close relatives apart (Ukrainian passes as ``ru``), and a text of a few words may show nothing.
A text fails only on evidence for another language; where nothing can be seen it passes.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

from pydantic import JsonValue

from judgeforge.judging.checks.subject import Subject, shown
from judgeforge.judging.checks.usual_forms import usual_letters
from judgeforge.text.patterns import late_pattern
from judgeforge.text.wording import did_you_mean

_FREQUENT = {
    "en": "the and of to is in that it for you with are this on be as have was not or can your",
    "de": "der die das und ist nicht ein eine zu mit den von auf für sie es dem sich auch wir ich",
    "fr": "le la les et est des une dans que pour pas qui sur vous du au ce il elle nous avec",
    "es": "el la los y que de en un una es por con para no se las del lo como su está",
    "it": "il la che di e un una per non con sono del è gli si della le nel anche ma",
    "pt": "o a que de e um uma para não com os do da em é no na as por mais você",
    "nl": "de het een en van is dat niet op te met voor zijn je ik ook er aan bij",
    "sv": "och att det som en på är av för med den till inte om ett har jag du kan",
    "pl": "i w na się nie z do to że jest jak o po co tak za od dla przez ale",
}
_FREQUENT_WORDS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}
_SCRIPTS = {
    "zh": ("CJK",),
    "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "ar": ("ARABIC",),
    "el": ("GREEK",),
    "he": ("HEBREW",),
    "hi": ("DEVANAGARI",),
    "th": ("THAI",),
}
LANGUAGES = (*_FREQUENT, *_SCRIPTS)
_LOOKED_AT = 4000
"""Characters: enough to tell, and the same time for a text of any length."""
_SHORTEST_JAPANESE = 12
"""Japanese with this many Chinese characters has kana too; less may be a name or a heading."""
_WORD = late_pattern(r"[^\W\d_]+")


def language_code(value: JsonValue) -> str:
    if not isinstance(value, str) or value not in LANGUAGES:
        hint = did_you_mean(value[:60], LANGUAGES) if isinstance(value, str) else ""
        raise ValueError(f"must be one of {', '.join(LANGUAGES)}, not {shown(value)}{hint}")
    return value


def is_in_language(subject: Subject, code: str) -> bool:
    text = usual_letters(subject.text[:_LOOKED_AT])
    scripts = _scripts(text)
    if not scripts:
        return True
    if code in _FREQUENT:
        return _most_common(scripts) == "LATIN" and _fits_words(text, code)
    own = sum(scripts[name] for name in _SCRIPTS[code])
    if 2 * own <= scripts.total():
        return False
    has_kana = bool(scripts["HIRAGANA"] + scripts["KATAKANA"])
    if code == "zh":
        return not has_kana
    return code != "ja" or has_kana or scripts["CJK"] < _SHORTEST_JAPANESE


def _scripts(text: str) -> Counter[str]:
    """Letters by the first word of their Unicode name."""
    letters = Counter(c for c in text if c.isalpha())
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[unicodedata.name(letter, "OTHER").split()[0]] += count
    return scripts


def _most_common(scripts: Counter[str]) -> str:
    return scripts.most_common(1)[0][0]


def _fits_words(text: str, code: str) -> bool:
    found = Counter(_WORD.findall(text.lower()))
    hits = {
        language: sum(found[word] for word in words) for language, words in _FREQUENT_WORDS.items()
    }
    return hits[code] == max(hits.values())
