"""A run folder's pairs as a table. What models wrote is data: shown, never interpreted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from judgeforge.ranking.protocols import is_by_code
from judgeforge.results.figures.criteria import LEAST_DIFFERENCE, criterion_means
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import read_rows
from judgeforge.text.shown_messages import row_spoken
from judgeforge.text.visible import excerpt, one_line

Json = Mapping[str, Any]

PROMPT_CHARACTERS, ANSWER_CHARACTERS, REASON_CHARACTERS = 50, 80, 80


def pairs_table(folder: Path, *, most: int | None = None) -> Table:
    """The first ``most`` pairs of a run folder: both answers, how sure, and what decided.

    Raises StoreError where ``pairs.jsonl`` or ``judgments.jsonl`` cannot be read.
    """
    pairs = list(islice(read_rows(RunFolder(folder).pairs), most))
    criteria = _criteria(folder, pairs)
    table = Table(show_lines=True, expand=True, title_justify="left", header_style="bold")
    for name, share in (("prompt", 3), ("chosen", 4), ("rejected", 4)):
        table.add_column(name, ratio=share, overflow="fold")
    table.add_column("margin\nconf.", justify="right")
    table.add_column("why", ratio=4, overflow="fold")
    for pair in pairs:
        sides = pair["provenance"]
        why = reasons(criteria[sides["chosen_id"]], criteria[sides["rejected_id"]])
        table.add_row(
            Text(excerpt(row_spoken(pair["prompt"][-1]), PROMPT_CHARACTERS)),
            Text(excerpt(row_spoken(pair["chosen"][-1]), ANSWER_CHARACTERS), style="green"),
            Text(excerpt(row_spoken(pair["rejected"][-1]), ANSWER_CHARACTERS), style="red"),
            f"{pair['score_margin']:.2f}\n{pair['confidence']:.0%}",
            Text("\n".join(why)),
        )
    return table


def reasons(chosen: Sequence[Json], rejected: Sequence[Json]) -> list[str]:
    """What tells two completions apart, from the judgments of each.

    What code found comes first, for it can be verified; then what judges scored differently, the
    widest difference first.
    """
    lines = [
        f"{side} {excerpt(judgment['rationale'], REASON_CHARACTERS)}"
        for side, judgments in (("rejected", rejected), ("chosen", chosen))
        for judgment in judgments
        if is_by_code(judgment["protocol"]) and min(judgment["criteria"].values(), default=1) < 1
    ]
    ours, theirs = _means(chosen), _means(rejected)
    shared = sorted(ours.keys() & theirs.keys(), key=lambda name: (theirs[name] - ours[name], name))
    lines += [
        f"{one_line(name)} {ours[name]:.2f} : {theirs[name]:.2f}"
        for name in shared
        if abs(ours[name] - theirs[name]) >= LEAST_DIFFERENCE
    ]
    if lines:
        return lines
    compared = any(len(judgment["completion_ids"]) > 1 for judgment in (*chosen, *rejected))
    return ["told apart side by side" if compared else "differences under 0.01"]


def _criteria(folder: Path, pairs: Iterable[Json]) -> Mapping[str, list[Json]]:
    """Judgments by completion; reads no further than these pairs need."""
    wanted = {name for pair in pairs for name in pair["provenance"]["judgment_ids"]}
    found: dict[str, list[Json]] = defaultdict(list)
    if not wanted:
        return found
    for judgment in read_rows(RunFolder(folder).judgments):
        if judgment["id"] not in wanted:
            continue
        for completion_id in judgment["completion_ids"]:
            found[completion_id].append(judgment)
        wanted.discard(judgment["id"])
        if not wanted:
            break
    return found


def _means(judgments: Iterable[Json]) -> dict[str, float]:
    """By criterion, over all that judges said of a completion by itself."""
    return criterion_means(
        judgment["criteria"]
        for judgment in judgments
        if not is_by_code(judgment["protocol"]) and len(judgment["completion_ids"]) == 1
    )
