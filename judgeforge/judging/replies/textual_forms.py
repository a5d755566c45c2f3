"""The documented forms in which judges answer in words: a function and a line of a table each.

A form is what a judge's prompt asks for literally ("[[A]]", "Rating: [[5]]", "Therefore, Output (a)
is better."). A verdict is read only where the reply has exactly one verdict in the form, repeated
as often as it likes; two different ones count as none. Nothing is concluded from other words, or
from what comes first or last.

"a" is the completion that was shown first, as in Judgment. Every reader raises
UnreadableReplyError. To add a form: a function, and a line in VERDICT_FORMS or RATING_FORMS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from judgeforge.judging.replies.json_object import (
    UnreadableReplyError,
    exact_keys,
    one_object,
    quoted,
)
from judgeforge.text.patterns import late_pattern

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class TextualVerdict:
    verdict: Literal["a", "b", "tie"]
    strength: float | None = None
    """0 (hardly better) to 1 (beyond doubt), where the form says it."""


@dataclass(frozen=True, slots=True)
class TextualForm(Generic[Read]):
    read: Callable[[str], Read]
    marks: re.Pattern[str]
    """Finds everything in a text that looks like an answer in this form."""


_BRACKETED = late_pattern(r"\[\[\s*([ABC<>=]+)\s*\]\]")
_LETTERS: Mapping[str, TextualVerdict] = {
    "A": TextualVerdict("a"),
    "B": TextualVerdict("b"),
    "C": TextualVerdict("tie"),
}
_COMPARISONS: Mapping[str, TextualVerdict] = {
    "A>>B": TextualVerdict("a", 1.0),
    "A>B": TextualVerdict("a", 1 / 3),
    "A=B": TextualVerdict("tie", 0.0),
    "B>A": TextualVerdict("b", 1 / 3),
    "B>>A": TextualVerdict("b", 1.0),
}


def read_bracketed_letter(text: str) -> TextualVerdict:
    """MT-Bench: "[[A]]", "[[B]]" or "[[C]]" for a tie."""
    return _known(_the_one(_BRACKETED.findall(text), "verdict in double brackets"), _LETTERS)


def read_bracketed_comparison(text: str) -> TextualVerdict:
    """Arena-Hard: "[[A>>B]]", "[[A>B]]", "[[A=B]]", "[[B>A]]" or "[[B>>A]]"."""
    return _known(_the_one(_BRACKETED.findall(text), "verdict in double brackets"), _COMPARISONS)


_CHOICE = late_pattern(
    r"^[ \t>#*_`]*Choice[*_` ]*:[*_`\[( \t]*([A-D])\b(?!\s*(?:/|,|or\b|and\b)\s*[A-D]\b)",
    re.MULTILINE,
)
_CHOICES: Mapping[str, TextualVerdict] = {**_LETTERS, "D": TextualVerdict("tie")}


def read_choice(text: str) -> TextualVerdict:
    """DevBench: a line "Choice: A" (or B; C and D for both good and both bad), then reasons."""
    return _known(_the_one(_CHOICE.findall(text), "line `Choice:`"), _CHOICES)


_OUTPUT = late_pattern(r"\bOutput \(([ab])\)", re.IGNORECASE)
_OUTPUT_ALONE = late_pattern(
    r"[\s*_`#\"']*Output \([ab]\)[*_`\"']*(?:\s+is\s+better\b[*_`]*)?\s*(?:[.!:,]|\n|$)",
    re.IGNORECASE,
)
_OUTPUT_IS_BETTER = late_pattern(r"\bOutput \(([ab])\)[*_`\"']*\s+is\s+better\b", re.IGNORECASE)
_NOT_A_CLAIM = late_pattern(
    r"""(?: \bOutput\s\([ab]\)[*_`"']*\s+(?:n?or|and)\s+     # neither Output (a) nor ...
          | \b(?:if|whether|unless)\s+
          | (?:\bnot|n't|\bnever|\bcannot)\s+\w+\s+(?:that\s+)?   # cannot say that ...
        )[*_`"']*$""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_LEAD = 60


def read_output_label(text: str) -> TextualVerdict:
    """LLMBar without reasons: "Output (a)" or "Output (b)" first, and the other nowhere."""
    begun = _OUTPUT_ALONE.match(text)
    if begun is None:
        raise UnreadableReplyError("the reply does not begin with `Output (a)` or `Output (b)`")
    return _LETTERS[_the_one(map(str.upper, _OUTPUT.findall(text)), "named output")]


def read_output_conclusion(text: str) -> TextualVerdict:
    """LLMBar with reasons: "Therefore, Output (a) is better." or the same with (b)."""
    claims = (
        match.group(1).upper()
        for match in _OUTPUT_IS_BETTER.finditer(text)
        if not _NOT_A_CLAIM.search(text, max(0, match.start() - _LONGEST_LEAD), match.start())
    )
    return _LETTERS[_the_one(claims, "output that is better")]


def read_ordered_models(text: str) -> TextualVerdict:
    """AlpacaEval: a JSON object whose `ordered_models` gives `m`, shown first, and `M` their ranks,
    1 for the better one."""
    value = one_object(text)
    exact_keys(
        {"concise_explanation": "", **value}, ["concise_explanation", "ordered_models"], "it"
    )
    entries = value["ordered_models"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UnreadableReplyError("`ordered_models` must be a list of objects")
    ranks: dict[str, int] = {}
    for entry in entries:
        exact_keys(entry, ["model", "rank"], "an entry of `ordered_models`")
        model, rank = entry["model"], entry["rank"]
        if model not in ("m", "M") or model in ranks or type(rank) is not int:
            raise UnreadableReplyError(f"{quoted(entry)} is not a rank of a model")
        ranks[model] = rank
    if len(ranks) != 2 or min(ranks.values()) != 1 or max(ranks.values()) > 2:
        raise UnreadableReplyError("`ordered_models` must rank both models, the best 1")
    if ranks["m"] == ranks["M"]:
        return TextualVerdict("tie")
    return TextualVerdict("a" if ranks["m"] < ranks["M"] else "b")


_RATING = late_pattern(r"\[\[\s*(\d{1,3}(?:\.\d+)?)\s*\]\]")


def read_bracketed_rating(text: str) -> float:
    """MT-Bench: "Rating: [[5]]"."""
    return float(_the_one(_RATING.findall(text), "rating in double brackets"))


_NUMBER = late_pattern(r"\d{1,3}(?:\.\d+)?")


def read_weighed_score(text: str) -> float:
    """WildBench: a JSON object of `strengths`, `weaknesses` and `score`, a number or its text."""
    value = one_object(text)
    exact_keys(value, ["strengths", "weaknesses", "score"], "the reply")
    score = value["score"]
    if isinstance(score, str) and _NUMBER.fullmatch(score.strip()):
        return float(score)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise UnreadableReplyError(f"`score` must be a number, not {quoted(score)}")
    try:
        return float(score)
    except OverflowError as error:
        raise UnreadableReplyError("`score` is too large for a number") from error


VERDICT_FORMS: Mapping[str, TextualForm[TextualVerdict]] = {
    "bracketed_letter": TextualForm(read_bracketed_letter, _BRACKETED),
    "bracketed_comparison": TextualForm(read_bracketed_comparison, _BRACKETED),
    "choice": TextualForm(read_choice, late_pattern(r"\bChoice\W{0,6}[A-D]\b")),
    "output_label": TextualForm(read_output_label, _OUTPUT),
    "output_conclusion": TextualForm(read_output_conclusion, _OUTPUT),
    "ordered_models": TextualForm(read_ordered_models, late_pattern(r"\bordered_models\b")),
}

RATING_FORMS: Mapping[str, TextualForm[float]] = {
    "bracketed_rating": TextualForm(read_bracketed_rating, _RATING),
    "weighed_score": TextualForm(read_weighed_score, late_pattern(r"\"score\"\s*:")),
}


def _the_one(said: Iterable[str], what: str) -> str:
    """What is said in all places alike."""
    found = sorted(set(said))
    if not found:
        raise UnreadableReplyError(f"the reply has no {what}")
    if len(found) > 1:
        names = ", ".join(map(quoted, found))
        raise UnreadableReplyError(f"the reply has more than one {what}: {names}")
    return found[0]


def _known(said: str, verdicts: Mapping[str, TextualVerdict]) -> TextualVerdict:
    if said not in verdicts:
        raise UnreadableReplyError(f"{quoted(said)} is none of {', '.join(verdicts)}")
    return verdicts[said]
