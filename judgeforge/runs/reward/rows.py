"""A trainer's batch -> groups: the completions of one prompt, with what its row says beside it.

Trainers give flat lists, one entry a completion, and repeat what belongs to the prompt. Equal
prompts with equal columns are one group, wherever they stand in the batch; the rules for rows are
those of a run's input, so the same row has the same id in both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.paths import begins_in, paths_among, value_at
from judgeforge.inputs.row_checks import RowChecks, check_length, check_row
from judgeforge.inputs.rows import (
    RawRow,
    RowProblemError,
    encodable,
    kind_of,
    without_unwanted,
)
from judgeforge.records import Prompt
from judgeforge.text.wording import counted, expect

_COMPLETIONS = "completions"
_OF_A_ROW = ("reference", "metadata", "tools", "criteria")
"""Fields that a prompt may have beside its words, in columns of a trainer's data set."""


@dataclass(frozen=True, slots=True)
class Group:
    """``places[i]``: where the batch has the i-th completion."""

    places: tuple[int, ...]
    prompt: Prompt | None
    problem: str | None = None
    """Why it cannot be judged, where there is no ``prompt``."""


def groups_of(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    columns: Mapping[str, Sequence[Any]],
    config: PromptsConfig,
    checks: RowChecks,
) -> list[Group]:
    """Raises TypeError for what is not a list, and ValueError where one does not have one entry a
    completion."""
    for name, given in (("prompts", prompts), (_COMPLETIONS, completions)):
        if isinstance(given, str | bytes | Mapping):
            expect(given, list, name, "a list with one entry a completion")
    number = len(prompts)
    taken = _taken(columns, config)
    for name, values in ((_COMPLETIONS, completions), *taken.items()):
        if len(values) != number:
            raise ValueError(
                f"`{name}` has {counted(len(values), 'entry', 'entries')} for "
                f"{counted(number, 'prompt')}: a reward function takes one a completion"
            )
    checks = replace(checks, needs_completions=False, adds_completions=True)
    places: dict[str, list[int]] = {}
    rows: dict[str, dict[str, Any]] = {}
    absent: list[Group] = []
    for place, completion in enumerate(completions):
        if not isinstance(completion, str | Mapping | list | tuple):
            problem = f"a completion must be a text or messages, found {kind_of(completion)}"
            absent.append(Group((place,), None, problem))
            continue
        row = {name: values[place] for name, values in taken.items()}
        row[config.fields.prompt] = prompts[place]
        key = json.dumps(row, sort_keys=True, default=repr)
        rows.setdefault(key, row)
        places.setdefault(key, []).append(place)
    return absent + [
        _group(tuple(where), rows[key], [completions[place] for place in where], config, checks)
        for key, where in places.items()
    ]


def _taken(columns: Mapping[str, Sequence[Any]], config: PromptsConfig) -> dict[str, Sequence[Any]]:
    """The columns that a row of a run's input would be read from."""
    named = [getattr(config.fields, field) for field in _OF_A_ROW]
    wanted = [name for name in (*named, *config.keep) if name is not None]
    taken = {name: columns[name] for name in wanted if name in columns}
    for path in paths_among(wanted):
        column = begins_in(path, columns)
        if path not in columns and column is not None:
            taken[path] = [_within(value, column, path) for value in columns[column]]
    return taken


def _within(value: object, column: str, path: str) -> Any:  # noqa: ANN401 (of a trainer)
    try:
        return value_at({column: value}, path)
    except KeyError:
        return None


def _group(
    places: tuple[int, ...],
    row: Mapping[str, Any],
    completions: Sequence[Any],
    config: PromptsConfig,
    checks: RowChecks,
) -> Group:
    fields = config.fields.model_copy(update={"completions": _COMPLETIONS, "id": None})
    asked = row[config.fields.prompt]
    try:
        columns = {
            **row,
            config.fields.prompt: [_turn(one) for one in asked] if _is_list(asked) else asked,
            _COMPLETIONS: [_said(one) for one in completions],
        }
        kept = {name: row[name] for name in config.keep if name in row}
        checked = check_row(RawRow(0, columns, kept), fields, checks, Reading())
        prompt = checked.prompt(checked.content_id())
        check_length(prompt, checks)
    except RowProblemError as problem:
        return Group(places, None, encodable(problem.detail))
    return Group(places, prompt)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _turn(message: Any) -> Any:  # noqa: ANN401 (of a trainer)
    """Without the keys that tables fill with nothing."""
    if not isinstance(message, Mapping):
        return message
    told = {name: value for name, value in message.items() if value is not None}
    return {"content": None, **told} if told.get("tool_calls") else told


def _said(completion: Any) -> Any:  # noqa: ANN401 (of a trainer)
    """As a row has a completion: a text, or one message of the assistant. What it took several
    turns and tools to say is one text, in the order in which it was said.

    What a policy writes may hold any character, and one answer must not spoil its whole group.
    """
    turns = [_turn(one) for one in completion] if _is_list(completion) else [_turn(completion)]
    said = turns[0] if len(turns) == 1 else "\n\n".join(filter(None, map(_line, turns)))
    if isinstance(said, str):
        return without_unwanted(said)
    if isinstance(said, Mapping) and isinstance(said.get("content"), str):
        return {**said, "content": without_unwanted(said["content"])}
    return said


def _line(turn: Any) -> str:  # noqa: ANN401 (of a trainer)
    if not isinstance(turn, Mapping):
        return str(turn)
    text = _text(turn.get("content"))
    calls = [_call(call) for call in turn.get("tool_calls") or ()]
    if turn.get("role") == "tool":
        return f"[result of {turn.get('name') or 'the tool'}] {text}"
    return "\n".join(filter(None, [text, *calls]))


def _text(content: object) -> str:
    if not isinstance(content, list | tuple):
        return "" if content is None else str(content)
    texts = (part.get("text") for part in content if isinstance(part, Mapping))
    return "\n".join(text for text in texts if isinstance(text, str))


def _call(call: object) -> str:
    function = call.get("function", call) if isinstance(call, Mapping) else {}
    if not isinstance(function, Mapping):
        return str(call)
    arguments = function.get("arguments", "")
    shown = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f"{function.get('name', '')}({shown})"
