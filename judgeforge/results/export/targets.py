"""What an export target is: what it reads, what it can hold, and how its file is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.export.thinking import Thinking
from judgeforge.store.atomic_files import replacing
from judgeforge.store.pair_columns import PairColumns
from judgeforge.text.messages import Message

Row = dict[str, Any]
Arguments = Literal["object", "text"]
Write = Callable[[Any], None]
"""Takes what the target reads: a PreferencePair, or the JudgedCompletions of a prompt."""

MARGIN, WEIGHT, TEMPLATE, GOOD = "margin", "weight", "template", "good"
"""Options that only some targets have a place for."""
TOOLS, PICTURES, THOUGHTS, SEVERAL = "tools", "pictures", "thoughts", "several"
NAMES = "names"
"""What a pair may hold beside the words of one message a side."""
_EVERYTHING = frozenset({TOOLS, PICTURES, THOUGHTS, SEVERAL, NAMES})
_WHOLE = "`trl` and `jsonl` take whole conversations"
_WHY_REFUSED = {
    TOOLS: f"has no place for tools and their calls, which this pair has; {_WHOLE}",
    PICTURES: f"has no place for pictures, which this pair has; {_WHOLE}",
    THOUGHTS: "has no place for thoughts of their own; `--thinking inline` writes them into the "
    "answer, `--thinking drop` leaves them out",
    SEVERAL: f"wants exactly one assistant message on each side; {_WHOLE}",
}


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a user asks of an export beside its format."""

    with_margin: bool = False
    """A column ``margin``, which some reward trainers put into their loss."""
    with_weight: bool = False
    """Columns ``weight`` (0 to 1) and ``soft_label``, for losses that take them."""
    thinking: Thinking = "field"
    """How thoughts are written, where pairs keep them."""
    arguments: Arguments = "object"
    """How tables hold the arguments of tool calls: as objects, or as JSON text."""
    template: str | None = None
    """A chat template by name, or the path of one or of a tokenizer."""
    good_above: float | None = None
    """The score (0 to 1) that good completions exceed; None for the mean of the run."""
    least_sure: float = 0.8
    """Of a label: the probability from which on it is written, above 0.5."""

    @property
    def asked(self) -> Mapping[str, str]:
        """Those that only some targets take, with their names on the command line."""
        found = {
            MARGIN: ("--with-margin", self.with_margin),
            WEIGHT: ("--with-weight", self.with_weight),
            TEMPLATE: ("--template", self.template is not None),
            GOOD: ("--good-above", self.good_above is not None),
        }
        return {option: name for option, (name, is_asked) in found.items() if is_asked}


@dataclass(slots=True)
class Export:
    """One export under way, as the writer of a format sees it."""

    options: ExportOptions = ExportOptions()
    columns: PairColumns = field(default_factory=PairColumns)
    """Of all that is exported."""
    pictures_from: Path | None = None
    """The folder from which pictures that are files are named: the input of the run folder whose
    items are written at the time."""
    threshold: float = 0.5
    """The score that good completions exceed."""
    count: Callable[[str], None] = lambda _: None
    """Told what became of each completion: ``good``, ``bad``, ``in doubt``."""


Open = Callable[[Path, Export], AbstractContextManager[Write]]


@dataclass(frozen=True, slots=True)
class Target:
    """``open(path, export)`` gives the function that writes one item to a new file."""

    suffix: str
    open: Open
    takes: Collection[str] = frozenset()
    """Options that mean something to it."""
    holds: Collection[str] = _EVERYTHING
    """A pair with anything that it cannot hold is refused by name: nothing is dropped unsaid. Only
    the names of speakers are left out, and counted."""
    also: str | None = None
    """Another suffix that it writes: of a table with types. Taken by itself where rows have columns
    that need them."""
    reads: str = "pairs"
    """Or ``prompts``: all completions that were judged, in pairs or not."""
    refuses: Callable[[ExportOptions], Callable[[PreferencePair], str | None]] | None = None
    """More that it has no place for, where that depends on what was asked: why, or None."""
    needs: str | None = None
    """An option without which it cannot be written."""
    describe: Callable[[Sequence[str], PairColumns], Row] | None = None
    """File names -> content of a ``dataset_info.json`` beside them, where the trainer wants one."""

    @property
    def understands(self) -> frozenset[str]:
        """All options that mean something to it."""
        return frozenset({*self.takes, *([] if self.needs is None else [self.needs])})

    def why_refused(self, pair: PreferencePair) -> str | None:
        """What the format has no place for; None for a pair that it holds whole."""
        lacks = (what for what in _WHY_REFUSED if what not in self.holds and _HAS[what](pair))
        return next((_WHY_REFUSED[what] for what in lacks), None)


