"""Judge prompts from ``prompts/judge/*.j2``, rendered in Jinja's sandbox.

Templates are files of the project; rubrics, prompts and completions are only ever values. What is
judged stands verbatim between tags that end in a code which occurs nowhere in it, so that no text
can close its own tag. Where there are tools, pictures or thoughts, a paragraph before all of it
says what their tags mean; a prompt without them is what it always was, as is the key of its call.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from judgeforge.config.shipped import shipped_prompts
from judgeforge.judging.material import Material, ShownAnswer, as_shown, with_pictures
from judgeforge.judging.rubric import Rubric
from judgeforge.ranking.protocols import PROTOCOLS
from judgeforge.records import Prompt
from judgeforge.text.messages import Message

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_CODE_DIGITS = 12
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


def judge_messages(
    protocol: str, rubric: Rubric, prompt: Prompt, answers: Sequence[str | ShownAnswer]
) -> tuple[Message, Message]:
    """System message (the rubric, the same for all calls) and user message (what is judged).

    Answers stand in the order given: numbered from 1 where all are shown, else A and B. Pictures of
    the prompt follow the text of the user message. Equal arguments always give equal messages.
    """
    facts = PROTOCOLS[protocol]
    labels = map(str, range(1, len(answers) + 1)) if facts.shows == "all" else iter("AB")
    material = Material(prompt, tuple(map(as_shown, answers)))
    code = _code_absent_from(material.written())
    texts = material.shown_answers(code)
    is_decided_pair = facts.decides and len(texts) > 1
    user = _render(
        "decisions_pair_user.j2" if is_decided_pair else f"{protocol}_user.j2",
        turns=material.turns(code),
        reference=prompt.reference,
        completion=texts[0],
        answers=list(zip(labels, texts, strict=False)),
        code=code,
    )
    content = with_pictures(_explained(material, code) + user, material.pictures)
    return _system_message(system_text(protocol, rubric)), Message(role="user", content=content)


def _explained(material: Material, code: str) -> str:
    """What the tags mean that only some prompts have; nothing for a prompt of words alone."""
    parts = [
        *([_render("tools.j2", code=code)] if material.has_tools else []),
        *([_render("thoughts.j2", code=code)] if material.has_thoughts else []),
        *([_render("pictures.j2", code=code, pictures=n)] if (n := len(material.pictures)) else []),
    ]
    return "".join(f"{part}\n\n" for part in parts)


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


def _code_absent_from(texts: list[str]) -> str:
    """A hash of the texts, taken again until it occurs in none of them."""
    whole = "\0".join(texts)
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    while digest[:_CODE_DIGITS] in whole:
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return digest[:_CODE_DIGITS]


_systems: dict[tuple[str, str], str] = {}
"""Rendered once for each protocol and rubric (by its SHA-256): a run has few."""


def system_text(protocol: str, rubric: Rubric) -> str:
    """The system message of a protocol's requests: the rubric, the same for all calls."""
    key = (protocol, rubric.sha256)
    if key not in _systems:
        _systems[key] = _render(f"{protocol}_system.j2", **_rubric_values(rubric))
    return _systems[key]


@lru_cache(maxsize=64)
def _system_message(text: str) -> Message:
    return Message(role="system", content=text)


def _rubric_values(rubric: Rubric) -> dict[str, object]:
    judged = rubric.judged
    return {
        "guidance": rubric.guidance.strip(),
        "criteria": [
            {
                "name": criterion.name,
                "question": (criterion.question or criterion.yes_no or "").strip(),
                "levels": [level.strip() for level in criterion.levels or ()],
            }
            for criterion in judged
        ],
        "weights": [(c.name, f"{c.weight:g}") for c in judged] if len(judged) > 1 else [],
    }


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
