"""Judge prompts from ``prompts/judge/*.j2``, rendered in Jinja's sandbox.

Templates are files of the project; rubrics, prompts and completions are only ever values. What is
judged stands verbatim between tags that end in a code which occurs nowhere in it, so that no text
can close its own tag. Where there are tools, pictures or thoughts, a paragraph before all of it
says what their tags mean.

Requests begin with what they share, for the caches of providers and servers: the rubric, which is
the same for all of a run, then the conversation, which all questions of a row begin with.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from judgeforge.calls.providers.base import SharedPrefix
from judgeforge.config.shipped import shipped_prompts
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
    as_shown,
    pictures_between,
    with_pictures,
)
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.ranking.protocols import PROTOCOLS
from judgeforge.records import Prompt
from judgeforge.text.messages import Message

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_INCLUDED = re.compile(r'^{% include "([^"]+)" %}\n', re.MULTILINE)
_SHARED_TEMPLATES = (
    "answers.j2",
    "conversation.j2",
    "criteria.j2",
    "reference.j2",
    "repair.j2",
    "weights.j2",
)
TEMPLATES_OF_OTHER_MATERIAL = ("pictures.j2", "thoughts.j2", "tools.j2")
"""Of prompts with more than words in them."""


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
) -> tuple[Message, Message]:
    """The messages of ``judge_prompt``."""
    return judge_prompt(protocol, rubric, prompt, answers, row=row, layout=layout).messages


def judge_prompt(
    protocol: str,
    rubric: Rubric,
    prompt: Prompt,
    answers: Sequence[str | ShownAnswer],
    *,
    row: Sequence[ShownAnswer] = (),
    layout: Layout = NEWEST_LAYOUT,
) -> JudgePrompt:
    """Answers stand in the order given: numbered from 1 where all are shown, else A and B.

    ``row``: all answers to the prompt that are known, in an order of their own; only those shown
    where it is empty. Equal arguments always give equal messages.
    """
    facts = PROTOCOLS[protocol]
    labels = map(str, range(1, len(answers) + 1)) if facts.shows == "all" else iter("AB")
    shown = tuple(map(as_shown, answers))
    of_row = Material(prompt, _with_all(row, shown))
    if layout == CODE_OF_A_REQUEST:
        of_row = Material(prompt, shown)
    code = code_absent_from((*of_row.written(), *_texts(rubric.own)))
    texts = Material(prompt, shown).shown_answers(code)
    is_decided_pair = facts.decides and len(texts) > 1
    user = _render(
        "decisions_pair_user.j2" if is_decided_pair else f"{protocol}_user.j2",
        turns=of_row.turns(code),
        reference=prompt.reference,
        completion=texts[0],
        answers=list(zip(labels, texts, strict=False)),
        code=code,
    )
    user = _own_criteria(protocol, rubric, code) + _explained(of_row, code) + user
    system = _system_message(system_text(protocol, rubric))
    if layout == CODE_OF_A_REQUEST:
        content = with_pictures(user, of_row.pictures)
        return JudgePrompt((system, Message(role="user", content=content)))
    shared = shared_characters(user, code)
    if not of_row.pictures:
        prefix = SharedPrefix(messages=1, characters=shared) if shared else None
        return JudgePrompt((system, Message(role="user", content=user)), prefix)
    parts = pictures_between(user[:shared], of_row.pictures, user[shared:])
    prefix = SharedPrefix(messages=1, parts=len(parts) - 1)
    return JudgePrompt((system, Message(role="user", content=parts)), prefix)


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
    return f"{_render(f'own_{protocol}.j2', **values)}\n\n"


def _texts(criteria: Iterable[Criterion]) -> list[str]:
    return [text for one in criteria for text in (one.asked, *(one.levels or ()))]


def _explained(material: Material, code: str) -> str:
    """What the tags mean that only some prompts have; nothing for a prompt of words alone."""
    parts = [
        *([_render("tools.j2", code=code)] if material.has_tools else []),
        *([_render("thoughts.j2", code=code)] if material.has_thoughts else []),
        *([_render("pictures.j2", code=code, pictures=n)] if (n := len(material.pictures)) else []),
    ]
    return "".join(f"{part}\n\n" for part in parts)


def writing_messages(
    rubric: Rubric, prompt: Prompt, answers: Sequence[ShownAnswer], *, least: int, most: int
) -> tuple[tuple[Message, Message], str]:
    """Asks for criteria of a prompt's own beside those of ``rubric``: the system message, the same
    for all prompts, and the user message; and the code of its tags."""
    material = Material(prompt, tuple(answers))
    code = code_absent_from(tuple(material.written()))
    system = _render(
        "write_system.j2",
        least=least,
        most=most,
        contrast=bool(answers),
        guidance=rubric.guidance.strip(),
        criteria=_shown(rubric.judged),
    )
    user = _render(
        "write_user.j2",
        turns=material.turns(code),
        reference=prompt.reference,
        answers=list(zip("AB", material.shown_answers(code), strict=False)),
        code=code,
    )
    content = with_pictures(_explained(material, code) + user, material.pictures)
    return (Message(role="system", content=system), Message(role="user", content=content)), code


def decision_pair_question(rubric: Rubric) -> str:
    """Asks which of two answers is better by the whole rubric."""
    return _render("decisions_pair_question.j2", **_rubric_values(rubric))


def repair_message(problem: str) -> Message:
    """Asks for the reply again, with what was wrong with the last one."""
    return Message(role="user", content=_render("repair.j2", problem=problem))


def template_digests(protocols: Iterable[str]) -> dict[str, str]:
    """SHA-256 (hex) of every file that can be part of the prompts of these protocols, by name."""
    used = [
        *_SHARED_TEMPLATES,
        *TEMPLATES_OF_OTHER_MATERIAL,
        *(f"{protocol}_" for protocol in protocols),
    ]
    files = sorted((shipped_prompts() / "judge").glob("*.j2"))
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.name.startswith(tuple(used))
    }


_systems: dict[tuple[str, str], str] = {}
"""Rendered once for each protocol and rubric (by its SHA-256): a run has few."""


def system_text(protocol: str, rubric: Rubric) -> str:
    """The system message of a protocol's requests: the rubric, the same for all calls."""
    shared = rubric.shared
    key = (protocol, shared.sha256)
    if key not in _systems:
        values = _rubric_values(shared)
        if not shared.judged:
            values["guidance"] = f"{values['guidance']}\n\n{_render('own_only.j2')}".strip()
        _systems[key] = _render(f"{protocol}_system.j2", **values)
    return _systems[key]


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
    return f"{asked} {_render('fault.j2')}" if criterion.is_fault else asked


def _weights(criteria: Sequence[Criterion]) -> list[tuple[str, str]]:
    return [(one.name, f"{one.size:g}") for one in criteria]


def _render(name: str, **values: object) -> str:
    return _template(name).render(values).rstrip("\n")


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class WithIncluded(FileSystemLoader):
        """A template has those that it includes in their places: to include them anew for each
        prompt takes as long as all the rest of rendering it."""

        def get_source(
            self, environment: Environment, template: str
        ) -> tuple[str, str, Callable[[], bool]]:
            text, file, is_current = super().get_source(environment, template)
            whole = _INCLUDED.sub(lambda found: self.get_source(environment, found[1])[0], text)
            return whole, file, is_current

    return ImmutableSandboxedEnvironment(
        loader=WithIncluded(shipped_prompts() / "judge"),
        undefined=StrictUndefined,
        autoescape=False,  # the reader is a model, not a browser: content stays as it is
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
