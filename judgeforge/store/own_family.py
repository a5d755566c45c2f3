"""How often judges judged completions of their own model family, from the finished judgments."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from judgeforge.errors import StoreError

_NONE = b'"own_family":[]'


def count_own_family(judgments: Path) -> dict[str, int]:
    """Judge -> judgments that saw a completion of its own family. Raises StoreError."""
    counted: Counter[str] = Counter()
    try:
        with judgments.open("rb") as lines:
            counted.update(json.loads(line)["judge"] for line in lines if _NONE not in line)
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{judgments}: cannot be read: {error}") from error
    return dict(sorted(counted.items()))
