"""All figures of a run folder, from one pass over its files in little memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import StoreError
from judgeforge.records import PreferencePair
from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.completions import CompletionFigures
from judgeforge.results.figures.criteria import CriterionFigures
from judgeforge.results.figures.judges import JudgeFigures, TierFigures
from judgeforge.results.figures.pairs import PairFigures, run_quality
from judgeforge.results.figures.rows import PromptRows, prompts_of
from judgeforge.results.figures.shortlist import Place, Shortlist
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import read_log
from judgeforge.store.manifest import Quality
from judgeforge.text.wording import first_problem


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

    def add_prompt(self, prompt: PromptRows) -> None:
        completions, judgments, pairs = (
            group.rows for group in (prompt.completions, prompt.judgments, prompt.pairs)
        )
        self.completions.add_prompt(completions)
        self.tiers.add_prompt(judgments)
        sources = [pair["provenance"] for pair in pairs]
        in_pairs = {each[side] for each in sources for side in ("chosen_id", "rejected_id")}
        told = self.judges.add_prompt(judgments, in_pairs)
        self.pairs.add_prompt(pairs, completions, prompt.pairs.lines)
        self.criteria.add_prompt(pairs, judgments)
        for number, pair in enumerate(pairs):
            place = Place(
                pair_id=str(pair["id"]),
                number=number,
                pairs=prompt.pairs.offset,
                judgments=prompt.judgments.offset,
                completions=prompt.completions.offset,
            )
            self.shortlist.add(pair, place, completions, told)

    def quality(self) -> Quality:
        return run_quality(self.pairs, self.completions)


def run_figures(
    folder: RunFolder,
    *,
    judges: Sequence[JudgeConfig] = (),
    take: Callable[[PreferencePair], None] | None = None,
) -> RunFigures:
    """Of what is there: a run that was never stopped cleanly has written no results yet.

    ``judges``: of whose tiers the judgments are counted. ``take`` gets every pair on the way, so
    that what is made from the pairs needs no pass of its own. Raises StoreError where a file cannot
    be read or contains what no run writes.
    """
    figures = RunFigures(tiers=TierFigures(judges))
    for line in read_log(folder.log):
        figures.calls.add(line)
    if not folder.pairs.exists():
        return figures
    for prompt in prompts_of(folder):
        try:
            figures.add_prompt(prompt)
            lines = () if take is None else prompt.pairs.lines
            pairs = [PreferencePair.model_validate_json(line) for line in lines]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            problem = first_problem(error) if isinstance(error, ValidationError) else error
            raise StoreError(
                f"{folder.path}: the rows of the prompt `{prompt.prompt_id}` are not as a run "
                f"writes them ({type(error).__name__}: {problem}). If a file was changed by hand, "
                "delete it and start `judgeforge run` on the folder again: it is made again."
            ) from error
        if take is not None:
            for pair in pairs:
                take(pair)
    return figures
