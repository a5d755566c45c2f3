"""What is to be done: the input is read once before any money is spent.

Of each row only its digest and the place of its result are kept (16 bytes), and of each finished
prompt where it is; what a skip says waits in a temporary file.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import ConfigError, StoreError
from judgeforge.inputs.cleaning.clean_prompts import read_clean_prompts
from judgeforge.inputs.noticed import Noticed
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.inputs.rows import place_of
from judgeforge.records import Prompt, Skip, SkipReason
from judgeforge.runs.preparation.known_input import KnownInput
from judgeforge.store.journal import Entry, FinishedPrompts, Tally, short_digest
from judgeforge.store.known_rows import KnownRows
from judgeforge.text.prompt_keys import prompt_key
from judgeforge.text.visible import quotable
from judgeforge.text.wording import counted, listed

TODO, LEFT_OUT = -1, -(2**63)
_SKIPS_IN_MEMORY = 2**20
_NAMED = 3
_WAITING = frozenset({SkipReason.NOT_JUDGED})
"""Until anybody judges them."""


@dataclass(slots=True)
class Worklist:
    """``places[i]``: where row i's result is in the journal, TODO, LEFT_OUT (an unfinished prompt
    beyond the limit), or an input skip (any other number < TODO)."""

    places: array[int] = field(default_factory=lambda: array("q"))
    digests: array[int] = field(default_factory=lambda: array("Q"))
    skips: SpooledTemporaryFile[bytes] = field(
        default_factory=lambda: SpooledTemporaryFile(_SKIPS_IN_MEMORY)  # noqa: SIM115
    )
    """The lines of the input's bad rows, one after another."""
    fingerprint: str = ""
    tally: Tally = field(default_factory=Tally)
    """Of what is done: finished prompts and bad rows."""
    provisional: list[int] = field(default_factory=list)
    """Positions of finished prompts that were ranked with a provisional fit."""
    losses: list[str] = field(default_factory=list)
    """What rows have and no pair can hold, in sentences."""
    stale: list[int] = field(default_factory=list)
    """Positions of finished prompts of which others have judged something else by now."""
    unknown: list[str] = field(default_factory=list)
    """Ids of prompts that others have judged and that the input does not have."""
    removed: frozenset[int] = frozenset()
    """The ``prompt_key`` of each finished prompt whose row was changed or removed."""

    @property
    def todo(self) -> int:
        return self.places.count(TODO)

    @property
    def rows_at_issue(self) -> int:
        """Finished, bad or to do."""
        return len(self.places) - self.places.count(LEFT_OUT)

    def end_of_first_prompts(self, number: int) -> int:
        """The position after the last of the first ``number`` prompts of the input."""
        return max(self._first_prompts(number), default=-1) + 1

    def may_lack_first_prompts(self, number: int, limit: int) -> bool:
        """Whether some of the first ``number`` prompts of the input may stand beyond ``limit``."""
        first = self._first_prompts(number)
        unread = len(first) < number and len(self.places) >= limit
        return unread or any(self.places[position] == LEFT_OUT for position in first)

    def _first_prompts(self, number: int) -> list[int]:
        places = enumerate(self.places)
        prompts = (position for position, place in places if place >= TODO or place == LEFT_OUT)
        return list(islice(prompts, number))

    def rows(self) -> Iterator[int | bytes]:
        """The place of each finished row, or the line of an input skip, in input order."""
        for place in self.places:
            if place >= 0:
                yield place
            elif place not in {TODO, LEFT_OUT}:
                self.skips.seek(TODO - 1 - place)
                yield self.skips.readline()

    def add_skip(self, skip: Skip) -> None:
        """A bad row of the input, the next one in its order."""
        self.add_skip_line(skip.model_dump_json().encode() + b"\n", skip.reason)

    def add_skip_line(self, line: bytes, reason: str) -> None:
        self.places.append(TODO - 1 - self.skips.tell())
        self.digests.append(0)
        try:
            self.skips.write(line)
        except OSError as error:
            raise StoreError(f"no room for temporary files in {gettempdir()}: {error}") from error
        self.tally.prompts += 1
        self.tally.skips[reason] += 1

    def add_prompt(
        self, digest: int, entry: Entry | None, *, may_begin: bool, redo: frozenset[SkipReason]
    ) -> None:
        """The next row, a prompt that is finished with ``entry``, to do, or left out."""
        self.digests.append(digest)
        if entry is None:
            self.places.append(TODO if may_begin else LEFT_OUT)
        elif may_begin and (entry.skip in redo or (entry.stale and entry.skip in _WAITING)):
            self.places.append(TODO)
        else:
            self._add_finished(entry)

    def _add_finished(self, entry: Entry) -> None:
        if entry.provisional:
            self.provisional.append(len(self.places))
        if entry.stale and (entry.skip is None or SkipReason(entry.skip).was_ranked):
            self.stale.append(len(self.places))
        self.places.append(entry.offset)
        self.tally.add(entry)


