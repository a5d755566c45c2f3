"""A run as the output of a notebook's cell: its totals, its first pairs, and where the rest is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.results.how_made import part
from judgeforge.results.report.html import render_fragment
from judgeforge.results.report.shown_pairs import as_argument
from judgeforge.results.report.shown_turns import cut
from judgeforge.results.report.words import status_words
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import read_rows
from judgeforge.text.shell import shell_word
from judgeforge.text.shown_messages import row_spoken

MOST_PAIRS = 3
MOST_TEXT = 300
"""Characters of one text."""


def result_html(
    path: Path, manifest: Mapping[str, Any], *, exit_code: int, message: str | None
) -> str:
    """Everything in it is escaped, and there is no script. A folder that is gone, or damaged, is
    said to be so: what shows a value must not fail."""
    pairs, trouble = _first_pairs(RunFolder(path))
    status = str(manifest.get("status"))
    values = {
        "folder": str(path),
        "folder_argument": shell_word(str(path)),
        "status": status,
        "status_words": status_words(status),
        "exit_code": exit_code,
        "message": message,
        "prompts": part(manifest, "totals", "prompts"),
        "all_pairs": part(manifest, "totals", "pairs"),
        "skips": sorted((part(manifest, "totals", "skips") or {}).items()),
        "sent": part(manifest, "totals", "calls", "paid"),
        "cached": part(manifest, "totals", "calls", "cached"),
        "cost_usd": part(manifest, "totals", "cost_usd"),
        "budget_usd": part(manifest, "config", "budget", "usd"),
        "expected_wrong": part(manifest, "quality", "expected_wrong", "by_confidence"),
        "pairs": pairs,
        "trouble": trouble,
    }
    return render_fragment("result.html.j2", values)


def _first_pairs(folder: RunFolder) -> tuple[list[dict[str, Any]], str | None]:
    """And why there are no more, where something is wrong."""
    shown: list[dict[str, Any]] = []
    if not folder.path.is_dir():
        return shown, f"{folder.path}: there is no such folder any more."
    if not folder.pairs.exists():
        return shown, None
    try:
        shown.extend(islice(_pairs(folder.pairs), MOST_PAIRS))
    except (StoreError, LookupError, TypeError, ValueError, AttributeError) as error:
        return shown, f"The pairs cannot be read: {error}"
    return shown, None


def _pairs(file: Path) -> Iterator[dict[str, Any]]:
    for row in read_rows(file, needs="id"):
        yield {
            "id": str(row["id"]),
            "command_id": as_argument(str(row["id"])),
            "confidence": float(row["confidence"]),
            "margin": float(row["score_margin"]),
            "texts": [
                (name, cut(row_spoken(row[name][-1]), MOST_TEXT))
                for name in ("prompt", "chosen", "rejected")
            ],
        }
