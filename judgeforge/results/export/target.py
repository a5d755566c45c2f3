"""What an export target is, and the kind that writes a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.records import Message, PreferencePair
from judgeforge.store.files import replacing

Write = Callable[[PreferencePair], None]
Open = Callable[[Path, bool], AbstractContextManager[Write]]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """``open(path, with_margin)`` gives the function that writes one pair to a new file."""

    suffix: str
    open: Open
    takes_margin: bool = True
    describe: Callable[[Sequence[str]], Row] | None = None
    """File names -> content of a ``dataset_info.json`` beside them, where the trainer wants one."""


def json_lines(row: Callable[[PreferencePair], Mapping[str, Any]]) -> Open:
    @contextmanager
    def open_file(path: Path, with_margin: bool) -> Iterator[Write]:
        with replacing(path) as file:

            def write(pair: PreferencePair) -> None:
                line = {**row(pair), **({"margin": pair.score_margin} if with_margin else {})}
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

            yield write

    return open_file


def messages(side: Sequence[Message]) -> list[Row]:
    return [message.model_dump() for message in side]


def answer(pair: PreferencePair, side: Sequence[Message]) -> Message:
    """The one answer of a side, for formats with no room for more.

    Raises ConfigError where a side is not exactly one assistant message.
    """
    if len(side) == 1 and side[0].role == "assistant":
        return side[0]
    raise ConfigError(
        f"pair {pair.id}: this format wants exactly one assistant message on each side. "
        "Choose `trl` or `jsonl`, which take whole conversations."
    )
