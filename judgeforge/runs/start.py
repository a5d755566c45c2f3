"""What one start of a run folder has to do, found out before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from judgeforge.config.model import AUTO
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.records import SkipReason
from judgeforge.runs.planning.changes import depends, made_by_models, with_forms
from judgeforge.runs.planning.identity import differences, first_of
from judgeforge.runs.planning.preparation import Preparation
from judgeforge.runs.planning.worklist import Worklist, plan_work
from judgeforge.runs.result import FINISHED
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import FinishedPrompts, Journal
from judgeforge.store.judge_replies import read_judge_replies
from judgeforge.store.manifest import Manifest

_RETRIED = frozenset({SkipReason.CALL_FAILED})


@dataclass(frozen=True, slots=True)
class StartOptions:
    """What a start is told besides its configuration; see ``judgeforge.run``."""

    limit: int | None = None
    budget_usd: float | None = None
    force: bool = False
    retry_skipped: bool = False
    no_lock: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    prepared: Preparation
    folder: RunFolder
    journal: Journal
    work: Worklist
    previous: Manifest | None
    """The manifest that an earlier start left."""
    is_changed: bool
    """Whether ``previous`` is of another configuration."""
    limit: int | None

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
            and not self.is_changed
            and self.folder.is_whole()
        )


@contextmanager
def open_start(prepared: Preparation, folder: RunFolder, options: StartOptions) -> Iterator[Start]:
    """Needs the folder's lock. Raises ConfigError where configuration or rows were changed, what is
    there depends on it and ``force`` is not given, InputError where the input cannot be read."""
    previous = folder.read_manifest()
    changed = False
    if previous is not None:
        changed = _begin_anew_where_changed(prepared, folder, previous, force=options.force)
    with closing(Journal(folder.journal_file)) as journal:
        work = plan_work(
            prepared.config.prompts,
            prepared.row_checks,
            folder=folder.path,
            finished=FinishedPrompts(journal.entries()),
            limit=options.limit,
            covered=previous.input.all_rows if previous and previous.input and not changed else 0,
            accept_changes=options.force,
            redo=_RETRIED if options.retry_skipped else frozenset(),
        )
        with work.skips:
            yield Start(prepared, folder, journal, work, previous, changed, options.limit)


def _begin_anew_where_changed(
    prepared: Preparation, folder: RunFolder, previous: Manifest, *, force: bool
) -> bool:
    """Whether the configuration was changed. Raises ConfigError where results depend on it, unless
    ``force``; the paid replies are in the cache, so what stays the same is not paid again."""
    forms, models = read_judge_replies(folder.judge_replies_file).forms, prepared.config.models
    found = {n: form for n, form in forms.items() if n in models and models[n].structured == AUTO}
    old, new = with_forms(previous.identity, forms), with_forms(prepared.identity, found)
    changed = differences(old, new)
    if not changed:
        return False
    if not force:
        with closing(Journal(folder.journal_file)) as journal:
            made = made_by_models(journal)
        if depends(made, old, new):
            raise ConfigError(
                f"{folder.path} was made with another configuration ({first_of(changed)}). "
                "Use another --out, or --force to do the prompts again with the new one "
                "(calls that stay the same come from the cache)."
            )
    for file in folder.made_with_configuration:
        file.unlink(missing_ok=True)
    return True
