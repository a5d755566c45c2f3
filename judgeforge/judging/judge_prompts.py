"""Judge prompts from ``prompts/judge/*.j2``, rendered in Jinja's sandbox.

Templates are files of the project; rubrics, prompts and completions are only ever values. What is
judged stands verbatim between tags that end in a code which occurs nowhere in it, so that no text
can close its own tag. Where there are tools, pictures or thoughts, a paragraph before all of it
says what their tags mean.

Requests begin with what they share, for the caches of providers and servers: the rubric, which is
the same for all of a run, then the conversation, which all questions of a row begin with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from judgeforge.calls.providers.base import SharedPrefix
from judgeforge.judging.layout import (
    CODE_OF_A_REQUEST,
    NEWEST_LAYOUT,
    Layout,
    code_absent_from,
    shared_characters,
)
from judgeforge.judging.material import (
    Material,
    ShownAnswer,
    answer_texts,
    as_shown,
    pictures_between,
    with_pictures,
)
from judgeforge.judging.own_prompts import OF_THE_HOUSE, OwnPrompt
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.judging.templates import filled, render
from judgeforge.ranking.protocols import PROTOCOLS
from judgeforge.records import Prompt
from judgeforge.text.messages import Message


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    messages: tuple[Message, Message]
    """Of the system (the rubric, the same for all calls) and of the user (what is judged)."""
    shared: SharedPrefix | None = None
    """What other questions of the row begin with as well; None where that is the rubric alone."""


def judge_messages(
    protocol: str,
    rubric: Rubric,
    prompt: Prompt,
    answers: Sequence[str | ShownAnswer],
    *,
    row: Sequence[ShownAnswer] = (),
    layout: Layout = NEWEST_LAYOUT,
    own: OwnPrompt = OF_THE_HOUSE,
) -> tuple[Message, Message]:
    """The messages of ``judge_prompt``."""
    return judge_prompt(protocol, rubric, prompt, answers, row=row, layout=layout, own=own).messages


def judge_prompt(
    protocol: str,
    rubric: Rubric,
    prompt: Prompt,
    answers: Sequence[str | ShownAnswer],
    *,
    row: Sequence[ShownAnswer] = (),
    layout: Layout = NEWEST_LAYOUT,
    own: OwnPrompt = OF_THE_HOUSE,
    own_answer: str | None = None,
) -> JudgePrompt:
    """Answers stand in the order given: numbered from 1 where all are shown, else A and B.

    ``row``: all answers to the prompt that are known, in an order of their own; only those shown
    where it is empty. ``own``: the prompt in other words, ``own_answer``: what the judge answered
    itself. Equal arguments always give equal messages.
    """
    shown = tuple(map(as_shown, answers))
    known = shown if layout == CODE_OF_A_REQUEST else _with_all(row, shown)
    made = RowPrompts(
        protocol, rubric, prompt, known, len(shown), layout=layout, own=own, own_answer=own_answer
    )
    return made.showing(shown)


class RowPrompts:
    """The prompts of a judge that show so many answers of a row: all else in them is made once.

    ``row``: all answers to the prompt that are known, or those of one request in the layout that
    draws the code from these; the rest as in ``judge_prompt``.
    """

    def __init__(
        self,
        protocol: str,
        rubric: Rubric,
        prompt: Prompt,
        row: tuple[ShownAnswer, ...],
        shown: int,
        *,
        layout: Layout,
        own: OwnPrompt,
        own_answer: str | None,
    ) -> None:
        material = Material(prompt, row)
        beside = [*_texts(rubric.own), *([own_answer] if own_answer else [])]
        self._code = code = code_absent_from((*material.written(), *beside))
        self._layout, self._pictures = layout, material.pictures
        self._system = _system_message(system_text(protocol, rubric, own))
        # What stands for an answer: the code is in nothing that is shown, and no tag ends so.
        self._places = [f"{code}.{number}." for number in range(shown)]
        facts = PROTOCOLS[protocol]
        labels = map(str, range(1, shown + 1)) if facts.shows == "all" else iter("AB")
        values: dict[str, object] = {
            "turns": material.turns(code),
            "reference": prompt.reference,
            "completion": self._places[0],
            "answers": list(zip(labels, self._places, strict=False)),
            "code": code,
        }
        criteria = _own_criteria(protocol, rubric, code)
        said = render("own_answer.j2", own_answer=own_answer, code=code) if own_answer else ""
        if own.user is None:
            is_decided_pair = facts.decides and shown > 1
            name = "decisions_pair_user.j2" if is_decided_pair else f"{protocol}_user.j2"
            user = render(name, **values)
        else:
            places = _user_places(values, facts.shows == "one", criteria, said)
            if said and not own.user_names("own_answer"):
                places["answers"] = f"{said}\n\n{places['answers']}"
            user = filled(own.user, **places)
        criteria = "" if own.user_names("own_criteria") else criteria
        user = criteria + _explained(material, code) + user
        if said and own.user is None:
            user = _with_own_answer(user, said, code)
        self._user = user
        # A text of the user's need not have paragraphs.
        self._shared = shared_characters(user, code, "\n\n" if own.user is None else "\n")

    def showing(self, answers: Sequence[ShownAnswer]) -> JudgePrompt:
        """With these answers, in this order."""
        shared, user = self._shared, self._user
        for place, text in zip(self._places, answer_texts(answers, self._code), strict=True):
            user = user.replace(place, text)
        if self._layout == CODE_OF_A_REQUEST:
            content = with_pictures(user, self._pictures)
            return JudgePrompt((self._system, Message(role="user", content=content)))
        if not self._pictures:
            prefix = SharedPrefix(messages=1, characters=shared) if shared else None
            return JudgePrompt((self._system, Message(role="user", content=user)), prefix)
        parts = pictures_between(user[:shared], self._pictures, user[shared:])
        prefix = SharedPrefix(messages=1, parts=len(parts) - 1)
        return JudgePrompt((self._system, Message(role="user", content=parts)), prefix)


def _user_places(
    values: Mapping[str, object], alone: bool, criteria: str, said: str
) -> dict[str, str]:
    has_reference = values["reference"] is not None
    return {
        "conversation": render("conversation.j2", **values),
        "reference": render("reference.j2", **values).strip("\n") if has_reference else "",
        "answers": render("answer_alone.j2" if alone else "answers.j2", **values).rstrip("\n"),
        "own_criteria": criteria.rstrip("\n"),
        "own_answer": said,
    }


def _with_own_answer(user: str, said: str, code: str) -> str:
    """Before the answers: it is the same for all questions of the row."""
    place = shared_characters(user, code)
    return f"{user[:place]}\n\n{said}{user[place:]}" if place else f"{said}\n\n{user}"


def _with_all(
    row: Sequence[ShownAnswer], shown: tuple[ShownAnswer, ...]
) -> tuple[ShownAnswer, ...]:
    """The code must occur in nothing that is shown, whatever the row is said to be."""
    return (*row, *(one for one in shown if one not in row)) if row else shown


def _own_criteria(protocol: str, rubric: Rubric, code: str) -> str:
    """What judges are asked of this prompt alone; nothing for a rubric of all prompts.

    It opens the user message: all before it is the same for all prompts, so that caches hold. A
    decision model gets its questions beside the text.
    """
    own = [one for one in rubric.own if one.check is None]
    if not own or PROTOCOLS[protocol].decides:
        return ""
    shared = rubric.shared.judged
    # A criterion that is alone in the system message stands there without its weight.
    weighed = [*shared, *own] if len(shared) == 1 else own
    weights = _weights(weighed) if len(rubric.judged) > 1 else []
    values = {
        "criteria": _shown(own),
        "weights": weights,
        "shared": bool(shared),
        "code": code,
    }
    return f"{render(f'own_{protocol}.j2', **values)}\n\n"


def _texts(criteria: Iterable[Criterion]) -> list[str]:
    return [text for one in criteria for text in (one.asked, *(one.levels or ()))]


def _explained(material: Material, code: str) -> str:
    """What the tags mean that only some prompts have; nothing for a prompt of words alone."""
    parts = [
        *([render("tools.j2", code=code)] if material.has_tools else []),
        *([render("thoughts.j2", code=code)] if material.has_thoughts else []),
        *([render("pictures.j2", code=code, pictures=n)] if (n := len(material.pictures)) else []),
    ]
    return "".join(f"{part}\n\n" for part in parts)


def writing_messages(
    rubric: Rubric, prompt: Prompt, answers: Sequence[ShownAnswer], *, least: int, most: int
) -> tuple[tuple[Message, Message], str]:
    """Asks for criteria of a prompt's own beside those of ``rubric``: the system message, the same
    for all prompts, and the user message; and the code of its tags."""
    material = Material(prompt, tuple(answers))
    code = code_absent_from(tuple(material.written()))
    system = render(
        "write_system.j2",
        least=least,
        most=most,
        contrast=bool(answers),
        guidance=rubric.guidance.strip(),
        criteria=_shown(rubric.judged),
    )
    user = render(
        "write_user.j2",
        turns=material.turns(code),
        reference=prompt.reference,
        answers=list(zip("AB", material.shown_answers(code), strict=False)),
        code=code,
    )
    content = with_pictures(_explained(material, code) + user, material.pictures)
    return (Message(role="system", content=system), Message(role="user", content=content)), code


@dataclass(frozen=True, slots=True)
class Example:
    """What people have judged."""

    prompt: Prompt
    answers: tuple[ShownAnswer, ...]
    best: int
    """Place of the answer that they prefer."""


def examples_text(examples: Sequence[Example]) -> str:
    """As it stands in the system message; "" where there are none."""
    materials = [Material(one.prompt, one.answers) for one in examples]
    code = code_absent_from(tuple(text for each in materials for text in each.written()))
    shown = []
    for material, example in zip(materials, examples, strict=True):
        texts = material.shown_answers(code)
        labels = "AB" if len(texts) == 2 else [str(n) for n in range(1, len(texts) + 1)]
        verdict = f"People prefer answer {labels[example.best]}."
        answers = list(zip(labels, texts, strict=True))
        shown.append({"turns": material.turns(code), "answers": answers, "verdict": verdict})
    return render("examples.j2", examples=shown, code=code) if shown else ""


def decision_pair_question(rubric: Rubric) -> str:
    """Asks which of two answers is better by the whole rubric."""
    return render("decisions_pair_question.j2", **_rubric_values(rubric))


def repair_message(problem: str) -> Message:
    """Asks for the reply again, with what was wrong with the last one."""
    return Message(role="user", content=render("repair.j2", problem=problem))


_systems: dict[tuple[str, str, OwnPrompt], str] = {}
"""Rendered once for each protocol and rubric (by its SHA-256): a run has few."""


def system_text(protocol: str, rubric: Rubric, own: OwnPrompt = OF_THE_HOUSE) -> str:
    """The system message of a protocol's requests: the rubric, the same for all calls."""
    shared = rubric.shared
    key = (protocol, shared.sha256, own)
    if key not in _systems:
        text = _system_text(protocol, shared, own)
        shows_examples = own.examples and not own.names_examples
        _systems[key] = f"{text}\n\n{own.examples}" if shows_examples else text
    return _systems[key]


