"""``report.html`` of a run folder: read the folder, count, draw, write."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from judgeforge.errors import ConfigError
from judgeforge.results.figures.run import run_figures
from judgeforge.results.report.html import render_page
from judgeforge.results.report.page import page
from judgeforge.results.report.shown_pairs import shown_pairs
from judgeforge.results.status import read_status
from judgeforge.store.files import chosen_place, make_folder, replacing
from judgeforge.store.folder import RunFolder
from judgeforge.store.recognition import why_no_run_folder

FILE = "report.html"
_SUFFIXES = frozenset({".html", ".htm"})


def write_report(
    folder: Path, *, to: Path | None = None, manifest: Mapping[str, Any] | None = None
) -> Path:
    """Write the page of the run folder ``folder``; the file that was written.

    ``to``: another place, an .html file or a folder, which is made. ``manifest``: that of a run
    that is about to write it; else the one in the folder.

    A folder of any status is taken: of a run that goes on, or was killed, the page counts the
    prompts that are done and shows the pairs that there were when it last stopped in order.
    Raises ConfigError where ``folder`` is no run folder or ``to`` no place for a page, and
    StoreError where a file cannot be read or the disk fails.
    """
    target = _target(folder, to)
    status = str(manifest["status"]) if manifest is not None else ""
    if manifest is None:
        manifest = RunFolder(folder).read_manifest()
        if manifest is None:
            raise ConfigError(why_no_run_folder(folder))
        manifest, status = _as_it_stands(folder, manifest)
    figures = run_figures(folder)
    shown = shown_pairs(folder, figures.shortlist.picked())
    name = folder.resolve().name
    text = render_page(page(name, manifest, status, figures, shown))
    with nullcontext() if to is None else chosen_place(to), replacing(target) as file:
        file.write(text.encode())
    return target


def _as_it_stands(folder: Path, manifest: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The manifest with the totals of now, and the status: the manifest of a run that goes on, or
    was killed, is as the run began."""
    if manifest["status"] != "running":
        return manifest, str(manifest["status"])
    now = read_status(folder)
    totals = {
        **manifest["totals"],
        "prompts": now.done,
        "pairs": now.pairs,
        "skips": now.skips,
        "calls": {**manifest["totals"]["calls"], "paid": now.calls},
        "cost_usd": now.cost_usd,
    }
    return {**manifest, "totals": totals}, now.status


def _target(folder: Path, to: Path | None) -> Path:
    if to is None:
        return folder / FILE
    target = to / FILE if to.is_dir() or not to.suffix else to
    if target.suffix not in _SUFFIXES:
        raise ConfigError(f"{to}: the page is an .html file. Name one, or a folder.")
    with chosen_place(to):
        make_folder(target.parent)
    return target
