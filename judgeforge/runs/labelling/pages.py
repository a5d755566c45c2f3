"""A session as HTML, from templates in the sandbox of the report: every value is escaped there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgeforge.records import Completion
from judgeforge.results.report.html import page_environment, policy_hash
from judgeforge.results.report.shown_turns import Room, Turn, shown_turn, shown_turns
from judgeforge.runs.labelling.choosing import Look
from judgeforge.runs.labelling.label_line import Given
from judgeforge.runs.labelling.markdown import parts_of
from judgeforge.runs.labelling.opinion import Opinion
from judgeforge.runs.labelling.session import Session
from judgeforge.runs.measurement.label_rows import CANNOT_TELL, SIDES, TIE
from judgeforge.text.shell import shell_word
from judgeforge.text.shown_messages import tools_text
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
STYLE, SCRIPT = TEMPLATES / "style.css", TEMPLATES / "keys.js"
_ROOM = Room(text=400_000, calls=None, pictures=None, picture=8_000_000)
"""An answer is judged whole, and what is longer nobody reads."""
_COUNTING = "Looking at what the labels so far have shown …"
POLICY = (
    f"default-src 'none'; style-src 'sha256-{policy_hash(STYLE)}'; "
    f"script-src 'sha256-{policy_hash(SCRIPT)}'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    number: int
    """From 1, as the key."""
    value: str
    turn: Turn


def question_page(session: Session, look: Look, notice: str = "") -> str:
    """Raises StoreError where a file of the run cannot be read any more."""
    material = session.material(look)
    answers = [
        ShownAnswer(place + 1, str(place), _answer(material.completions[name]))
        for place, name in enumerate(look.shown)
    ]
    return _page(
        "question.html.j2",
        session,
        notice,
        look_id=look.id,
        again=bool(look.repeat),
        turns=shown_turns(material.prompt, room=_ROOM),
        tools=tools_text(material.tools) if material.tools else "",
        reference=material.reference or "",
        answers=answers,
        can_tie=len(answers) == 2,
    )


def done_page(session: Session, notice: str = "") -> str:
    own = session.own_agreement()
    given = session.file.given
    return _page(
        "done.html.j2",
        session,
        notice,
        labels=sum(one.is_label for one in given),
        ties=sum(one.said == TIE and not one.repeat for one in given),
        unsure=sum(one.said == CANNOT_TELL and not one.repeat for one in given),
        own=own.in_words() if own else "",
        config=_config_name(session),
        file=str(session.file.path),
        file_argument=shell_word(str(session.file.path)),
    )


def message_page(title: str, text: str) -> str:
    """A page that stands alone, such as an error."""
    return _environment().get_template("message.html.j2").render(_frame(), title=title, text=text)


def _page(template: str, session: Session, notice: str, **values: Any) -> str:  # noqa: ANN401
    last = session.last_opinion()
    shared = {
        **_frame(),
        "notice": notice,
        "source": session.source.name,
        "person": session.wanted.judge.partition(":")[2],
        "done": session.done,
        "number": len(session.looks),
        "standing": session.standing.in_words() if session.standing else _COUNTING,
        "last": None if last is None else _told(*last),
    }
    return _environment().get_template(template).render(shared, **values)


def _frame() -> dict[str, Any]:
    return {"policy": POLICY}


@dataclass(frozen=True, slots=True)
class Told:
    look_id: str
    said: str
    judges: str
    by_judge: str
    agree: bool | None


def _told(given: Given, opinion: Opinion | None) -> Told:
    said = {TIE: "equally good", CANNOT_TELL: "cannot tell"}.get(given.said)
    said = said or _ranked(given)
    if opinion is None:
        return Told(given.look_id, said, "", "", None)
    by = ", ".join(
        f"{name}: {'equal' if place is None else place + 1}" for name, place in opinion.by_judge
    )
    if opinion.best is None:
        return Told(given.look_id, said, "no preference", by, given.said == TIE or None)
    agree = given.order[0] == opinion.best if given.order else None
    judges = f"{opinion.best + 1} with {opinion.sure_in_words}"
    return Told(given.look_id, said, judges, by, agree)


def _ranked(given: Given) -> str:
    places = [str(place + 1) for place in given.order]
    if len(given.shown) == len(SIDES):
        return f"{places[0]} is better"
    return f"{places[0]} is the best" if len(places) == 1 else " before ".join(places)


def _config_name(session: Session) -> str:
    config = session.source.config
    file = config.source_file if config else None
    return shell_word(str(file)) if file else "CONFIG"


def _answer(one: Completion) -> Turn:
    return shown_turn(one.message(with_reasoning=True), room=_ROOM)


@cache
def _environment() -> Environment:
    found = page_environment(TEMPLATES, longest=_ROOM.text, largest_picture=_ROOM.picture)
    found.globals |= {"count": counted, "parts_of": parts_of}
    return found
