"""What `preview` prints: requests as a person reads them, or as they would be sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from judgeforge.cli.show.output import print_json, say, show
from judgeforge.inputs.rows import place_of
from judgeforge.text.shown_messages import turns_text
from judgeforge.text.visible import one_line, printable
from judgeforge.text.wording import shortened

if TYPE_CHECKING:
    from rich.panel import Panel

    from judgeforge.runs.planning.preview import Preview, PreviewedRequest

_CONVERSATION = frozenset({"messages", "system", "input", "questions", "text", "query", "texts"})
"""Fields of a body that are shown as words."""
_LONGEST_SETTING = 100


def print_preview(preview: Preview, *, as_json: bool) -> None:
    if as_json:
        sent = ("purpose", "by", "model", "times", "endpoint", "body")
        requests = [{name: getattr(one, name) for name in sent} for one in preview.requests]
        prompt = preview.prompt
        print_json(
            {
                "prompt_id": prompt.id,
                "file": prompt.file,
                "line": prompt.line,
                "requests": requests,
                "notes": preview.notes,
            },
            indent=2,
        )
        return
    place = f", {place_of(preview.prompt)}" if preview.prompt.line else ""
    say(f"prompt {preview.prompt.id}{place}; nothing was sent")
    show(*map(_panel, preview.requests))
    for note in preview.notes:
        say(f"note: {note}")


def _panel(one: PreviewedRequest) -> Panel:
    from rich.panel import Panel
    from rich.text import Text

    said = [turns_text(one.messages), *(f"question: {each}" for each in one.questions)]
    whom = f"`{one.by}`" if one.by == one.model else f"`{one.by}` (model `{one.model}`)"
    times = "" if one.times == 1 else f", {one.times} like this"
    return Panel(
        Text(printable("\n".join(said))),
        title=Text(one_line(f"{one.purpose} by {whom}{times}")),
        title_align="left",
        subtitle=Text(one_line(_settings(one))),
        subtitle_align="left",
    )


def _settings(one: PreviewedRequest) -> str:
    """What stands in the body beside the conversation."""
    settings = {name: value for name, value in one.body.items() if name not in _CONVERSATION}
    words = (
        f"{name} {shortened(json.dumps(value, ensure_ascii=False), _LONGEST_SETTING)}"
        for name, value in settings.items()
    )
    return ", ".join(words)
