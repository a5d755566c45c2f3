"""Alpaca's rows: an ``instruction``, an ``input`` that it is about, and an ``output``; Dolly calls
the last two ``context`` and ``response``.

The prompt is the instruction, an empty line, and the input where there is one: as LLaMA-Factory and
most readers of such rows join them. The output is the last answer of a conversation of one turn.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.inputs.rows import bad, kind_of
from judgeforge.inputs.shapes.shape import (
    Columns,
    Shape,
    names_its_prompt,
    one_turn,
    with_system,
)

_INSTRUCTION = "instruction"
INPUTS = ("input", "context")
_OUTPUTS = ("output", "response")


def columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
    instruction = _instruction(fields)
    if instruction not in names:
        return ()
    beside = (first_of(INPUTS, names), first_of(_OUTPUTS, names), "system")
    return (instruction, *(name for name in beside if name in names))


def read(row: Columns, fields: Fields) -> dict[str, Any]:
    turns = instruction_turns(row, fields)
    output = row.get(first_of(_OUTPUTS, row))
    if isinstance(turns, list) and output is not None and output != "":
        turns = [*turns, {"role": "assistant", "content": output}]
    return {"prompt": turns}


def instruction_turns(row: Columns, fields: Fields) -> object:
    """The question of a row, without its output."""
    beside = first_of(INPUTS, row)
    instruction, about = row.get(_instruction(fields)), row.get(beside)
    if not isinstance(instruction, str):
        return instruction
    if about is not None and not isinstance(about, str):
        bad(
            f"`{beside}` must be a string, found {kind_of(about)} (`fields: {{prompt: "
            f"{_instruction(fields)}}}` reads that column alone)"
        )
    text = f"{instruction}\n\n{about}" if about and about.strip() else instruction
    return with_system(one_turn(text), row)


def first_of(candidates: Sequence[str], names: Collection[str]) -> str:
    """The first that is there, or the usual one."""
    return next((name for name in candidates if name in names), candidates[0])


def _instruction(fields: Fields) -> str:
    return fields.prompt if names_its_prompt(fields) else _INSTRUCTION


SHAPE = Shape("Alpaca", columns, read, (_INSTRUCTION,))
