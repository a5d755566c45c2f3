"""How strictly the product's own readers read recorded replies of judges.

``python benchmarks/judging_replies.py FOLDER`` prints the rows; ``measure`` gives them to others.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from judgeforge.judging.replies.in_words import (
    RATING_FORMS,
    VERDICT_FORMS,
    read_rating,
    read_verdict,
)
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.probabilities import label_probabilities

FILE = "judge_replies.jsonl.gz"
_Z95 = 1.959963984540054
_RECORDED = {"a": "first", "b": "second", "tie": "tie"}
_RATING_SCALE = 10
_PROBABILITY_TOLERANCE = 1e-5
"""Recorded probabilities have five digits."""


@dataclass(frozen=True, slots=True)
class FormatRow:
    """Shares are of ``recorded`` replies with a verdict and ``null`` replies without one."""

    format: str
    recorded: int
    as_recorded: int
    as_recorded_ci: tuple[float, float]
    null: int
    left_unread: int
    left_unread_ci: tuple[float, float]

    @property
    def share_as_recorded(self) -> float:
        return self.as_recorded / self.recorded if self.recorded else math.nan

    @property
    def share_left_unread(self) -> float:
        return self.left_unread / self.null if self.null else math.nan


def _verdict(form: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: _RECORDED[VERDICT_FORMS[form].read(row["reply"]).verdict]


def _rating(form: str) -> Callable[[Mapping[str, Any]], float]:
    def read(row: Mapping[str, Any]) -> float:
        rating = RATING_FORMS[form].read(row["reply"])
        read_rating(row["reply"], _RATING_SCALE)  # what the product does with it
        return rating

    return read


def _probability_of_first(row: Mapping[str, Any]) -> float:
    return label_probabilities(((t, p) for t, p in row["top_logprobs"]), ["m", "M"])["m"]


_READERS: Mapping[str, Callable[[Mapping[str, Any]], str | float]] = {
    "Output (a)/(b) bare": _verdict("output_label"),
    "Output (a)/(b) with explanation": _verdict("output_conclusion"),
    "[[A>>B]] arena-hard": _verdict("bracketed_comparison"),
    "[[A]]/[[B]]/[[C]]": _verdict("bracketed_letter"),
    "Choice: A/B/C/D then Reason": _verdict("choice"),
    "function-call JSON with ordered_models (m, M)": _verdict("ordered_models"),
    "Rating: [[n]]": _rating("bracketed_rating"),
    "JSON strengths/weaknesses/score": _rating("weighed_score"),
    "one token with top_logprobs (m = first shown, M = second shown)": _probability_of_first,
}


_ANY_FORM: Mapping[str, Callable[[Mapping[str, Any]], str | float]] = {
    "pairwise": lambda row: _RECORDED[read_verdict(row["reply"]).verdict],
    "score": _rating("bracketed_rating"),
    "logprobs": _probability_of_first,
}
"""For formats that are not known by name, by the kind of reply."""


def measure(data: Path) -> list[FormatRow]:
    """One row a format, sorted by name. Raises FileNotFoundError where ``data`` has no replies."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in _rows(data / FILE):
        tally = counts[row["format"]]
        read = _read(row)
        if row["truth"] is None:
            tally[2] += 1
            tally[3] += read is None
        else:
            tally[0] += 1
            tally[1] += _same(read, row["truth"])
    return [
        FormatRow(name, n, right, wilson(right, n), null, unread, wilson(unread, null))
        for name, (n, right, null, unread) in sorted(counts.items())
    ]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; 0 to 1 without trials."""
    if not trials:
        return 0.0, 1.0
    share, z2 = successes / trials, _Z95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = share * (1 - share) / trials + z2 / (4 * trials**2)
    half = _Z95 * math.sqrt(spread) / (1 + z2 / trials)
    low = centre - half if successes else 0.0
    return low, centre + half if successes < trials else 1.0


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _read(row: Mapping[str, Any]) -> str | float | None:
    try:
        return _READERS.get(row["format"], _ANY_FORM[row["kind"]])(row)
    except UnreadableReplyError:
        return None


def _same(read: str | float | None, recorded: str | float) -> bool:
    if isinstance(read, float) and not isinstance(recorded, str):
        return abs(read - recorded) <= _PROBABILITY_TOLERANCE
    return read == recorded


def main() -> None:
    for row in measure(Path(sys.argv[1])):
        print(json.dumps(asdict(row)))


if __name__ == "__main__":
    main()
