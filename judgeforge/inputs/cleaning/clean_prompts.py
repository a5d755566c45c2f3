"""The rows of the input, with skips in the place of prompts that are near others or in an
evaluation set.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.noticed import Noticed
from judgeforge.inputs.reading import input_name, read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.inputs.rows import place_of
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import Prompt, Skip, SkipReason
from judgeforge.text.visible import excerpt, quotable
from judgeforge.text.wording import counted

_EXAMPLES = 5
_SHOWN = 80
"""Characters of an example."""


class Worst:
    """The prompts that were left out, counted, and the clearest cases of each reason."""

    def __init__(self) -> None:
        self._counts: Counter[SkipReason] = Counter()
        self._worst: defaultdict[SkipReason, list[tuple[float, int, str]]] = defaultdict(list)
        self.evaluation_rows: int | None = None
        """Of all evaluation sets; None where none is named."""

    def add(self, reason: SkipReason, share: float, line: int, text: str) -> None:
        self._counts[reason] += 1
        found = (*self._worst[reason], (share, -line, text))
        self._worst[reason] = sorted(found, reverse=True)[:_EXAMPLES]

    def described(self) -> list[str]:
        """Counts and examples in words; nothing where nothing is looked for."""
        found = []
        if self.evaluation_rows is not None:
            found.append(f"compared with {counted(self.evaluation_rows, 'row')} of evaluation sets")
        for reason, number in sorted(self._counts.items()):
            found.append(f"{reason}: {counted(number, 'row')}, the clearest of them:")
            found += [f"  {text}" for _, _, text in self._worst[reason]]
        return found


def read_clean_prompts(
    config: PromptsConfig,
    checks: RowChecks,
    *,
    limit: int | None = None,
    is_done: Callable[[Prompt], bool] | None = None,
    source: SourceColumns | None = None,
    noticed: Noticed | None = None,
    worst: Worst | None = None,
) -> Iterator[Prompt | Skip]:
    """As ``read_prompts``, with a skip for each prompt that the configuration leaves out.

    A prompt that is left out still has its id and its words: a later row with the same is a
    duplicate. So those that stay have the ids that ``read_prompts`` alone gives them. What is done
    already is left out like the rest, for the pairs to be the same however often a run was stopped.
    Raises what ``read_prompts`` raises, InputError where an evaluation set cannot be read, and
    ConfigError where the library that finds near duplicates is not installed.
    """
    left_out = _left_out(config, worst or Worst())
    rows = read_prompts(
        config, checks, limit=limit, is_done=is_done, source=source, noticed=noticed
    )
    for row in rows:
        yield (isinstance(row, Prompt) and left_out(row)) or row


def _left_out(config: PromptsConfig, worst: Worst) -> Callable[[Prompt], Skip | None]:
    where, least = input_name(config), config.near_duplicates
    sought, index = config.contamination, None
    if least is None and sought is None:
        return lambda _prompt: None
    from judgeforge.inputs.cleaning.contamination import EvaluationIndex
    from judgeforge.inputs.cleaning.evaluation_sets import evaluation_rows
    from judgeforge.inputs.cleaning.near_duplicates import NearDuplicates, asked

    near = None if least is None else NearDuplicates(least)
    if sought is not None:
        rows = evaluation_rows(sought)
        index = EvaluationIndex(rows, ngram=sought.ngram, share=sought.share)
        worst.evaluation_rows = index.rows

    def skip(prompt: Prompt, reason: SkipReason, share: float, detail: str) -> Skip:
        begun = excerpt(asked(prompt), _SHOWN)
        worst.add(reason, share, prompt.line, f"{place_of(prompt)}: {detail} {begun}")
        detail = f"{prompt.file or where}:{prompt.line}: {detail} {begun}"
        return Skip(prompt_id=prompt.id, line=prompt.line, reason=reason, detail=detail)

    def look(prompt: Prompt) -> Skip | None:
        if index is not None and sought is not None and (found := index.find(prompt)):
            text = f"it has {found.share:.0%} of what {found.place} asks"
            return skip(prompt, SkipReason.CONTAMINATED, found.share, f"{text}:")
        if near is not None and (twin := near.find_or_add(prompt)):
            text = f"{twin.similarity:.0%} the same as `{quotable(twin.prompt_id)}`"
            detail = f"{text} ({twin.place}):"
            return skip(prompt, SkipReason.NEAR_DUPLICATE, twin.similarity, detail)
        return None

    return look
