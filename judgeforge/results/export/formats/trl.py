"""TRL's conversational preference format with an explicit prompt: DPO, reward models, OpenRLHF.

Scores go along under names that TRL does not read: a column named ``margin`` would silently enter
the loss of its RewardTrainer. The columns are said in trl 1.16, ``dpo_trainer.py``: ``tools`` is
JSON text, pictures are a column ``images``, and stand in the messages as ``{"type": "image"}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.export.arrow import (
    IMAGE,
    JSON,
    Columns,
    ColumnType,
    messages_type,
    open_table,
    optional_types,
)
from judgeforge.results.export.images import stored_image
from judgeforge.results.export.targets import (
    Export,
    Row,
    Write,
    asked_columns,
    asked_types,
    json_lines_of,
    messages,
)
from judgeforge.text.messages import Message
from judgeforge.text.tool_calls import parsed_arguments

PARQUET = ".parquet"
_PARTS: ColumnType = [{"type": "string", "text": "string"}]
_SCORES = ("score_chosen", "score_rejected", "score_margin")


@contextmanager
def open_trl(path: Path, export: Export) -> Iterator[Write]:
    """JSON lines or Parquet, by the suffix."""
    if path.suffix != PARQUET:
        if export.columns.pictures:
            raise ConfigError(
                f"{path}: JSON lines hold no pictures. Name it {path.with_suffix(PARQUET).name}, "
                "or name a folder."
            )
        with json_lines_of(trl_row)(path, export) as write:
            yield write
        return
    row = trl_row(export, is_table=True)
    with open_table(path, _columns(export)) as write:
        yield lambda pair: write(row(pair))


def trl_row(export: Export, *, is_table: bool = False) -> Callable[[PreferencePair], Row]:
    def row(pair: PreferencePair) -> Row:
        found: Row = {
            "prompt": as_trl(pair.prompt, export, is_table=is_table),
            "chosen": as_trl(pair.chosen, export, is_table=is_table),
            "rejected": as_trl(pair.rejected, export, is_table=is_table),
            **{name: getattr(pair, name) for name in _SCORES},
            **optional_values(pair, export),
            **images(pair.prompt, export),
            **asked_columns(pair, export.options),
        }
        return export.columns.complete(found)

    return row


def _columns(export: Export) -> Columns:
    sides = dict.fromkeys(("prompt", "chosen", "rejected"), trl_messages_type(export))
    return {
        **sides,
        **dict.fromkeys(_SCORES, "float64"),
        **optional_types(export.columns),
        **image_types(export),
        **asked_types(export.options),
    }


def trl_messages_type(export: Export) -> ColumnType:
    """Of a table."""
    arguments = JSON if export.options.arguments == "object" else "string"
    return messages_type(export.columns, _PARTS, arguments)


def optional_values(item: Any, export: Export) -> Row:  # noqa: ANN401 (a pair or a prompt)
    """``tools`` and ``metadata``, which every row has or none."""
    return {name: getattr(item, name) for name in export.columns.optional}


def image_types(export: Export) -> Columns:
    return {"images": [IMAGE]} if export.columns.pictures else {}


def images(prompt: Sequence[Message], export: Export) -> Row:
    """The pictures of a prompt in their order; a column that is there for all rows or for none."""
    if not export.columns.pictures:
        return {}
    if any(message.role == "tool" and message.pictures for message in prompt):
        raise ConfigError(
            "TRL shows a model no pictures in the results of tools, and a prompt has some. Choose "
            "`jsonl` or `parquet`."
        )
    shown = [one for message in prompt for one in message.pictures]
    return {"images": [stored_image(one, export.pictures_from) for one in shown]}


def as_trl(conversation: Sequence[Message], export: Export, *, is_table: bool) -> list[Row]:
    """A picture is a place in the message, which the trainer fills from ``images`` in order. Where
    any content is a list of parts, all are: a column has one type. In a table the arguments of
    calls may be objects, as most chat templates want them; JSON lines would mix their keys."""
    rows = messages(conversation)
    if is_table and export.options.arguments == "object":
        rows = [_with_objects(row) for row in rows]
    if not export.columns.parts:
        return rows
    return [{**row, "content": _parts(row["content"])} for row in rows]


def _with_objects(row: Row) -> Row:
    if "tool_calls" not in row:
        return row
    calls = [
        {**call, "function": {**call["function"], "arguments": parsed_arguments(text)}}
        for call in row["tool_calls"]
        for text in [call["function"]["arguments"]]
    ]
    return {**row, "tool_calls": calls}


def _parts(content: object) -> list[Row] | None:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list | tuple):
        return None
    return [{"type": "image"} if part["type"] == "image_url" else part for part in content]
