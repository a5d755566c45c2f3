"""All figures of a run folder, from one walk over its files, prompt by prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import StoreError
from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.completions import CompletionFigures
from judgeforge.results.figures.criteria import CriterionFigures
from judgeforge.results.figures.given_labels import GivenLabelFigures
from judgeforge.results.figures.judges import JudgeFigures, TierFigures
from judgeforge.results.figures.marks import marks_of
from judgeforge.results.figures.pairs import PairFigures, run_quality
from judgeforge.results.figures.shortlist import Place, Shortlist
from judgeforge.results.figures.slices import SliceFigures
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import Row, read_log, read_placed_rows
from judgeforge.store.manifest import Quality
from judgeforge.store.pair_columns import PairColumns
from judgeforge.text.wording import first_problem


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one prompt in one file, their lines, and the byte at which they begin."""

    prompt_id: str
    offset: int = 0
    rows: list[Row] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PromptRows:
    prompt_id: str
    completions: Group
    judgments: Group
    pairs: Group


def prompts_of(folder: RunFolder) -> Iterator[PromptRows]:
    """Raises StoreError where a file cannot be read or a line is not one that a run writes."""
    judgments, pairs = _Follower(_groups(folder.judgments)), _Follower(_groups(folder.pairs))
    for group in _groups(folder.completions):
        name = group.prompt_id
        yield PromptRows(name, group, judgments.take(name), pairs.take(name))
    for rest in judgments.rest():
        name = rest.prompt_id
        yield PromptRows(name, Group(name), rest, pairs.take(name))
    for rest in pairs.rest():
        yield PromptRows(rest.prompt_id, Group(rest.prompt_id), Group(rest.prompt_id), rest)


def group_at(file: Path, offset: int) -> Group:
    """The rows of the prompt whose first line begins at byte ``offset``."""
    return next(_groups(file, offset), Group(""))


class _Follower:
    """Gives the group of a prompt if it is the next one in the file."""

    def __init__(self, groups: Iterator[Group]) -> None:
        self._groups = groups
        self._next = next(groups, None)

    def take(self, prompt_id: str) -> Group:
        if self._next is None or self._next.prompt_id != prompt_id:
            return Group(prompt_id)
        taken, self._next = self._next, next(self._groups, None)
        return taken

    def rest(self) -> Iterator[Group]:
        while self._next is not None:
            yield self.take(self._next.prompt_id)


def _groups(file: Path, offset: int = 0) -> Iterator[Group]:
    group: Group | None = None
    for start, line, row in read_placed_rows(file, needs="prompt_id", offset=offset):
        name = str(row["prompt_id"])
        if group is None or name != group.prompt_id:
            if group is not None:
                yield group
            group = Group(name, start)
        group.rows.append(row)
        group.lines.append(line)
    if group is not None:
        yield group


@dataclass(slots=True)
class RunFigures:
    """What the manifest, the card and the report say of a run's files."""

    tiers: TierFigures = field(default_factory=TierFigures)
    pairs: PairFigures = field(default_factory=PairFigures)
    completions: CompletionFigures = field(default_factory=CompletionFigures)
    judges: JudgeFigures = field(default_factory=JudgeFigures)
    criteria: CriterionFigures = field(default_factory=CriterionFigures)
    calls: CallFigures = field(default_factory=CallFigures)
    shortlist: Shortlist = field(default_factory=Shortlist)
    given_labels: GivenLabelFigures = field(default_factory=GivenLabelFigures)
    slices: SliceFigures = field(default_factory=SliceFigures)

    def add_prompt(self, prompt: PromptRows) -> None:
        completions, judgments, pairs = (
            group.rows for group in (prompt.completions, prompt.judgments, prompt.pairs)
        )
        self.completions.add_prompt(completions)
        self.given_labels.add_prompt(completions)
        self.tiers.add_prompt(judgments, completions)
        sources = [pair["provenance"] for pair in pairs]
        in_pairs = {each[side] for each in sources for side in ("chosen_id", "rejected_id")}
        told = self.judges.add_prompt(judgments, in_pairs)
        self.pairs.add_prompt(pairs, completions, prompt.pairs.lines)
        criteria = self.criteria.add_prompt(pairs, judgments)
        self.slices.add_prompt(pairs, completions, told)
        for number, pair in enumerate(pairs):
            place = Place(
                pair_id=str(pair["id"]),
                number=number,
                pairs=prompt.pairs.offset,
                judgments=prompt.judgments.offset,
                completions=prompt.completions.offset,
            )
            marks = marks_of(pair, completions, judgments, told, criteria[number])
            self.shortlist.add(pair, place, completions, told, marks=marks)

    def quality(self) -> Quality:
        return run_quality(self.pairs, self.completions)


def run_figures(
    folder: RunFolder,
    *,
    judges: Sequence[JudgeConfig] = (),
    take: Callable[[bytes], None] | None = None,
    columns: PairColumns | None = None,
) -> RunFigures:
    """Of what is there: a run that was never stopped cleanly has written no results yet.

    ``judges``: of whose tiers the judgments are counted. ``take`` gets the line of every pair on
    the way, so that what is made from the pairs needs no pass of its own. ``columns``: those of the
    pairs, where they are known. Raises StoreError where a file cannot be read or contains what no
    run writes.
    """
    figures = RunFigures(tiers=TierFigures(judges), pairs=PairFigures(columns))
    for event in read_log(folder.log):
        figures.calls.add(event)
    if not folder.pairs.exists():
        return figures
    for prompt in prompts_of(folder):
        try:
            figures.add_prompt(prompt)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            problem = first_problem(error) if isinstance(error, ValidationError) else error
            raise StoreError(
                f"{folder.path}: the rows of the prompt `{prompt.prompt_id}` are not as a run "
                f"writes them ({type(error).__name__}: {problem}). If a file was changed by hand, "
                "delete it and start `judgeforge run` on the folder again: it is made again."
            ) from error
        if take is not None:
            for line in prompt.pairs.lines:
                take(line)
    return figures