def plan_work(  # noqa: PLR0913 (all that decides what is to be done)
    config: PromptsConfig,
    checks: RowChecks,
    *,
    folder: Path,
    finished: FinishedPrompts,
    limit: int | None,
    covered: int = 0,
    accept_changes: bool,
    redo: frozenset[SkipReason] = frozenset(),
    judged_elsewhere: Collection[str] = (),
    known: KnownInput | None = None,
    ids_of: Callable[[Collection[int]], Sequence[str]] = lambda _: (),
) -> Worklist:
    """Read the input once, or not at all where it is ``known``. The caller closes ``skips``.

    Only prompts among the first ``limit`` rows are to do. What is ``finished`` after them stays
    finished, and the bad rows among the first ``covered`` stay listed, as an earlier start left
    both. ``judged_elsewhere``: ids of prompts. ``ids_of``: of finished prompts, by key. Raises
    ConfigError where rows that ``folder`` has done already were changed or removed, unless
    ``accept_changes``, or a model cannot take a row; InputError where the input cannot be read.
    """
    recalled = _recalled(known, finished, redo, judged_elsewhere)
    if recalled is not None:
        return recalled
    work, changed, ids = Worklist(), dict[int, str](), array("Q")
    seen, all_rows, unknown = 0, hashlib.sha256(), set(judged_elsewhere)
    least = None if limit is None else max(limit, covered)
    noticed, most, entries = Noticed(), None if len(finished) else least, _Entries(finished, redo)
    rows = read_clean_prompts(config, checks, limit=most, is_done=entries.is_done, noticed=noticed)
    for position, row in enumerate(rows):
        if isinstance(row, Skip):
            work.add_skip(row)
            ids.append(0)
            all_rows.update(row.reason.encode())
        else:
            all_rows.update(row.digest.encode())
            unknown.discard(row.id)
            digest = short_digest(row.digest)
            entry = entries.of(row.id)
            seen += entry is not None and not entry.removed
            if entry is not None and entry.digest != digest:
                if not entry.removed:
                    changed[prompt_key(row.id)] = f"`{row.id}` ({place_of(row)})"
                entry = None
            may_begin = limit is None or position < limit
            work.add_prompt(digest, entry, may_begin=may_begin, redo=redo)
            ids.append(prompt_key(row.id))
        if least is not None and position + 1 >= least and seen == len(finished):
            break
    work.fingerprint, work.losses = all_rows.hexdigest(), noticed.losses()
    work.unknown = [] if least is not None else sorted(unknown)
    gone = finished.keys_beside(ids) if seen < len(finished) else frozenset()
    if (changed or gone) and not accept_changes:
        raise _differ(folder, changed.values(), len(gone), ids_of(gone))
    work.removed = gone | changed.keys()
    if known is not None:
        known.keep(ids, work.digests, work.skips, fingerprint=work.fingerprint, noticed=noticed)
    return work


