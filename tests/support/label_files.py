"""Label files for the local server, whose judges read the hidden quality of a completion."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any


def pair_rows(number: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """The better completion stands in either place; how far apart they are differs."""
    drawn = random.Random(seed)
    return [_pair(i, drawn) for i in range(number)]


def _pair(number: int, drawn: random.Random) -> dict[str, Any]:
    low = drawn.uniform(0.1, 0.8)
    high = low + drawn.uniform(0.02, 0.2)
    a, b = (high, low) if drawn.random() < 0.5 else (low, high)
    return {
        "id": f"l{number}",
        "prompt": f"Question {number}?",
        "a": f"[quality={a:.4f}] an answer to {number}",
        "b": f"[quality={b:.4f}] another answer to {number}, in more words",
        "label": "a" if a > b else "b",
    }


def best_rows(number: int, *, seed: int = 0) -> list[dict[str, Any]]:
    drawn = random.Random(seed)
    found = []
    for i in range(number):
        qualities = [drawn.uniform(0.1, 0.9) for _ in range(4)]
        found.append(
            {
                "id": f"l{i}",
                "prompt": f"Question {i}?",
                "completions": [f"[quality={q:.4f}] answer {k}" for k, q in enumerate(qualities)],
                "best": qualities.index(max(qualities)),
            }
        )
    return found


def write_rows(file: Path, rows: list[Any]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file
