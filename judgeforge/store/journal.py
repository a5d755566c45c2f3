"""Finished prompts in the order in which they finish; kill -9 loses none and leaves no half one.

A record is a header line (JSON) followed by ``bytes`` bytes of finished output lines, so that
the files of the run folder are put together without reading any JSON again.
"""

from __future__ import annotations

import json
import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from judgeforge.errors import StoreError
from judgeforge.records import SkipReason
from judgeforge.store.durable_files import AppendedFile
from judgeforge.store.finished_prompt import FILES, FinishedPrompt
from judgeforge.store.on_disk import doubtful_from
from judgeforge.text.prompt_keys import prompt_key

FORMAT = 1
"""Records without a number are of the first format as well."""
_USUAL_RECORD = 8192


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a finished prompt is, and what is needed without reading it."""

    offset: int
    digest: int
    """See ``short_digest``."""
    pairs: int
    skip: str | None
    provisional: bool = False
    """Ranked before all prompts were judged that the judges are learnt from: see ``FrozenFit``."""
    again: bool = False
    """A prompt that was finished before and is ranked again, in the place of that record."""
    judgments: int = 0
    """``short_digest`` of what had been judged elsewhere then; 0 where nothing was."""
    stale: bool = False
    """Judged elsewhere in another way by now, so that it is to be ranked again."""
    removed: bool = False
    """Its row was changed or removed, and that was accepted; it counts where the row comes back."""


def short_digest(digest: str) -> int:
    """The first 8 bytes of a hexadecimal digest; 0 where there is none."""
    return int(digest[:16], 16) if digest else 0


class Journal:
    """Raises StoreError when the file cannot be read or written.

    ``read_only`` changes nothing, not even a torn end, which is left out. Otherwise all records are
    looked at once, for that end, and ``found`` is told of each whole one, oldest first.
    """

    def __init__(
        self,
        file: Path,
        *,
        read_only: bool = False,
        found: Callable[[str, Entry], None] = lambda *_: None,
    ) -> None:
        self._file = AppendedFile(file, read_only=read_only)
        self.sent = 0
        """How many calls the folder had sent when its last prompt was finished, as far as the
        records say and known only where it is not ``read_only``."""
        if not read_only:
            self._cut_torn_tail(found)

    @property
    def size(self) -> int:
        """Bytes of whole records."""
        return self._file.end

    def append(
        self,
        finished: FinishedPrompt,
        *,
        provisional: bool = False,
        again: bool = False,
        judgments: str = "",
        sent: int = 0,
        removed: bool = False,
    ) -> Entry:
        """``sent``: how many calls the folder has sent so far."""
        body = "".join([f"{line}\n" for name in FILES for line in finished.lines[name]]).encode()
        header = {
            "format": FORMAT,
            "id": finished.prompt_id,
            "digest": finished.digest,
            "lines": [len(finished.lines[name]) for name in FILES],
            "skip": finished.skip_reason,
            "provisional": provisional,
            "again": again,
            **({"judgments": judgments} if judgments else {}),
            **({"removed": True} if removed else {}),
            "sent": sent,
            "bytes": len(body),
            "checksum": zlib.crc32(body),
        }
        offset = self._file.append(json.dumps(header).encode() + b"\n" + body)
        return _entry(offset, header)

    def remove(self, keys: Collection[int]) -> None:
        """Note that the rows of prompts with these keys are gone, as the user has accepted."""
        nothing, why = dict.fromkeys(FILES, ()), SkipReason.CHANGED_DURING_RUN
        for one in self.ids(keys):
            self.append(FinishedPrompt(one, "", nothing, why), removed=True)

    def ids(self, keys: Collection[int]) -> list[str]:
        return list({one: None for one, _ in self.entries() if prompt_key(one) in keys})

    def entries(self, start: int = 0) -> Iterator[tuple[str, Entry]]:
        """Prompt id and entry of every record, oldest first; a later one replaces an earlier.

        ``start``: the offset of the first one.
        """
        for offset, header, _ in self._records(start):
            yield header["id"], _entry(offset, header)

    def entry(self, offset: int) -> Entry:
        """The entry of the record at ``offset``."""
        return _entry(offset, self._header(offset)[0])

    def lines(self, offset: int) -> dict[str, list[bytes]]:
        """The output lines of the record at ``offset``, by file. Raises StoreError on damage."""
        header, body, is_whole = self._record(offset)
        if not is_whole:
            raise self._damaged(offset)
        rows = iter(body.splitlines(keepends=True))
        return {n: list(islice(rows, k)) for n, k in zip(FILES, header["lines"], strict=True)}

    def close(self) -> None:
        self._file.close()

    def _record(self, offset: int) -> tuple[dict[str, Any], bytes, bool]:
        header, start, body = self._header(offset)
        if (lacks := header["bytes"] - len(body)) > 0:
            body += self._file.read(lacks, start + len(body))
        return header, body, zlib.crc32(body) == int(header["checksum"])

    def _header(self, offset: int) -> tuple[dict[str, Any], int, bytes]:
        """With where the lines begin, and those that were read by the way."""
        chunk = b""
        while b"\n" not in chunk:
            more = self._file.read(_USUAL_RECORD, offset + len(chunk))
            if not more:
                raise EOFError
            chunk += more
        begin = chunk.index(b"\n") + 1
        header = from_json(chunk[:begin])
        if not isinstance(header, dict):
            raise ValueError("a header is an object")
        if header.get("format", 1) > FORMAT:
            raise StoreError(
                f"{self._file.path}: written by a newer judgeforge (format {header['format']}, "
                f"this one knows {FORMAT}). Upgrade judgeforge or use another folder."
            )
        return header, offset + begin, chunk[begin : begin + header["bytes"]]

    def _records(self, start: int = 0) -> Iterator[tuple[int, dict[str, Any], int]]:
        offset, size = start, self._file.end
        while offset < size:
            try:
                header, body, _ = self._header(offset)
                end = body + header["bytes"]
            except (EOFError, ValueError, KeyError, TypeError):
                return
            if end > size:
                return
            yield offset, header, end
            offset = end

    def _cut_torn_tail(self, found: Callable[[str, Entry], None]) -> None:
        """Only the last record can be torn: each is written by one call, one after another. After a
        power cut any of those may be that were not on the disk for certain."""
        doubtful = doubtful_from(self._file.path)
        end, last = 0, None
        for offset, header, stop in self._records():
            if doubtful is not None and stop > doubtful and not self._record(offset)[2]:
                break
            if last is not None:
                found(last[1]["id"], _entry(*last))
            end, last = stop, (offset, header)
            self.sent = max(self.sent, header.get("sent", 0))
        if last is not None and not self._record(last[0])[2]:
            end = last[0]
        elif last is not None:
            found(last[1]["id"], _entry(*last))
        if self._file.end > end:
            if doubtful is None or end < doubtful:
                self._refuse_lost_records(end)
            self._file.cut(end)

    def _refuse_lost_records(self, end: int) -> None:
        """Only one record can be torn; whole records after it mean damage, not a kill."""
        tail = self._file.read(self._file.end - end, end)
        later = [
            line for line in tail.split(b"\n")[1:] if line.startswith((b'{"format": ', b'{"id": '))
        ]
        if any(b'"checksum": ' in line for line in later):
            raise self._damaged(end)

    def _damaged(self, offset: int) -> StoreError:
        return StoreError(
            f"{self._file.path}: damaged at byte {offset}. Nothing is overwritten: copy the "
            "folder, then cut the file there (the replies are in the cache and cost nothing again)."
        )


def _entry(offset: int, header: dict[str, Any]) -> Entry:
    return Entry(
        offset=offset,
        digest=short_digest(header["digest"]),
        pairs=header["lines"][0],
        skip=header["skip"],
        provisional=header.get("provisional", False),
        again=header.get("again", False),
        judgments=short_digest(header.get("judgments", "")),
        removed=header.get("removed", False),
    )


@dataclass(slots=True)
class Tally:
    """Counts over entries."""

    prompts: int = 0
    pairs: int = 0
    skips: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        self.prompts += 1
        self.pairs += entry.pairs
        if entry.skip is not None:
            self.skips[entry.skip] += 1

    def remove(self, entry: Entry) -> None:
        self.prompts -= 1
        self.pairs -= entry.pairs
        if entry.skip is not None:
            self.skips[entry.skip] -= 1
            self.skips += Counter()  # what is at zero goes


_NO_SKIP = ""
_REASONS = (_NO_SKIP, *SkipReason)
_RANKED = frozenset(
    place for place, reason in enumerate(_REASONS) if not reason or SkipReason(reason).was_ranked
)
_UNFINISHED = _REASONS.index(SkipReason.CHANGED_DURING_RUN)
"""Its detail tells the user to start again, so the next start does it."""


class FinishedPrompts:
    """The finished prompts of a folder by their id, in flat arrays: 23 bytes a prompt, where a
    dictionary of entries would take some 400."""

    def __init__(self, entries: Iterable[tuple[str, Entry]] = (), *, judgments: str = "") -> None:
        """Of several entries with one id the last counts; a row that changed is not finished.
        ``judgments``: the digest of what is judged elsewhere now."""
        self._current = short_digest(judgments)
        self._found, self._offsets, self._digests = array("Q"), array("q"), array("Q")
        self._pairs, self._skips, self._provisional = array("I"), bytearray(), bytearray()
        self._stale, self._removed = bytearray(), set[int]()
        self._keys, self._rows = array("Q"), array("I")
        for prompt_id, entry in entries:
            self.add(prompt_id, entry)

    def add(self, prompt_id: str, entry: Entry) -> None:
        """The next entry; all of them come before the first look at what is finished."""
        if self._keys:
            raise ValueError("entries are added before anything is looked up")
        key = prompt_key(prompt_id)
        if entry.removed:
            self._removed.add(key)
            return
        self._removed.discard(key)
        self._found.append(key)
        self._offsets.append(entry.offset)
        self._digests.append(entry.digest)
        self._pairs.append(entry.pairs)
        self._skips.append(_REASONS.index(entry.skip or _NO_SKIP))
        self._provisional.append(entry.provisional)
        self._stale.append(entry.judgments != self._current)

    def __len__(self) -> int:
        """Without those whose rows are known to be gone."""
        self._sort()
        return len(self._keys) - len(self._removed)

    def get(self, prompt_id: str) -> Entry | None:
        return self.with_key(prompt_key(prompt_id)) if self._found or self._keys else None

    def with_key(self, key: int) -> Entry | None:
        """``key``: the ``prompt_key`` of the id."""
        self._sort()
        place = bisect_left(self._keys, key)
        if place == len(self._keys) or self._keys[place] != key:
            return None
        row = self._rows[place]
        return Entry(
            offset=self._offsets[row],
            digest=self._digests[row],
            pairs=self._pairs[row],
            skip=_REASONS[self._skips[row]] or None,
            provisional=bool(self._provisional[row]),
            stale=bool(self._stale[row]),
            removed=key in self._removed,
        )

    def keys_beside(self, others: Iterable[int]) -> frozenset[int]:
        """Of those that ``len`` counts, without ``others``."""
        self._sort()
        return frozenset(self._keys).difference(others, self._removed)

    @property
    def any_ranked(self) -> bool:
        """Whether anything was judged: other judges could not be asked without doing it again."""
        return any(skip in _RANKED for skip in set(self._skips))

    def _sort(self) -> None:
        if self._found:
            self._keys, self._rows = _sorted(self._found, self._skips)
            self._found = array("Q")


def _sorted(keys: array[int], skips: bytearray) -> tuple[array[int], array[int]]:
    """The keys in order, each once, and which row each one stands for: its last."""
    import numpy as np

    if not keys:
        return array("Q"), array("I")
    values = np.frombuffer(keys, dtype=np.uint64)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    kept = np.append(ordered[1:] != ordered[:-1], True)
    kept &= np.frombuffer(skips, dtype=np.uint8)[order] != _UNFINISHED
    return array("Q", ordered[kept].tobytes()), array("I", order[kept].astype(np.uint32).tobytes())
