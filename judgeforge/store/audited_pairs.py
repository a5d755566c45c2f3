"""The journal as the results show it: pairs by design with what the audit of the whole run says.

A pair that nobody judged is finished before it is known how often such pairs are right. So the
journal keeps it without that, beside the skip that its prompt ends with where the audit does not
show that its chosen side is better; and what the audit says is worked out anew whenever results are
written: after a kill, with more rows, and with nothing paid again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from judgeforge.ranking.pairing.audit import Audit, AuditedPair, AuditFigure
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import SkipReason
from judgeforge.store.journal import Journal, Tally

Lines = dict[str, list[bytes]]
NOT_MEASURED: Mapping[str, int | None] = {"pairs": 0, "better": None, "low": None, "high": None}
"""Beside ``judged``, in the `audit` of a pair: how many pairs of its writers were judged, how often
such a pair is right, and the interval of that."""


class AuditedPairs:
    """``rows``: as for ``RunFolder.write_results``."""

    def __init__(self, journal: Journal, rows: Iterable[int | bytes], rules: PairingRules) -> None:
        self._journal, self._rules = journal, rules
        self._turned = Tally()
        """Of the prompts whose pair is not given: the pairs, and the reasons."""
        self.audit: Audit | None = None
        if rules.audits:
            offsets = [row for row in rows if isinstance(row, int)]
            self.audit = Audit(self._judged(offsets))
            self._count(offsets)

    def lines(self, offset: int) -> Lines:
        """Those of the record at ``offset``, as the audit has it. Raises StoreError on damage."""
        lines = self._journal.lines(offset)
        if self.audit is None or not lines["pairs"]:
            return lines
        row = json.loads(lines["pairs"][0])
        figure = self.audit.of((row["chosen_model"], row["rejected_model"]))
        reason = None if row["audit"]["judged"] else self._refused(figure)
        skips = [json.loads(line) for line in lines["skips"]]
        if reason is not None:
            skip = next(one for one in skips if one["reason"] == SkipReason.NOT_SHOWN_BETTER)
            skip |= {"reason": reason, "detail": self._detail(reason, figure)}
            return lines | {"pairs": [], "skips": [_line(skip)]}
        others = [one for one in skips if one["reason"] != SkipReason.NOT_SHOWN_BETTER]
        for one in others:
            one["detail"] = one["detail"] or (
                f"the confidence of its pair is {figure.better:.3f}, and best keeps the pairs of "
                "the run with the highest"
            )
        return lines | {"pairs": [_line(_shown(row, figure))], "skips": [*map(_line, others)]}

    def pairs_at(self, offset: int) -> int:
        return len(self.lines(offset)["pairs"]) if self.audit else self._journal.entry(offset).pairs

    def count(self, tally: Tally) -> Tally:
        """What the results have of what the journal has."""
        skips = Counter(tally.skips)
        skips.update(self._turned.skips)
        return Tally(tally.prompts, tally.pairs - self._turned.pairs, skips)

    def figures(self) -> list[AuditFigure]:
        """Of all pairs by design first, then by writers; none where nothing was audited."""
        return [] if self.audit is None else [self.audit.all, *self.audit.figures()]

    def _judged(self, offsets: Iterable[int]) -> Iterator[AuditedPair]:
        for offset in offsets:
            yield from judged_in(self._journal.lines(offset))

    def _count(self, offsets: Iterable[int]) -> None:
        for offset in offsets:
            before, now = self._journal.entry(offset).pairs, self.lines(offset)
            if before and not now["pairs"]:
                self._turned.pairs += before
                self._turned.skips[json.loads(now["skips"][0])["reason"]] += 1

    def _refused(self, figure: AuditFigure) -> SkipReason | None:
        if not figure.holds:
            return SkipReason.NOT_SHOWN_BETTER
        too_low = figure.better < self._rules.min_confidence
        return SkipReason.BELOW_CONFIDENCE if too_low else None

    def _detail(self, reason: SkipReason, figure: AuditFigure) -> str:
        told = (
            f"by {figure.pairs} judged pairs of {figure.chosen_model} over "
            f"{figure.rejected_model}, chosen is better with a probability of {figure.better:.2f} "
            f"({figure.low:.2f} to {figure.high:.2f})"
        )
        if reason is SkipReason.BELOW_CONFIDENCE:
            return f"{told}; min_confidence is {self._rules.min_confidence:g}"
        return f"{told}, which is not surely more than half"


def judged_in(lines: Mapping[str, Sequence[bytes] | Sequence[str]]) -> Iterator[AuditedPair]:
    """``lines``: those of one prompt, which may have been judged for the audit."""
    for line in lines["pairs"]:
        row = json.loads(line)
        if (row.get("audit") or {}).get("judged"):
            yield _judged_pair(row)
    for line in lines["skips"]:
        if found := json.loads(line).get("audit"):
            yield AuditedPair.model_validate(found)


def _judged_pair(row: Mapping[str, Any]) -> AuditedPair:
    return AuditedPair(
        better=row["confidence"],
        tie=row["p_tie"] or 0.0,
        **{
            name: row[name]
            for name in ("chosen_model", "rejected_model", "score_chosen", "score_rejected")
        },
    )


def _shown(row: dict[str, Any], figure: AuditFigure) -> dict[str, Any]:
    """A judged pair keeps what its own judgments say."""
    judged = row["audit"]["judged"]
    audit = {
        "judged": judged,
        "pairs": figure.pairs,
        "better": figure.better,
        "low": figure.low,
        "high": figure.high,
    }
    if judged:
        return row | {"audit": audit}
    return row | {
        "score_chosen": figure.score_chosen,
        "score_rejected": figure.score_rejected,
        "score_margin": max(0.0, figure.score_chosen - figure.score_rejected),
        "confidence": figure.better,
        "p_tie": figure.tie,
        "audit": audit,
    }


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
