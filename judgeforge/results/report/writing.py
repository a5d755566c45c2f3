"""``report.html`` of a run folder: read the folder, count, draw, write."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from judgeforge.errors import ConfigError
from judgeforge.results.figures.run import RunFigures, run_figures
from judgeforge.results.report.findings import findings
from judgeforge.results.report.html import render_page
from judgeforge.results.report.page import page
from judgeforge.results.report.pair_list import listed
from judgeforge.results.report.shown_pairs import shown_pairs
from judgeforge.results.status import read_status
from judgeforge.store.atomic_files import chosen_place, make_folder, replacing
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.manifest import Manifest

_SUFFIXES = frozenset({".html", ".htm"})
_TITLE, _HEAD = b"judgeforge report</title>", 10_000


def write_report(path: Path, *, to: Path | None = None) -> Path:
    """Write the page of the run folder ``path``; the file that was written.

    ``to``: another place, an .html file or a folder, which is made.

    The run may have any status: of one that goes on, or was killed, the page counts the
    prompts that are done and shows the pairs that there were when it last stopped cleanly.
    Raises ConfigError where ``path`` is not a run folder or ``to`` not a place for a page, and
    StoreError where a file cannot be read or the disk fails.
    """
    folder = RunFolder(path)
    target = _target(folder, to)
    manifest = folder.read_manifest()
    if manifest is None:
        raise ConfigError(why_no_run_folder(path))
    manifest, status = _as_it_stands(path, manifest)
    text = _page(folder, manifest, status, run_figures(folder))
    with nullcontext() if to is None else chosen_place(to), replacing(target) as file:
        file.write(text)
    return target


def write_report_of(folder: RunFolder, manifest: Manifest, figures: RunFigures) -> None:
    """The same of a run that is about to write ``manifest``. Raises StoreError."""
    text = _page(folder, manifest, manifest.status, figures)
    with replacing(folder.report) as file:
        file.write(text)


def _page(folder: RunFolder, manifest: Manifest, status: str, figures: RunFigures) -> bytes:
    found = findings(manifest, figures)
    wanted = (mark for one in found for mark in one.about)
    pairs = listed(shown_pairs(folder, figures.shortlist.picked(wanted)), found)
    name = folder.path.resolve().name
    return render_page(page(name, manifest, status, figures, pairs)).encode()


def _as_it_stands(path: Path, manifest: Manifest) -> tuple[Manifest, str]:
    """The manifest with the totals of now, and the status: the manifest of a run that goes on, or
    was killed, is as the run began."""
    if manifest.status != "running":
        return manifest, manifest.status
    now, totals = read_status(path), manifest.totals
    changes = {
        "prompts": now.done,
        "pairs": now.pairs,
        "skips": now.skips,
        "calls": totals.calls.model_copy(update={"paid": now.calls}),
        "cost_usd": now.cost_usd,
    }
    totals = totals.model_copy(update=changes)
    return manifest.model_copy(update={"totals": totals}), now.status


def _target(folder: RunFolder, to: Path | None) -> Path:
    if to is None:
        return folder.report
    target = to / folder.report.name if to.is_dir() or not to.suffix else to
    if target.suffix not in _SUFFIXES:
        raise ConfigError(f"{to}: the page is an .html file. Name one, or a folder.")
    if target.exists() and not _is_a_report(target):
        raise ConfigError(f"{target} is there already and is not a report: give another --to")
    with chosen_place(to):
        make_folder(target.parent)
    return target


def _is_a_report(file: Path) -> bool:
    """Of any version, by its title: pages of somebody else are not replaced."""
    try:
        with file.open("rb") as opened:
            return _TITLE in opened.read(_HEAD)
    except OSError:
        return False
