"""The journal as the results show it: with the best pairs of the whole run, where only these count.

The journal keeps every pair, and beside the pairs of a prompt the skip that it ends with if none of
them is among the best. So which are the best is decided anew whenever results are written: after a
kill, with more rows, and with nothing paid or ranked again.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from judgeforge.ranking.rules import BestRule
from judgeforge.records import SkipReason
from judgeforge.store.audited_pairs import AuditedPairs
from judgeforge.store.journal import Tally

_Key = tuple[float, float, str]
_FIELDS = {"confidence": ("confidence", "score_margin"), "margin": ("score_margin", "confidence")}


class BestPairs:
    """``rows``: as for ``RunFolder.write_results``. ``rule`` None keeps all pairs."""

    def __init__(
        self, audited: AuditedPairs, rows: Iterable[int | bytes], rule: BestRule | None
    ) -> None:
        self._audited, self._rule = audited, rule
        self._least: _Key | None = None
        self._left_out = Tally()
        if rule is not None:
            self._choose([row for row in rows if isinstance(row, int)], rule)

    def lines(self, offset: int) -> dict[str, list[bytes]]:
        """Those of the record at ``offset`` that count: pairs or one skip. Raises StoreError on
        damage."""
        lines = self._audited.lines(offset)
        if not lines["pairs"]:
            return lines
        kept = [line for line in lines["pairs"] if self._is_kept(line)]
        return lines | ({"pairs": kept, "skips": []} if kept else {"pairs": []})

    def count(self, tally: Tally) -> Tally:
        """What the results have of what the journal has."""
        tally = self._audited.count(tally)
        skips = Counter(tally.skips)
        skips.update(self._left_out.skips)
        return Tally(tally.prompts, tally.pairs - self._left_out.pairs, skips)

    def _is_kept(self, line: bytes) -> bool:
        return self._rule is None or self._least is None or _key(line, self._rule) >= self._least

    def _choose(self, offsets: list[int], rule: BestRule) -> None:
        best = heapq.nlargest(rule.pairs, self._keys(offsets, rule))
        if len(best) == rule.pairs:
            self._least = best[-1]
        for offset in offsets:
            before, now = self._audited.pairs_at(offset), self.lines(offset)["pairs"]
            self._left_out.pairs += before - len(now)
            if before and not now:
                self._left_out.skips[SkipReason.NOT_AMONG_BEST] += 1

    def _keys(self, offsets: Iterable[int], rule: BestRule) -> Iterator[_Key]:
        for offset in offsets:
            for line in self._audited.lines(offset)["pairs"]:
                yield _key(line, rule)


def _key(line: bytes, rule: BestRule) -> _Key:
    """Ids decide between equal pairs, so that the order of rows decides nothing."""
    row = json.loads(line)
    first, second = _FIELDS[rule.by]
    return row[first], row[second], row["id"]
