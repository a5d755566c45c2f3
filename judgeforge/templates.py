"""Judge prompts from ``prompts/judge/*.j2``, rendered in Jinja's sandbox.

Templates are files of the project; rubrics, prompts and completions are only ever values. What is
judged stands verbatim between tags that end in a code which occurs nowhere in it, so that no text
can close its own tag.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from judgeforge.records import Message, Prompt
from judgeforge.rubric import Rubric
from judgeforge.shipped import shipped_prompts

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_CODE_DIGITS = 12


def pointwise_messages(
    rubric: Rubric, prompt: Prompt, completion_text: str
) -> tuple[Message, Message]:
    """System message (the rubric, the same for all calls) and user message (what is judged).

    The same arguments always give the same messages.
    """
    turns = [(message.role, message.content) for message in prompt.messages]
    judged = [content for _, content in turns]
    judged += [prompt.reference or "", completion_text]
    user = _render(
        "pointwise_user.j2",
        turns=turns,
        reference=prompt.reference,
        completion=completion_text,
        code=_code_absent_from(judged),
    )
    return Message(role="system", content=_system(rubric)), Message(role="user", content=user)


def repair_message(problem: str) -> Message:
    """Asks for the reply again, with what was wrong with the last one."""
    return Message(role="user", content=_render("repair.j2", problem=problem))


def _code_absent_from(texts: list[str]) -> str:
    """A hash of the texts, taken again until it occurs in none of them."""
    whole = "\0".join(texts)
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    while digest[:_CODE_DIGITS] in whole:
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return digest[:_CODE_DIGITS]


_systems: dict[str, str] = {}
"""Rendered once for each rubric (by its SHA-256): a run has one."""


def _system(rubric: Rubric) -> str:
    key = rubric.sha256
    if key not in _systems:
        _systems[key] = _render(
            "pointwise_system.j2",
            guidance=rubric.guidance.strip(),
            criteria=[
                {
                    "name": criterion.name,
                    "question": (criterion.question or criterion.yes_no or "").strip(),
                    "levels": [level.strip() for level in criterion.levels or ()],
                }
                for criterion in rubric.judged
            ],
        )
    return _systems[key]


def _render(name: str, **values: object) -> str:
    return _template(name).render(values).rstrip("\n")


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(shipped_prompts() / "judge"),
        undefined=StrictUndefined,
        autoescape=False,  # the reader is a model, not a browser: content stays as it is
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