def _system_text(protocol: str, rubric: Rubric, own: OwnPrompt) -> str:
    values = _rubric_values(rubric)
    bare = "" if rubric.judged else render("own_only.j2")
    if own.system is None:
        values["guidance"] = f"{values['guidance']}\n\n{bare}".strip()
        return render(f"{protocol}_system.j2", **values)
    return filled(
        own.system,
        rules=render("rules.j2"),
        guidance=str(values["guidance"]),
        criteria=bare or render("criteria.j2", **values),
        weights=render("weights.j2", **values).strip("\n") if values["weights"] else "",
        reply=render(f"reply_{protocol}.j2", **values),
        examples=own.examples,
    )


@lru_cache(maxsize=64)
def _system_message(text: str) -> Message:
    return Message(role="system", content=text)


def _rubric_values(rubric: Rubric) -> dict[str, object]:
    judged = rubric.judged
    return {
        "guidance": rubric.guidance.strip(),
        "criteria": _shown(judged),
        "weights": _weights(judged) if len(judged) > 1 else [],
    }


def _shown(criteria: Sequence[Criterion]) -> list[dict[str, object]]:
    return [
        {
            "name": one.name,
            "question": _asked(one),
            "levels": [level.strip() for level in one.levels or ()],
        }
        for one in criteria
    ]


def _asked(criterion: Criterion) -> str:
    asked = criterion.asked.strip()
    return f"{asked} {render('fault.j2')}" if criterion.is_fault else asked


def _weights(criteria: Sequence[Criterion]) -> list[tuple[str, str]]:
    return [(one.name, f"{one.size:g}") for one in criteria]
