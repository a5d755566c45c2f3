"""Reading judges that answer in words instead of in the JSON that they were asked for.

Servers without structured output and models tuned as judges do that. All documented forms
(textual_forms.py) are tried, and those that can be read must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from judgeforge.calls.providers.base import ModelReply
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.structured import PairReply, ScoreReply
from judgeforge.judging.replies.textual_forms import (
    RATING_FORMS,
    VERDICT_FORMS,
    Read,
    TextualForm,
    TextualVerdict,
)
from judgeforge.judging.rubric import Rubric
from judgeforge.text.visible import visible_text

READ_IN_WORDS = "read from the judge's words: the reply was not the JSON that was asked for"
"""The note of such a judgment."""

_SIDES: Mapping[str, float] = {"a": 1.0, "b": -1.0, "tie": 0.0}
_UNSAID_STRENGTH = 2 / 3
"""Where a form does not say how clear the verdict is: clear, between slight and strong."""


def structured_or_in_words(
    reply: ModelReply, structured: Callable[[str], Read], in_words: Callable[[str], Read]
) -> Read:
    """What ``structured`` reads of the reply, or else ``in_words`` where it is known to be whole.

    Raises the UnreadableReplyError of the structured reading: that is what the judge is asked for
    again.
    """
    try:
        return structured(said_by(reply))
    except UnreadableReplyError as error:
        if reply.finish in {"unknown", "length"}:
            raise
        problem = error
    try:
        return in_words(reply.text)
    except UnreadableReplyError:
        raise problem from None


def said_by(reply: ModelReply) -> str:
    """Its text, or where it has none what a server took for thoughts: with a structured reply some
    put all of it there. Thoughts themselves are no JSON."""
    return reply.text if reply.text.strip() else reply.reasoning or ""


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

    ``judged`` are the texts that the judge was shown. A form whose marks occur in them is not
    read: the judge may only have quoted. Raises UnreadableReplyError where no form is read, or
    where two disagree.
    """
    verdicts = _readings(text, VERDICT_FORMS, judged)
    if len({verdict.verdict for verdict in verdicts}) > 1:
        raise UnreadableReplyError("the reply has different verdicts in different forms")
    return next((one for one in verdicts if one.strength is not None), verdicts[0])


def read_rating(text: str, most: int, judged: Iterable[str] = ()) -> float:
    """A rating from 1 to ``most`` in whichever documented form, as 0 to 1.

    ``judged`` and errors as in read_verdict; a rating beyond the scale is an error too.
    """
    ratings = set(_readings(text, RATING_FORMS, judged))
    if len(ratings) > 1:
        raise UnreadableReplyError("the reply has different ratings in different forms")
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
        raise UnreadableReplyError("the reply has no single verdict in a documented form")
    return readings
