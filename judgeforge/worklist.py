"""What is to be done: the input is read once before any money is spent.

Of each row only its digest and the place of its result are kept (16 bytes).
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from judgeforge.config import PromptsConfig
from judgeforge.errors import ConfigError
from judgeforge.records import Prompt, Skip, SkipReason
from judgeforge.sources import RowChecks, read_prompts
from judgeforge.store.journal import Entry

TODO = -1


@dataclass(slots=True)
class Worklist:
    """``places[i]``: where row i's result is in the journal, TODO, or an input skip (< TODO)."""

    places: array[int] = field(default_factory=lambda: array("q"))
    digests: array[int] = field(default_factory=lambda: array("Q"))
    skips: bytearray = field(default_factory=bytearray)
    """The lines of the input's bad rows, one after another."""
    skip_reasons: Counter[str] = field(default_factory=Counter)
    fingerprint: str = ""
    finished: list[Entry] = field(default_factory=list)

    @property
    def todo(self) -> int:
        return self.places.count(TODO)

    def rows(self) -> Iterator[int | bytes]:
        """The place of each finished row, or the line of an input skip, in input order."""
        for place in self.places:
            if place >= 0:
                yield place
            elif place < TODO:
                start = TODO - 1 - place
                yield bytes(self.skips[start : self.skips.index(b"\n", start) + 1])


def short(digest: str) -> int:
    """The first 8 bytes of a hexadecimal digest."""
    return int(digest[:16], 16)


def plan_work(
    config: PromptsConfig,
    checks: RowChecks,
    *,
    finished: dict[str, Entry],
    limit: int | None,
    accept_changes: bool,
    redo: frozenset[SkipReason] = frozenset(),
) -> Worklist:
    """Read the whole input once.

    Raises ConfigError where rows that are already done were changed or removed, unless
    ``accept_changes``; InputError where the input cannot be read.
    """
    work, changed = Worklist(), list[str]()
    seen, all_rows = 0, hashlib.sha256()
    for row in read_prompts(config, checks, limit=limit):
        if isinstance(row, Skip):
            _add_skip(work, row)
            all_rows.update(row.reason.encode())
            continue
        all_rows.update(row.digest.encode())
        work.digests.append(short(row.digest))
        entry = finished.get(row.id)
        if entry is None:
            work.places.append(TODO)
            continue
        seen += 1
        if entry.digest != row.digest:
            changed.append(f"`{row.id}` (line {row.line})")
        if entry.digest != row.digest or entry.skip in redo:
            work.places.append(TODO)
            continue
        work.places.append(entry.offset)
        work.finished.append(entry)
    work.fingerprint = all_rows.hexdigest()
    removed = len(finished) - seen if limit is None else 0
    if (changed or removed) and not accept_changes:
        raise ConfigError(_difference(changed, removed))
    return work


def _add_skip(work: Worklist, skip: Skip) -> None:
    work.places.append(TODO - 1 - len(work.skips))
    work.digests.append(0)
    work.skips += skip.model_dump_json().encode() + b"\n"
    work.skip_reasons[skip.reason] += 1


def _difference(changed: list[str], removed: int) -> str:
    parts = []
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        parts.append(f"changed: {', '.join(changed[:3])}{more}")
    if removed:
        parts.append(f"removed: {removed} row(s)")
    return (
        f"the prompts differ from those this folder was made with ({'; '.join(parts)}). "
        "Use another --out, or --force to do changed rows again and drop removed ones."
    )


def remaining(
    config: PromptsConfig, checks: RowChecks, work: Worklist, *, limit: int | None
) -> Iterator[tuple[int, Prompt | Skip]]:
    """Position and row of everything that is still to do; a changed row comes as a skip."""
    for position, row in enumerate(read_prompts(config, checks, limit=limit)):
        if position >= len(work.places):
            return
        if work.places[position] != TODO:
            continue
        if isinstance(row, Prompt) and short(row.digest) == work.digests[position]:
            yield position, row
            continue
        reason = SkipReason.CHANGED_DURING_RUN
        detail = "the row changed while the run was going on; start the same command again"
        prompt_id = row.id if isinstance(row, Prompt) else row.prompt_id
        yield position, Skip(prompt_id=prompt_id, line=row.line, reason=reason, detail=detail)
