"""All figures of a run folder, from one pass over its files in little memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from judgeforge.errors import StoreError
from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.completions import CompletionFigures
from judgeforge.results.figures.criteria import CriterionFigures
from judgeforge.results.figures.judges import JudgeFigures
from judgeforge.results.figures.pairs import PairFigures
from judgeforge.results.figures.rows import LOG, PAIRS, PromptRows, prompts_of
from judgeforge.results.figures.shortlist import Place, Shortlist
from judgeforge.store.json_lines import read_log


@dataclass(slots=True)
class RunFigures:
    pairs: PairFigures = field(default_factory=PairFigures)
    completions: CompletionFigures = field(default_factory=CompletionFigures)
    judges: JudgeFigures = field(default_factory=JudgeFigures)
    criteria: CriterionFigures = field(default_factory=CriterionFigures)
    calls: CallFigures = field(default_factory=CallFigures)
    shortlist: Shortlist = field(default_factory=Shortlist)

    def add_prompt(self, prompt: PromptRows) -> None:
        completions = prompt.completions.rows
        self.completions.add_prompt(completions)
        sources = [pair["provenance"] for pair in prompt.pairs.rows]
        in_pairs = {each[side] for each in sources for side in ("chosen_id", "rejected_id")}
        told = self.judges.add_prompt(prompt.judgments.rows, in_pairs)
        self.pairs.add_prompt(prompt.pairs.rows, completions)
        self.criteria.add_prompt(prompt.pairs.rows, prompt.judgments.rows)
        for number, pair in enumerate(prompt.pairs.rows):
            place = Place(
                pair_id=str(pair["id"]),
                number=number,
                pairs=prompt.pairs.offset,
                judgments=prompt.judgments.offset,
                completions=prompt.completions.offset,
            )
            self.shortlist.add(pair, place, completions, told)


def run_figures(folder: Path) -> RunFigures:
    """Of what is there: a run that was never stopped in order has written no results yet.

    Raises StoreError where a file cannot be read or holds what no run writes.
    """
    figures = RunFigures()
    for line in read_log(folder / LOG):
        figures.calls.add(line)
    if not (folder / PAIRS).exists():
        return figures
    for prompt in prompts_of(folder):
        try:
            figures.add_prompt(prompt)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise StoreError(
                f"{folder}: the rows of the prompt `{prompt.prompt_id}` are not as a run writes "
                f"them ({type(error).__name__}: {error}). If a file was changed by hand, delete "
                "it and start `judgeforge run` on the folder again: it is written anew."
            ) from error
    return figures
