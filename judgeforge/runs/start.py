"""What one start of a run folder has to do, found out before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from judgeforge.config.model import AUTO
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.records import Completion, Prompt, SkipReason
from judgeforge.runs.preparation.changes import depends, made_by_models, with_forms
from judgeforge.runs.preparation.identity import (
    as_begun,
    differences,
    first_of,
    layout_begun,
    regardless_of_files,
    with_layout,
)
from judgeforge.runs.preparation.known_input import KnownInput
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.preparation.replicas import with_known_addresses
from judgeforge.runs.preparation.worklist import Worklist, plan_work
from judgeforge.runs.result import FINISHED
from judgeforge.store.evidence_rows import read_completion
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import FinishedPrompts, Journal, short_digest
from judgeforge.store.judge_replies import read_judge_replies
from judgeforge.store.manifest import Manifest

if TYPE_CHECKING:
    from judgeforge.runs.cluster.forked import ForkedWorkers

_OF_SAMPLING = ("prompts", "sampling")
"""Parts of a run's identity that decide its completions, with the models that write them."""
_RETRIED = frozenset({
    SkipReason.CALL_FAILED, SkipReason.TOO_LONG, SkipReason.CRITERIA_NOT_WRITTEN,
    SkipReason.TOO_FEW_COMPLETIONS, SkipReason.TOO_FEW_JUDGED,
})  # fmt: skip
"""What a server found too long may fit into the context of the next one, and one call that failed
may be what two answers lack; what was replied is stored, so that it is not paid again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """What a start is told besides its configuration; see ``judgeforge.run``."""

    limit: int | None = None
    budget_usd: float | None = None
    force: bool = False
    retry_skipped: bool = False
    no_lock: bool = False
    no_wait: bool = False
    """End (exit 6) once nothing is left to do but to wait for batches."""
    workers: int | None = None
    """Processes that share the work; None: one, or on a cluster as many as it has processors."""
    cluster: str | None = None
    """The address of a Ray cluster on which they run; None: on this machine."""
    forked: ForkedWorkers | None = None
    """Workers of this machine that the program has begun already."""


@dataclass(frozen=True, slots=True)
class Start:
    prepared: Preparation
    folder: RunFolder
    journal: Journal
    work: Worklist
    finished: FinishedPrompts
    """As the folder had them when this start began."""
    previous: Manifest | None
    """The manifest that an earlier start left."""
    is_changed: bool
    """Whether ``previous`` is of another configuration."""
    options: StartOptions

    @property
    def config(self) -> RunConfig:
        return self.prepared.config

    @property
    def has_nothing_to_do(self) -> bool:
        """Whether an earlier start has done everything and left every file."""
        previous = self.previous
        return (
            previous is not None
            and previous.status in FINISHED
            and previous.input is not None
            and previous.input.fingerprint == self.work.fingerprint
            and not self.work.todo
            and not self.work.stale
            and not self.is_changed
            and self.folder.is_whole()
            and not self.folder.changed(previous)
        )

    def sampled_before(self, prompt: Prompt) -> list[Completion]:
        """The completions of a prompt that an earlier start sampled and nobody judged."""
        entry = self.finished.get(prompt.id)
        if entry is None or entry.skip != SkipReason.NOT_JUDGED:
            return []
        if entry.digest != short_digest(prompt.digest):
            return []
        lines = self.journal.lines(entry.offset)["completions"]
        return [read_completion(json.loads(line)) for line in lines]


@contextmanager
def open_start(prepared: Preparation, folder: RunFolder, options: StartOptions) -> Iterator[Start]:
    """Needs the folder's lock. Raises ConfigError where configuration or rows were changed, what is
    there depends on it and ``force`` is not given, InputError where the input cannot be read."""
    previous = folder.read_manifest()
    if previous is not None:
        begun = with_known_addresses(as_begun(prepared.config, previous.identity), previous)
        prepared = replace(prepared, config=begun, layout=layout_begun(begun, previous))
    is_changed = previous is not None and _is_changed(prepared, folder, previous, options)
    judgments = prepared.judgments_digest
    keeps = not is_changed or _only_judging_differs(folder, previous, prepared)
    if is_changed:
        # The paid replies are in the cache: what stays the same is not paid again.
        for file in folder.learnt_of_judges if keeps else folder.made_with_configuration:
            file.unlink(missing_ok=True)
    finished = FinishedPrompts(judgments=judgments)
    with closing(Journal(folder.journal_file, found=finished.add)) as journal:
        work = plan_work(
            prepared.config.prompts,
            prepared.row_checks,
            folder=folder.path,
            finished=finished,
            limit=options.limit,
            covered=previous.input.all_rows if previous and previous.input and keeps else 0,
            accept_changes=options.force,
            redo=_redone(prepared, options, other_judges=is_changed and keeps),
            judged_elsewhere=prepared.verdicts.prompt_ids if prepared.verdicts else (),
            known=KnownInput.of(
                prepared.config.prompts,
                prepared.row_checks,
                folder.known_rows_file,
                limit=options.limit,
            ),
            ids_of=journal.ids,
        )
        with work.skips:
            if work.removed:
                # Accepted once: the next start, without ``force``, finds nothing to refuse.
                journal.remove(work.removed)
            yield Start(prepared, folder, journal, work, finished, previous, is_changed, options)


def _is_changed(
    prepared: Preparation, folder: RunFolder, previous: Manifest, options: StartOptions
) -> bool:
    """Whether the configuration was. Raises ConfigError where results depend on what was, unless
    that is forced."""
    forms, models = read_judge_replies(folder.judge_replies_file).forms, prepared.config.models
    found = {n: form for n, form in forms.items() if n in models and models[n].structured == AUTO}
    old, new = with_forms(previous.identity, forms), with_forms(prepared.identity, found)
    old, new = with_layout(old, previous.prompt_layout), with_layout(new, prepared.layout)
    old = regardless_of_files(old, new)
    changed = differences(old, new)
    if not changed or options.force or _only_judging_differs(folder, previous, prepared):
        return bool(changed)
    with closing(Journal(folder.journal_file, read_only=True)) as journal:
        made = made_by_models(journal)
    if depends(made, old, new):
        raise ConfigError(
            f"{folder.path} was made with another configuration ({first_of(changed)}). "
            "Use another folder (--out; in Python out=), or --force (force=True) to do the prompts "
            "again with the new one (calls that stay the same come from the cache)."
        )
    return True


def _redone(
    prepared: Preparation, options: StartOptions, *, other_judges: bool
) -> frozenset[SkipReason]:
    """Reasons of skips that are done again: also what was sampled and waits for its judges, and
    what judges that have changed since left unjudged."""
    waiting = frozenset() if prepared.asks_nobody else frozenset({SkipReason.NOT_JUDGED})
    unjudged = frozenset({SkipReason.TOO_FEW_JUDGED}) if other_judges else frozenset()
    return waiting | unjudged | (_RETRIED if options.retry_skipped else frozenset())


def _only_judging_differs(
    folder: RunFolder, previous: Manifest | None, prepared: Preparation
) -> bool:
    """Whether the folder holds completions that nobody has judged, sampled as they would be now."""
    if previous is None or not folder.journal_file.exists():
        return False
    old, new = previous.identity, prepared.identity
    if (old.get("judging") or {}).get("judges"):
        return False
    if any(old.get(part) != new.get(part) for part in _OF_SAMPLING):
        return False
    sampled = (old.get("sampling") or {}).get("models", ())
    if any(old["models"].get(name) != new["models"].get(name) for name in sampled):
        return False
    with closing(Journal(folder.journal_file, read_only=True)) as journal:
        return not FinishedPrompts(journal.entries()).any_ranked