def json_lines(row: Callable[[Any], Mapping[str, Any]]) -> Open:
    """Of rows that depend on nothing but the item."""
    return json_lines_of(lambda _: row)


def json_lines_of(row_of: Callable[[Export], Callable[[Any], Mapping[str, Any]]]) -> Open:
    @contextmanager
    def open_file(path: Path, export: Export) -> Iterator[Write]:
        row = row_of(export)
        with replacing(path) as file:

            def write(item: object) -> None:
                line = json.dumps(row(item), ensure_ascii=False)
                file.write(line.encode() + b"\n")

            yield write

    return open_file


def asked_columns(pair: PreferencePair, options: ExportOptions) -> Row:
    """Columns that trainers may put into their loss, and that are never there unasked.

    ``soft_label`` is P(chosen is better than rejected), with a tie half of either, and ``weight``
    twice that less 1: 0 for a toss of a coin, 1 where it is certain.
    """
    found: Row = {}
    if options.with_margin:
        found["margin"] = pair.score_margin
    if options.with_weight:
        soft = round(pair.confidence + (pair.p_tie or 0.0) / 2, 10)
        found |= {"soft_label": soft, "weight": round(abs(2 * soft - 1), 10)}
    return found


def asked_types(options: ExportOptions) -> Mapping[str, str]:
    """Of the same columns in a table."""
    margin = {"margin": "float64"} if options.with_margin else {}
    weight = {"soft_label": "float64", "weight": "float64"} if options.with_weight else {}
    return margin | weight


def chosen_arguments(name: str) -> Arguments:
    """Raises ConfigError for another word."""
    for known in get_args(Arguments):
        if name == known:
            return cast("Arguments", known)
    raise ConfigError(f"--arguments {name}: must be object or text")


def messages(side: Sequence[Message]) -> list[Row]:
    return [message.model_dump(mode="json") for message in side]


def worded_messages(side: Sequence[Message]) -> list[Row]:
    """For formats whose contents are texts: parts that are texts are joined."""
    return messages(
        [one.model_copy(update={"content": one.text}) if _has_parts(one) else one for one in side]
    )


def _has_parts(message: Message) -> bool:
    return isinstance(message.content, tuple)


def all_messages(pair: PreferencePair) -> tuple[Message, ...]:
    return (*pair.prompt, *pair.chosen, *pair.rejected)


def has_names(pair: PreferencePair) -> bool:
    """Whether anybody but a tool has one: that of a tool stands in its call as well."""
    return any(one.name and one.role != "tool" for one in all_messages(pair))


def has_thoughts(pair: PreferencePair) -> bool:
    return any(one.reasoning_content for one in all_messages(pair))


def has_tools(pair: PreferencePair) -> bool:
    used = any(one.tool_calls or one.role == "tool" for one in all_messages(pair))
    return pair.tools is not None or used


_HAS: Mapping[str, Callable[[PreferencePair], bool]] = {
    TOOLS: has_tools,
    PICTURES: lambda pair: any(one.pictures for one in all_messages(pair)),
    THOUGHTS: has_thoughts,
    SEVERAL: lambda pair: any(
        len(side) != 1 or side[0].role != "assistant" for side in (pair.chosen, pair.rejected)
    ),
}
