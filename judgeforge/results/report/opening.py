"""The page of a run where a person wants it: in the cell of a notebook, or in the browser."""

from __future__ import annotations

import base64
import os
import sys
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from judgeforge.errors import JudgeforgeError
from judgeforge.results.report.html import render_fragment
from judgeforge.results.report.writing import write_report
from judgeforge.store.folder import RunFolder

LARGEST_EMBEDDED = 1_000_000
"""Bytes of a page that a notebook keeps a copy of; of a larger one it has the link."""


@dataclass(frozen=True, slots=True, repr=False)
class ReportPage:
    """``report.html`` of a run folder.

    A notebook shows it as the last value of a cell, and ``open()`` shows it in the browser. It is a
    path as well (``os.fspath``).
    """

    folder: Path

    @property
    def path(self) -> Path:
        return RunFolder(self.folder).report

    def open(self) -> Path:
        """Show the page in the browser of this machine; where there is none, only say where it is.

        Returns its path. A page that is not there is made. Raises ConfigError where the folder is
        no run folder any more, StoreError where the page cannot be made.
        """
        page = self._made()
        open_page(page)
        return page

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"ReportPage({str(self.path)!r}; .open() shows it in a browser)"

    def _repr_html_(self) -> str:
        """The page within a frame that allows nothing. Never raises: it is shown, not asked for."""
        try:
            page = self._made().read_bytes()
        except (JudgeforgeError, OSError) as error:
            return _frame(self.path, trouble=str(error))
        if len(page) > LARGEST_EMBEDDED:
            return _frame(self.path, trouble="The page is too large to be shown in a notebook.")
        # Links within a page of `srcdoc` would lead away from it.
        data = base64.b64encode(page).decode()
        return _frame(self.path, page=f"data:text/html;charset=utf-8;base64,{data}")

    def _made(self) -> Path:
        return self.path if self.path.exists() else write_report(self.folder)


def open_page(page: Path) -> None:
    """Show a page in the browser, where there is one that somebody sees."""
    if has_browser(os.environ):
        with suppress(webbrowser.Error, OSError):
            webbrowser.open(page.resolve().as_uri())


def has_browser(environment: Mapping[str, str]) -> bool:
    """Whether a page opened here is seen: not by a text browser in this very terminal, nor on the
    screen of a machine that somebody is logged in to from afar."""
    if environment.get("BROWSER") or environment.get("WAYLAND_DISPLAY"):
        return True
    if environment.get("DISPLAY"):
        return True
    is_remote = bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))
    return sys.platform in {"darwin", "win32"} and not is_remote


def _frame(path: Path, *, page: str = "", trouble: str | None = None) -> str:
    with suppress(OSError, ValueError):
        path = path.resolve()
    values = {"path": str(path), "uri": path.as_uri(), "page": page, "trouble": trouble}
    return render_fragment("report_frame.html.j2", values)
