"""How often judges judged completions of their own model family, from the finished judgments."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from judgeforge.store.json_lines import read_rows

_SOME = b'"own_family":["'


def count_own_family(judgments: Path) -> dict[str, int]:
    """Judge -> judgments that saw a completion of its own family. Raises StoreError."""
    counted = Counter(
        str(row["judge"]) for row in read_rows(judgments, needs="judge", containing=_SOME)
    )
    return dict(sorted(counted.items()))
