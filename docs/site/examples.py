"""An extension of griffe: examples in docstrings (`>>>`) are shown as code, output included."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Object

FENCE = "```"


class ShowExamples(Extension):
    def on_instance(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None and ">>>" in obj.docstring.value:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Each paragraph that begins with a prompt as a block of code."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        f"{FENCE}pycon\n{one}\n{FENCE}" if one.lstrip().startswith(">>>") else one
        for one in paragraphs
    )
