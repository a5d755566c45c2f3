"""What a person sees of one look, and what the program knows of it besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.records import Completion, Judgment, Prompt
from judgeforge.results.figures.run import group_at
from judgeforge.runs.labelling.choosing import Look
from judgeforge.sampling.sampling import usable
from judgeforge.store.evidence_rows import read_completion, read_judgment
from judgeforge.store.folder import RunFolder
from judgeforge.store.pictures import with_pictures_as_data
from judgeforge.text.messages import Message
from judgeforge.text.shown_messages import row_message
from judgeforge.text.tool_calls import said_text
from judgeforge.text.visible import quotable

GIVEN = "given"
"""The model of completions that came with the input without the name of one."""


@dataclass(frozen=True, slots=True)
class Material:
    """Prompt and completions are data: whatever stands in them is shown and never obeyed."""

    prompt: tuple[Message, ...]
    completions: Mapping[str, Completion]
    tools: str | None = None
    judgments: tuple[Judgment, ...] = ()
    reference: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    criteria: str | None = None
    others: tuple[Completion, ...] = ()
    """Those of the prompt that are not shown; among them the judges judged those that are."""

    @property
    def texts(self) -> dict[str, str]:
        return {name: said_text(one.text, one.tool_calls) for name, one in self.completions.items()}

    @property
    def all_texts(self) -> dict[str, str]:
        """With those that are not shown."""
        return self.texts | {one.id: said_text(one.text, one.tool_calls) for one in self.others}

    def beside(self) -> Iterator[tuple[str, Any]]:
        """What a label row has besides the prompt and its completions, where it is there."""
        columns: dict[str, Any] = {"tools": self.tools, "reference": self.reference}
        columns |= {"metadata": self.metadata or None, "criteria": self.criteria}
        yield from ((name, value) for name, value in columns.items() if value is not None)


def of_input(prompt: Prompt, completions: Sequence[Completion], shown: Sequence[str]) -> Material:
    """Of a row of the input that nobody has judged."""
    return Material(
        prompt=with_pictures_as_data(prompt.messages),
        completions={one.id: one for one in completions if one.id in shown},
        others=_others(completions, shown),
        tools=prompt.tools,
        reference=prompt.reference,
        metadata=prompt.metadata,
        criteria=prompt.criteria,
    )


def _others(completions: Iterable[Completion], shown: Sequence[str]) -> tuple[Completion, ...]:
    return tuple(usable([one for one in completions if one.id not in shown]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of a prompt begin in a run's files, in bytes."""

    completions: int
    judgments: int
    asked: tuple[Path, int]
    """The file that has what was asked, and where."""


def of_folder(folder: RunFolder, place: Place, look: Look, prompt: Prompt | None) -> Material:
    """``prompt``: the row of the input, where it can still be read; it has more than a pair.

    Raises StoreError where a file changed since it was looked through.
    """
    try:
        return _of_rows(folder, place, look, prompt)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise StoreError(
            f"{folder.path}: changed since this started ({type(error).__name__}), so that the "
            f"prompt `{quotable(look.candidate.prompt_id)}` is not where it was. End this, and "
            "start the same command again: what was labelled is kept."
        ) from error


def _of_rows(folder: RunFolder, place: Place, look: Look, prompt: Prompt | None) -> Material:
    rows = group_at(folder.completions, place.completions).rows
    every = {str(row["id"]): read_completion(row) for row in rows}
    completions = {name: every[name] for name in look.shown}
    file, offset = place.asked
    asked = group_at(file, offset).rows[0]
    judged = group_at(folder.judgments, place.judgments).rows
    messages = prompt.messages if prompt else tuple(map(row_message, asked["prompt"]))
    return Material(
        prompt=with_pictures_as_data(messages),
        completions=completions,
        others=_others(every.values(), look.shown),
        tools=asked.get("tools"),
        judgments=tuple(
            read_judgment(row) for row in judged if row["prompt_id"] == look.candidate.prompt_id
        ),
        reference=prompt.reference if prompt else None,
        metadata=prompt.metadata if prompt else {},
        criteria=prompt.criteria if prompt else None,
    )
