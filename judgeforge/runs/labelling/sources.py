"""What can be labelled: the pairs of a run folder, or the completions that rows bring.

Of a folder, each prompt gives at most one question, as a promise is about one pair of a prompt: one
of its pairs or, where it has none for want of certainty, the best and the worst of its completions.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, InputError
from judgeforge.inputs.cleaning.clean_prompts import read_clean_prompts
from judgeforge.inputs.reading import input_name
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.records import Completion, Prompt, SkipReason
from judgeforge.results.figures.run import PromptRows, prompts_of
from judgeforge.results.judge_effects import run_reliability
from judgeforge.runs.folders import default_folder
from judgeforge.runs.labelling.choosing import Candidate, Look, drawn
from judgeforge.runs.labelling.material import Material, Place, of_folder, of_input
from judgeforge.runs.measurement.label_rows import SIDES
from judgeforge.runs.preparation.preparation import prepare
from judgeforge.sampling.sampling import ready_completions, usable
from judgeforge.store.evidence_rows import read_completion, read_judgment
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.json_lines import read_placed_rows
from judgeforge.text.shell import shell_word
from judgeforge.text.tool_calls import said_text

MOST_CANDIDATES = 20_000
"""More prompts than anybody labels: of a greater input this many are drawn."""


class Source(Protocol):
    @property
    def candidates(self) -> Sequence[Candidate]: ...

    @property
    def name(self) -> str:
        """Of the folder or file, for people."""
        ...

    @property
    def config(self) -> RunConfig | None: ...

    @property
    def reliability(self) -> Reliability: ...

    def expect(self, looks: Sequence[Look]) -> None:
        """These are going to be asked for."""
        ...

    def material(self, look: Look) -> Material: ...


def open_source(place: Path, show: int) -> Source:
    """``place``: a run folder, or a configuration. ``show``: at most this many answers at a time.

    Raises ConfigError, InputError or StoreError, each with what to do.
    """
    if place.is_dir() or not place.is_file():
        return _run_folder(place, show)
    from judgeforge.config.file import load_config

    config = load_config(place)
    folder = default_folder(config.source_file)
    if RunFolder(folder).completions.is_file():
        return FolderSource(folder, show, config)
    if config.sampling is not None:
        raise ConfigError(
            f"{place}: has not been run yet, so there are no completions to label: {folder} has "
            f"none. Start `judgeforge run {shell_word(str(place))}` first (without `judging` it "
            "only samples), or name its folder in place of the configuration if it has another "
            "--out."
        )
    return InputSource(config, show)


def _run_folder(place: Path, show: int) -> Source:
    folder = RunFolder(place)
    if not folder.completions.is_file():
        raise ConfigError(why_no_run_folder(place, lacks=folder.completions.name))
    return FolderSource(place, show, None)


@dataclass(slots=True)
class _Drawn:
    """At most this many candidates, drawn evenly by a hash while they are looked through."""

    most: int = MOST_CANDIDATES
    _kept: list[tuple[int, int, Candidate, Any]] = field(default_factory=list)

    def add(self, candidate: Candidate, value: Any) -> None:  # noqa: ANN401 (of its source)
        lot = drawn("candidate", candidate.prompt_id)
        entry = (-lot, -len(self._kept), candidate, value)
        if len(self._kept) < self.most:
            heapq.heappush(self._kept, entry)
        elif entry > self._kept[0]:
            heapq.heapreplace(self._kept, entry)

    def found(self) -> list[tuple[Candidate, Any]]:
        return [(candidate, value) for _, _, candidate, value in sorted(self._kept, reverse=True)]


class FolderSource:
    """Raises StoreError where a file of the folder cannot be read."""

    def __init__(self, place: Path, show: int, config: RunConfig | None) -> None:
        self._folder, self._show = RunFolder(place), show
        self.name = str(place)
        self.config = config or _made_with(self._folder)
        self.reliability = run_reliability(self._folder)
        found = self._looked_through()
        self.candidates = [candidate for candidate, _ in found]
        self._places = [place for _, place in found]
        self._prompts: Mapping[str, Prompt] = {}
        if not self.candidates:
            raise ConfigError(
                f"{place}: no prompt has {_least(show)} different completions to compare"
            )

    def expect(self, looks: Sequence[Look]) -> None:
        """Rows of the input have what a folder does not: reference, metadata and pictures."""
        wanted = {look.candidate.prompt_id for look in looks}
        self._prompts = {} if self.config is None else _rows_of(self.config, wanted)

    def material(self, look: Look) -> Material:
        place = self._places[look.candidate.place]
        prompt = self._prompts.get(look.candidate.prompt_id)
        return of_folder(self._folder, place, look, prompt)

    def _looked_through(self) -> list[tuple[Candidate, Place]]:
        kept = _Drawn()
        skips = _skips(self._folder)
        for rows in prompts_of(self._folder):
            skip = skips.get(rows.prompt_id)
            if rows.pairs.rows:
                asked = (self._folder.pairs, rows.pairs.offset)
            elif skip is not None:
                asked = (self._folder.skips, skip[0])
            else:
                continue  # an earlier version kept nothing of what was asked
            reason = None if skip is None else skip[1]
            if found := _candidate(rows, reason, self.reliability, self._show):
                kept.add(found, Place(rows.completions.offset, rows.judgments.offset, asked))
        return [
            (Candidate(one.prompt_id, one.completion_ids, one.confidence, number), place)
            for number, (one, place) in enumerate(kept.found())
        ]


class InputSource:
    """Raises ConfigError for a configuration that is wrong, InputError for its input."""

    def __init__(self, config: RunConfig, show: int) -> None:
        self.config: RunConfig | None = config
        self.reliability = PRIOR
        self.name = input_name(config.prompts)
        kept = _Drawn()
        checks = prepare(config, with_keys=False).row_checks
        for prompt in read_clean_prompts(config.prompts, checks):
            if isinstance(prompt, Prompt):
                completions = usable(ready_completions(prompt))
                ids = _some_of([one.id for one in completions], prompt.id, show)
                if len(ids) >= _least(show):
                    kept.add(Candidate(prompt.id, ids), (prompt, completions))
        found = kept.found()
        self.candidates = [
            Candidate(one.prompt_id, one.completion_ids, None, number)
            for number, (one, _) in enumerate(found)
        ]
        self._rows = [row for _, row in found]
        if not found:
            raise InputError(
                f"{self.name}: no row brings {_least(show)} different completions to compare"
            )

    def expect(self, looks: Sequence[Look]) -> None:
        """All of it is at hand."""

    def material(self, look: Look) -> Material:
        prompt, completions = self._rows[look.candidate.place]
        return of_input(prompt, completions, look.shown)


def _made_with(folder: RunFolder) -> RunConfig | None:
    """The configuration that the manifest keeps; None where this version does not know it."""
    manifest = folder.read_manifest()
    try:
        return RunConfig.model_validate(manifest.config) if manifest and manifest.config else None
    except ValidationError:
        return None


def _rows_of(config: RunConfig, wanted: set[str]) -> dict[str, Prompt]:
    """Those rows of the input that are still there; a folder may be copied away from its input."""
    if config.prompts.path is None:
        return {}
    try:
        checks = prepare(config, with_keys=False).row_checks
    except ConfigError:
        checks = RowChecks()
    found: dict[str, Prompt] = {}
    try:
        for row in read_clean_prompts(config.prompts, checks):
            if isinstance(row, Prompt) and row.id in wanted:
                found[row.id] = row
                if len(found) == len(wanted):
                    break
    except (ConfigError, InputError):
        return {}
    return found


def _skips(folder: RunFolder) -> dict[str, tuple[int, SkipReason | None]]:
    """By prompt: where its skip begins, and its reason, of those that say what was asked."""
    return {
        str(row["prompt_id"]): (offset, _reason(row.get("reason")))
        for offset, line, row in read_placed_rows(folder.skips, needs="prompt_id")
        if row.get("prompt")
    }


def _reason(value: object) -> SkipReason | None:
    try:
        return SkipReason(str(value))
    except ValueError:  # of a later version
        return None


def _candidate(
    rows: PromptRows, reason: SkipReason | None, reliability: Reliability, show: int
) -> Candidate | None:
    if show == len(SIDES) and rows.pairs.rows:
        return _of_pair(rows)
    completions = [read_completion(row) for row in rows.completions.rows]
    able = {one.id: one for one in completions if one.is_usable}
    if len(able) < _least(show):
        return None
    ids = _some_of(list(able), rows.prompt_id, show)
    if not rows.judgments.rows or (reason is not None and not reason.was_ranked):
        return Candidate(rows.prompt_id, ids)
    return _of_ranking(rows, able, reliability, show)


def _of_pair(rows: PromptRows) -> Candidate:
    """One of the pairs of the prompt, drawn by a hash where it has several."""
    pairs: Sequence[Mapping[str, Any]] = rows.pairs.rows
    pair = pairs[drawn("pair", rows.prompt_id) % len(pairs)]
    ids = (str(pair["provenance"]["chosen_id"]), str(pair["provenance"]["rejected_id"]))
    ahead = float(pair["confidence"]) + float(pair.get("p_tie") or 0.0) / 2.0
    return Candidate(rows.prompt_id, ids, ahead)


def _of_ranking(
    rows: PromptRows, able: Mapping[str, Completion], reliability: Reliability, show: int
) -> Candidate | None:
    judgments = [read_judgment(row) for row in rows.judgments.rows]
    texts = {name: said_text(one.text, one.tool_calls) for name, one in able.items()}
    ranking = rank(judgments, completion_ids=tuple(able), reliability=reliability, texts=texts)
    if len(ranking.completion_ids) < 2:
        return Candidate(rows.prompt_id, _some_of(list(able), rows.prompt_id, show))
    if show > 2:
        ids = _some_of(list(ranking.completion_ids), rows.prompt_id, show)
        return Candidate(rows.prompt_id, ids, max(ranking.p_best))
    order = sorted(zip(ranking.scores, ranking.completion_ids, strict=True))
    (_, worst), (_, best) = order[0], order[-1]
    two = rank(judgments, completion_ids=(best, worst), reliability=reliability, texts=texts)
    sure = max(two.p_best) if len(two.completion_ids) == 2 else None
    return Candidate(rows.prompt_id, (best, worst), sure)


def _least(show: int) -> int:
    """Answers that a question needs: two make a pair, which is another kind of label."""
    return min(show, 3)


def _some_of(ids: Sequence[str], prompt_id: str, show: int) -> tuple[str, ...]:
    """In their order; where there are more than are shown, this many are drawn."""
    lots = sorted(ids, key=lambda name: drawn("of", prompt_id, name))
    chosen = set(lots[:show])
    return tuple(name for name in ids if name in chosen)
