"""A real browser for tests: the machine's own Chromium, without a window.

Without one the tests that need it are skipped by name, unless BROWSER_MUST_WORK is set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Started and, at the end, closed. Root may start it only without its own sandbox."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None and not os.environ.get("BROWSER_MUST_WORK"):
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
