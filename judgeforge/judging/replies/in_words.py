"""The documented forms in which judges answer in words: a function and a line of a registry each.

A form is what a judge's prompt asks for literally ("[[A]]", "Rating: [[5]]", "Therefore, Output (a)
is better."). A verdict is read only where the reply holds exactly one verdict in the form, as often
as it likes; two different ones are none. Nothing is concluded from other words, from what stands
first or from what stands last.

"a" is the completion that was shown first, as in Judgment. Every reader raises
UnreadableReplyError.

Reading judges that answer in words instead of the JSON that they were asked for.

Servers without structured output and models tuned as judges do that. All documented forms
(textual_forms.py) are tried; they must agree.
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
    shown,
)
from judgeforge.judging.replies.structured import PairReply, ScoreReply
from judgeforge.judging.rubric import Rubric
from judgeforge.text.visible import visible_text

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


def _the_one(said: Iterable[str], what: str) -> str:
    """What is said in all places alike."""
    found = sorted(set(said))
    if not found:
        raise UnreadableReplyError(f"the reply holds no {what}")
    if len(found) > 1:
        names = ", ".join(map(shown, found))
        raise UnreadableReplyError(f"the reply holds more than one {what}: {names}")
    return found[0]


_BRACKETED = re.compile(r"\[\[\s*([ABC<>=]+)\s*\]\]")
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


def _known(said: str, verdicts: Mapping[str, TextualVerdict]) -> TextualVerdict:
    if said not in verdicts:
        raise UnreadableReplyError(f"{shown(said)} is none of {', '.join(verdicts)}")
    return verdicts[said]


_CHOICE = re.compile(
    r"^[ \t>#*_`]*Choice[*_` ]*:[*_`\[( \t]*([A-D])\b(?!\s*(?:/|,|or\b|and\b)\s*[A-D]\b)",
    re.MULTILINE,
)
_CHOICES: Mapping[str, TextualVerdict] = {**_LETTERS, "D": TextualVerdict("tie")}


def read_choice(text: str) -> TextualVerdict:
    """DevBench: a line "Choice: A" (or B; C and D for both good and both bad), then reasons."""
    return _known(_the_one(_CHOICE.findall(text), "line `Choice:`"), _CHOICES)


_OUTPUT = re.compile(r"\bOutput \(([ab])\)", re.IGNORECASE)
_OUTPUT_ALONE = re.compile(
    r"[\s*_`#\"']*Output \([ab]\)[*_`\"']*(?:\s+is\s+better\b[*_`]*)?\s*(?:[.!:,]|\n|$)",
    re.IGNORECASE,
)
_OUTPUT_IS_BETTER = re.compile(r"\bOutput \(([ab])\)[*_`\"']*\s+is\s+better\b", re.IGNORECASE)
_NOT_A_CLAIM = re.compile(
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
            raise UnreadableReplyError(f"{shown(entry)} is no rank of a model")
        ranks[model] = rank
    if len(ranks) != 2 or min(ranks.values()) != 1 or max(ranks.values()) > 2:
        raise UnreadableReplyError("`ordered_models` must rank both models, the best 1")
    if ranks["m"] == ranks["M"]:
        return TextualVerdict("tie")
    return TextualVerdict("a" if ranks["m"] < ranks["M"] else "b")


_RATING = re.compile(r"\[\[\s*(\d{1,3}(?:\.\d+)?)\s*\]\]")


def read_bracketed_rating(text: str) -> float:
    """MT-Bench: "Rating: [[5]]"."""
    return float(_the_one(_RATING.findall(text), "rating in double brackets"))


_NUMBER = re.compile(r"\d{1,3}(?:\.\d+)?")


def read_weighed_score(text: str) -> float:
    """WildBench: a JSON object of `strengths`, `weaknesses` and `score`, a number or its text."""
    value = one_object(text)
    exact_keys(value, ["strengths", "weaknesses", "score"], "the reply")
    score = value["score"]
    if isinstance(score, str) and _NUMBER.fullmatch(score.strip()):
        return float(score)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise UnreadableReplyError(f"`score` must be a number, not {shown(score)}")
    try:
        return float(score)
    except OverflowError as error:
        raise UnreadableReplyError("`score` is too large for a number") from error


VERDICT_FORMS: Mapping[str, TextualForm[TextualVerdict]] = {
    "bracketed_letter": TextualForm(read_bracketed_letter, _BRACKETED),
    "bracketed_comparison": TextualForm(read_bracketed_comparison, _BRACKETED),
    "choice": TextualForm(read_choice, re.compile(r"\bChoice\W{0,6}[A-D]\b")),
    "output_label": TextualForm(read_output_label, _OUTPUT),
    "output_conclusion": TextualForm(read_output_conclusion, _OUTPUT),
    "ordered_models": TextualForm(read_ordered_models, re.compile(r"\bordered_models\b")),
}
"""A new form is a function and a line here."""

RATING_FORMS: Mapping[str, TextualForm[float]] = {
    "bracketed_rating": TextualForm(read_bracketed_rating, _RATING),
    "weighed_score": TextualForm(read_weighed_score, re.compile(r"\"score\"\s*:")),
}


READ_IN_WORDS = "read from the judge's words: the reply was not the JSON that was asked for"
"""The note of a judgment that came about so."""

_SIDES: Mapping[str, float] = {"a": 1.0, "b": -1.0, "tie": 0.0}
_UNSAID_STRENGTH = 2 / 3
"""Where a form does not say how clear the verdict is: clear, between slight and strong."""


def structured_or_in_words(
    text: str, structured: Callable[[str], Read], in_words: Callable[[str], Read]
) -> Read:
    """The error is that of the structured reading: it is what the judge is asked for again."""
    try:
        return structured(text)
    except UnreadableReplyError as error:
        problem = error
    try:
        return in_words(text)
    except UnreadableReplyError:
        raise problem from None


def read_textual_scores(text: str, rubric: Rubric, judged: Iterable[str] = ()) -> ScoreReply:
    """The score of the one judged criterion of a rubric, from a rating on its levels.

    With several criteria, or one of yes and no, no documented form says all that was asked.
    ``judged`` and errors as in read_verdict.
    """
    if len(rubric.judged) != 1 or rubric.judged[0].levels is None:
        raise UnreadableReplyError("a rating answers a rubric of one criterion with levels only")
    (criterion,) = rubric.judged
    score = read_rating(text, len(criterion.levels or ()), judged)
    return ScoreReply(text.strip(), {criterion.name: score}, in_words=True)


def read_textual_pair(text: str, judged: Iterable[str] = ()) -> PairReply:
    """``judged`` and errors as in read_verdict."""
    said = read_verdict(text, judged)
    strength = _UNSAID_STRENGTH if said.strength is None else said.strength
    return PairReply(text.strip(), _SIDES[said.verdict] * strength, in_words=True)


def read_verdict(text: str, judged: Iterable[str] = ()) -> TextualVerdict:
    """The verdict of a reply about two completions, whichever documented form it has.

    ``judged`` are the texts that the judge was shown. A form whose marks stand in them is not
    read: the judge may only have quoted. Raises UnreadableReplyError where no form is read, or
    where two disagree.
    """
    verdicts = _readings(text, VERDICT_FORMS, judged)
    if len({verdict.verdict for verdict in verdicts}) > 1:
        raise UnreadableReplyError("the reply holds different verdicts in different forms")
    return next((one for one in verdicts if one.strength is not None), verdicts[0])


def read_rating(text: str, most: int, judged: Iterable[str] = ()) -> float:
    """A rating from 1 to ``most`` in whichever documented form, as 0 to 1.

    ``judged`` and errors as in read_verdict; a rating beyond the scale is an error too.
    """
    ratings = set(_readings(text, RATING_FORMS, judged))
    if len(ratings) > 1:
        raise UnreadableReplyError("the reply holds different ratings in different forms")
    rating = ratings.pop()
    if not 1 <= rating <= most:
        raise UnreadableReplyError(f"the rating must be from 1 to {most}, not {rating:g}")
    return (rating - 1) / (most - 1)


def _readings(
    text: str, forms: Mapping[str, TextualForm[Read]], judged: Iterable[str]
) -> list[Read]:
    """What each form reads, at least one."""
    seen = [visible_text(one) for one in judged]
    readings: list[Read] = []
    for form in forms.values():
        if any(form.marks.search(one) for one in seen):
            continue
        try:
            readings.append(form.read(text))
        except UnreadableReplyError:
            continue  # most replies have one form and not the others
    if not readings:
        raise UnreadableReplyError("the reply holds no single verdict in a documented form")
    return readings