class _Entries:
    """Looks each finished prompt up once, although it is asked about twice in a row."""

    def __init__(self, finished: FinishedPrompts, redo: frozenset[SkipReason]) -> None:
        self._finished, self._redo = finished, redo
        self._last: tuple[str, Entry | None] = "", None

    def is_done(self, prompt: Prompt) -> bool:
        entry = self._finished.get(prompt.id)
        self._last = prompt.id, entry
        if entry is None or entry.digest != short_digest(prompt.digest):
            return False
        return entry.skip not in self._redo

    def of(self, prompt_id: str) -> Entry | None:
        last_id, entry = self._last
        return entry if last_id == prompt_id else self._finished.get(prompt_id)


def _recalled(
    known: KnownInput | None,
    finished: FinishedPrompts,
    redo: frozenset[SkipReason],
    judged_elsewhere: Collection[str],
) -> Worklist | None:
    """None where the input has to be read."""
    if known is None:
        return None
    with known.rows() as rows:
        return None if rows is None else _of_known(rows, finished, redo, judged_elsewhere)


def _of_known(
    rows: KnownRows,
    finished: FinishedPrompts,
    redo: frozenset[SkipReason],
    judged_elsewhere: Collection[str],
) -> Worklist | None:
    """None where what is finished is of other rows: reading them tells which."""
    work, seen = Worklist(fingerprint=rows.fingerprint, losses=rows.losses), 0
    unknown = {prompt_key(prompt_id): prompt_id for prompt_id in judged_elsewhere}
    for key, digest in zip(rows.ids, rows.digests, strict=True):
        if not digest:
            line = rows.skips.readline()
            work.add_skip_line(line, json.loads(line)["reason"])
            continue
        entry = finished.with_key(key)
        if entry is not None:
            seen += not entry.removed
            if entry.digest != digest:
                break
        unknown.pop(key, None)
        work.add_prompt(digest, entry, may_begin=True, redo=redo)
    if len(work.places) < len(rows.ids) or seen != len(finished):
        work.skips.close()
        return None
    work.unknown = sorted(unknown.values())
    return work


def _differ(
    folder: Path, changed: Collection[str], number: int, removed: Sequence[str]
) -> ConfigError:
    parts = [f"changed: {listed(changed, most=_NAMED)}"] if changed else []
    if number:
        names = listed(map(quotable, removed), _NAMED, mark="`")
        parts.append(f"removed: {counted(number, 'row')}{names and f' ({names})'}")
    return ConfigError(
        f"the prompts differ from those that {folder} was made with ({'; '.join(parts)}). "
        "Use another folder (--out; in Python out=), or --force (force=True) to do changed "
        "rows again and drop removed ones."
    )


def remaining(
    config: PromptsConfig, checks: RowChecks, work: Worklist, *, limit: int | None
) -> Iterator[tuple[int, Prompt | Skip]]:
    """Position and row of everything that is still to do; a changed row comes as a skip.

    What is done is passed over unread. Only ids of kept copies depend on the rows before them.
    """
    places, read_all = work.places, config.duplicate_prompts == "keep"
    at = 0

    def wanted(position: int) -> bool:
        nonlocal at
        at = position
        return read_all or position >= len(places) or places[position] == TODO

    done = 0
    for row in read_prompts(config, checks, limit=limit, wanted=wanted):
        position, done = at, at + 1
        if position >= len(places):
            return
        if places[position] != TODO:
            continue
        if isinstance(row, Prompt) and short_digest(row.digest) == work.digests[position]:
            yield position, row
            continue
        prompt_id = row.id if isinstance(row, Prompt) else row.prompt_id
        yield position, _changed(prompt_id, row.line, "changed")
    for position in range(done, len(places)):
        if places[position] == TODO:
            yield position, _changed(f"row-{position + 1}", position + 1, "went away")


def _changed(prompt_id: str, line: int, what: str) -> Skip:
    detail = f"the row {what} while the run was going on; start the same command again"
    reason = SkipReason.CHANGED_DURING_RUN
    return Skip(prompt_id=prompt_id, line=line, reason=reason, detail=detail)
