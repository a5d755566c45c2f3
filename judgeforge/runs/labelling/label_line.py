"""A person's answer as a line of a label file, and back. Pure.

One line serves all readers: `calibrate`, `evaluate` and `rubric improve` read ``prompt, a, b,
label`` or ``prompt, completions, best``; `judging.judgments` reads ``judge``, ``prompt_id`` and
``completions`` with ``verdict`` or ``best``. A line of a person who cannot tell has none of these
answers, and that of a second look says so by ``repeat``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgeforge.records import Completion
from judgeforge.runs.labelling.choosing import Look, look_id
from judgeforge.runs.labelling.material import GIVEN, Material
from judgeforge.runs.measurement.label_rows import (
    CANNOT_TELL,
    OTHERS,
    PLACES,
    SIDES,
    TIE,
)

PERSON = "human:"
_ANSWERS = frozenset({"label", "labels", "best", "verdict", "ranking", "scores", CANNOT_TELL})


@dataclass(frozen=True, slots=True)
class Given:
    """What a line says."""

    look_id: str
    prompt_id: str
    shown: tuple[str, ...]
    said: str
    """Places from 0 as text, the best first, with commas between them (of two only the better one);
    ``TIE`` or ``CANNOT_TELL``."""
    judge: str
    repeat: int = 0

    @property
    def is_label(self) -> bool:
        """Whether calibration learns from it."""
        return self.said != CANNOT_TELL and not self.repeat

    @property
    def preferred(self) -> str | None:
        """The id of the best; None of a tie, or where the person cannot tell."""
        return self.shown[self.order[0]] if self.order else None

    @property
    def order(self) -> tuple[int, ...]:
        """Places, the best first, as far as they were ranked; empty of a tie and of no answer."""
        return _order(self.said)


def can_be_said(said: str, number: int) -> bool:
    """Of this many answers: of more than two no tie is known to any reader, but an order."""
    if said == CANNOT_TELL:
        return True
    if said == TIE:
        return number == len(SIDES)
    order = _order(said)
    most = 1 if number == len(SIDES) else number
    return 0 < len(order) <= most and len(set(order)) == len(order) and max(order) < number


def _order(said: str) -> tuple[int, ...]:
    parts = said.split(",")
    plain = all(len(one) == 1 and one in "0123456789" for one in parts)
    return tuple(map(int, parts)) if plain else ()


def label_line(
    look: Look, material: Material, said: str, *, judge: str, at: str, seconds: float
) -> bytes:
    """``seconds`` that the person took, and ``at``: when, ISO 8601."""
    is_pair = len(look.shown) == len(SIDES)
    row: dict[str, Any] = {
        "prompt_id": look.candidate.prompt_id,
        "prompt": [message.model_dump(mode="json") for message in material.prompt],
        **dict(material.beside()),
    }
    sides = [_side(material.completions[name]) for name in look.shown]
    if is_pair:
        row |= dict(zip(SIDES, sides, strict=True))
        row["completions"] = list(look.shown)
        if material.others:
            row[OTHERS] = [_side(one) for one in material.others]
            row[PLACES] = _places(look.shown, material.others)
    else:
        row["completions"] = [
            {"id": name, **_as_object(side)} for name, side in zip(look.shown, sides, strict=True)
        ]
    row |= {"judge": judge} | _answer(said, look.shown)
    if look.repeat:
        row["repeat"] = look.repeat
    row |= {"took_s": round(seconds, 1), "at": at}
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _places(shown: Sequence[str], others: Sequence[Completion]) -> list[int]:
    """Where those shown stand among all of the prompt, in the order of the run's numbers."""
    numbered = sorted([*shown, *(one.id for one in others)], key=lambda name: (len(name), name))
    return [numbered.index(name) for name in shown]


def parsed(line: bytes) -> Mapping[str, Any]:
    """Raises ValueError for what is not a JSON object."""
    row = json.loads(line.decode("utf-8", "surrogatepass"))
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row


def has_answer(row: Mapping[str, Any]) -> bool:
    """Whether it says what somebody thinks, as each row of labels or of judgments does; pairs,
    prompts and questions do not, and no label may be appended to them."""
    return any(row.get(name) is not None for name in _ANSWERS)


def given_in(row: Mapping[str, Any]) -> Given | None:
    """None where it is not an answer as ``label_line`` writes it."""
    try:
        shown = tuple(one["id"] if isinstance(one, dict) else one for one in row["completions"])
        repeat, prompt_id, judge = int(row.get("repeat", 0)), str(row["prompt_id"]), row["judge"]
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(judge, str) or not all(isinstance(one, str) for one in shown):
        return None
    said = _said(row, shown)
    if said is None or len(shown) < len(SIDES) or not can_be_said(said, len(shown)):
        return None
    name = look_id(prompt_id, shown, repeat)
    return Given(name, prompt_id, shown, said, judge, repeat)


def _answer(said: str, shown: Sequence[str]) -> dict[str, Any]:
    if said == CANNOT_TELL:
        return {CANNOT_TELL: True}
    order = _order(said)
    if len(shown) > len(SIDES):
        ranking = {"ranking": [shown[place] for place in order]} if len(order) > 1 else {}
        return {"best": order[0], **ranking}
    label = TIE if said == TIE else SIDES[order[0]]
    return {"label": label, "verdict": label}


def _said(row: Mapping[str, Any], shown: Sequence[str]) -> str | None:
    if row.get(CANNOT_TELL) is True:
        return CANNOT_TELL
    label = row.get("label", row.get("best"))
    if label == TIE:
        return TIE
    if label in SIDES:
        return str(SIDES.index(label))
    if isinstance(label, bool) or not isinstance(label, int):
        return None
    ranking = row.get("ranking")
    if isinstance(ranking, list) and all(one in shown for one in ranking):
        return ",".join(str(shown.index(one)) for one in ranking)
    return str(label)


def _side(one: Completion) -> str | dict[str, Any]:
    """Its text, or the message with what belongs to it beside its words."""
    found: dict[str, Any] = {"text": one.text}
    if one.model != GIVEN:
        found["model"] = one.model
    if one.tool_calls:
        found["tool_calls"] = [call.model_dump(mode="json") for call in one.tool_calls]
    if one.reasoning is not None:
        found["reasoning_content"] = one.reasoning
    return one.text if found == {"text": one.text} else found


def _as_object(side: str | dict[str, Any]) -> dict[str, Any]:
    return {"text": side} if isinstance(side, str) else side
