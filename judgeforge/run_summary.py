"""How a start of a run ended, for programs (`--json`, `on_finish`) and in one line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from judgeforge.counted import counted
from judgeforge.errors import JudgeforgeError
from judgeforge.redaction import redact
from judgeforge.result import RunResult
from judgeforge.store.exit_status import EXIT_STATUS

_NOTHING = {
    "prompts": 0,
    "pairs": 0,
    "skips": {},
    "calls": {"paid": 0, "cached": 0},
    "tokens": {"input": 0, "output": 0},
    "cost_usd": 0.0,
}


def summarise(result: RunResult) -> dict[str, Any]:
    """``text`` is the one line; ``totals`` are of the folder's life, ``last_run`` of this start."""
    manifest = result.manifest
    summary = {
        "folder": str(result.folder),
        "status": manifest["status"],
        "exit_code": result.exit_code,
        "message": None if result.did_nothing else manifest["message"],
        "did_nothing": result.did_nothing,
        "started_at": manifest.get("started_at"),
        "ended_at": manifest["updated_at"],
        "totals": manifest["totals"],
        "last_run": _NOTHING if result.did_nothing else manifest["last_run"],
    }
    return {"text": one_line(summary), **summary}


def summarise_error(folder: Path | str, error: JudgeforgeError) -> dict[str, Any]:
    """Of a start that did not get so far as to have a result."""
    message = redact(str(error))
    status = EXIT_STATUS.get(error.exit_code, "refused")
    summary = {
        "folder": str(folder),
        "status": status,
        "exit_code": error.exit_code,
        "message": message,
    }
    first, *others = message.splitlines()
    more = f" (and {counted(len(others), 'line')} more)" if others else ""
    return {"text": f"judgeforge: {status}: {folder}: {first}{more}", **summary}


def one_line(summary: Mapping[str, Any]) -> str:
    totals, last = summary["totals"], summary["last_run"]
    cost = last["cost_usd"]
    spent = "an unknown sum" if cost is None else f"${cost:.6f}"
    line = (
        f"judgeforge: {summary['status']}: {summary['folder']}: "
        f"{counted(totals['prompts'], 'prompt')}, {counted(totals['pairs'], 'pair')}, "
        f"{counted(sum(totals['skips'].values()), 'skip')}; this start "
        f"{counted(last['prompts'], 'prompt')}, {counted(last['calls']['paid'], 'call')} paid, "
        f"{spent}"
    )
    return f"{line}; {summary['message']}" if summary["message"] else line
