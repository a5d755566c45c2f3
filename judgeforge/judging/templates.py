"""Templates of judge prompts, ``prompts/judge/*.j2``, in Jinja's sandbox.

The project's own files are templates, and a user's prompt is one whose places were checked before
(own_prompts.py). Whatever a row, a rubric or a model says is only ever a value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from judgeforge.config.shipped import shipped_prompts

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
OF_OWN_CRITERIA = ("own_criteria.j2", "own_only.j2", "fault.j2")
OF_OWN_WORDS = ("rules.j2", "answer_alone.j2", "examples.j2", "own_answer.j2")


def template_digests(
    protocols: Iterable[str], *, own_criteria: bool = False, own_words: bool = False
) -> dict[str, str]:
    """SHA-256 (hex) of every file that can be part of the prompts of these protocols, by name.

    ``own_criteria``: also of prompts with criteria of their own; ``own_words``: also of judges that
    are asked in the user's words, with examples, or after an answer of their own.
    """
    used = [*_SHARED_TEMPLATES, *TEMPLATES_OF_OTHER_MATERIAL]
    for protocol in protocols:
        used.append(f"{protocol}_")
        used += [f"own_{protocol}."] if own_criteria else []
        used += [f"reply_{protocol}."] if own_words else []
    used += OF_OWN_CRITERIA if own_criteria else ()
    used += OF_OWN_WORDS if own_words else ()
    files = sorted((shipped_prompts() / "judge").glob("*.j2"))
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.name.startswith(tuple(used))
    }


def render(name: str, **values: object) -> str:
    """A template of the project, without the line breaks at its end."""
    return _template(name).render(values).rstrip("\n")


def filled(text: str, **places: str) -> str:
    """The user's text with its places filled; what fills one is never read as a template."""
    return environment().from_string(text).render(places)


@cache
def _template(name: str) -> Template:
    template = environment().get_template(name)
    # Jinja keeps the globals as a chain of dictionaries, which it would go through for each prompt.
    template.globals = dict(template.globals)
    return template


@cache
def environment() -> Environment:
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
