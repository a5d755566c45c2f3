"""Judge prompts from ``prompts/judge/*.j2``, rendered in Jinja's sandbox.

Templates are files of the project; prompts and completions are only ever values. They stand
between tags that carry a hash of all of them, so that no text can close its own tag.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from judgeforge.records import Message, Prompt
from judgeforge.rubric import Rubric
from judgeforge.shipped import shipped_prompts

if TYPE_CHECKING:
    from jinja2 import Template

_NONCE_DIGITS = 12


def pointwise_messages(
    rubric: Rubric, prompt: Prompt, completion_text: str
) -> tuple[Message, Message]:
    """System message (the rubric, the same for all calls) and user message (what is judged)."""
    user = _template("pointwise_user.j2").render(
        turns=prompt.messages,
        reference=prompt.reference,
        completion=completion_text,
        nonce=_nonce(prompt, completion_text),
    )
    return Message(role="system", content=_system(rubric)), Message(role="user", content=user)


def repair_message(problem: str) -> Message:
    """Asks for the reply again, with what was wrong with the last one."""
    return Message(role="user", content=_template("repair.j2").render(problem=problem))


def _nonce(prompt: Prompt, *texts: str) -> str:
    """A text would have to contain its own hash to close its tag."""
    whole = "\0".join([*(message.content for message in prompt.messages), *texts])
    reference = prompt.reference or ""
    data = f"{whole}\0{reference}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()[:_NONCE_DIGITS]


_systems: dict[str, str] = {}


def _system(rubric: Rubric) -> str:
    key = rubric.identity.sha256
    if key not in _systems:
        _systems[key] = _template("pointwise_system.j2").render(
            rubric=rubric, criteria=rubric.judged
        )
    return _systems[key]


@cache
def _template(name: str) -> Template:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(shipped_prompts() / "judge"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    return environment.get_template(name)
