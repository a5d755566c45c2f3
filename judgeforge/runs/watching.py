"""`judgeforge watch`: follows a run that another process makes, until it ends.

Whoever watches changes nothing: what is read may even be on a slow disk, so a look is never longer
awaited than four times what it takes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from judgeforge.errors import ConfigError, StoreError
from judgeforge.results.status import KILLED
from judgeforge.runs.folders import latest_folder
from judgeforge.runs.followed_run import FollowedRun, RunLook
from judgeforge.runs.result import EXIT_STATUS
from judgeforge.store.folder import RunFolder, why_no_run_folder

EXIT_KILLED = 137
"""What a shell says of a process that was killed (128 + SIGKILL)."""
EXIT_GOES_ON = 0
LOOK_EVERY_S, LINE_EVERY_S = 1.0, 30.0
WAIT_S = 60.0
_SHARE_OF_TIME = 4.0
_TROUBLE_S = 30.0
"""For this long a folder that cannot be read just now is tried again."""
_SURE_S = 0.2

_EXIT_CODE = {status: code for code, status in EXIT_STATUS.items()} | {KILLED: EXIT_KILLED}


class Watch:
    """``show`` is given each look; ``say`` a sentence for the person who watches."""

    def __init__(
        self, folder: str, show: Callable[[RunLook], None], say: Callable[[str], None]
    ) -> None:
        self._name, self._show, self._say = folder, show, say

    def once(self) -> int:
        """One look: the exit code of a run that has ended, 0 of one that goes on. Raises
        ConfigError where there is no run, StoreError where it cannot be read."""
        path = latest_folder(self._name)
        look = FollowedRun(path).look()
        if look is None:
            raise ConfigError(why_no_run_folder(path))
        self._show(look)
        return _exit_code(look)

    def until_the_end(self, *, every_s: float, wait_s: float = WAIT_S) -> int:
        """The exit code of the run, or EXIT_KILLED where its process is gone.

        ``every_s``: seconds between what is shown; the end, and that something else is waited for,
        is shown at once. ``wait_s``: how long a run may take to begin. Raises ConfigError where
        none does, StoreError where the folder cannot be read for too long.
        """
        run, look = self._first_look(wait_s)
        shown_at, waits_for, took_s = -math.inf, 0, 0.0
        while True:
            is_due = time.monotonic() - shown_at >= every_s
            if is_due or look.is_over or waits_for < len(look.waits_for):
                shown_at = time.monotonic()
                self._show(look)
            if look.is_over:
                return _exit_code(look)
            waits_for = len(look.waits_for)
            time.sleep(max(min(every_s, LOOK_EVERY_S), _SHARE_OF_TIME * took_s))
            begun = time.monotonic()
            look = self._patiently(run)
            took_s = time.monotonic() - begun

    def _first_look(self, wait_s: float) -> tuple[FollowedRun, RunLook]:
        until, told = time.monotonic() + wait_s, False
        while True:
            path = self._path()
            run = None if path is None else FollowedRun(path)
            look = None if run is None else self._surely(run)
            if run is not None and look is not None:
                return run, look
            if path is not None and _is_something_else(path):
                raise ConfigError(why_no_run_folder(path))
            if time.monotonic() >= until:
                raise ConfigError(self._why(path))
            if not told:
                told = True
                self._say(f"{self._why(path)}; waiting {wait_s:.0f} s for a run to begin there")
            time.sleep(min(LOOK_EVERY_S, max(0.01, until - time.monotonic())))

    def _surely(self, run: FollowedRun) -> RunLook | None:
        """A start that just takes the lock looks, for a moment, like one that was killed."""
        look = run.look()
        if look is not None and look.status.status == KILLED:
            time.sleep(_SURE_S)
            look = run.look()
        return look

    def _patiently(self, run: FollowedRun) -> RunLook:
        """A disk that fails for a moment is asked again for half a minute."""
        until = time.monotonic() + _TROUBLE_S
        while True:
            try:
                look = self._surely(run)
            except StoreError:
                look = None
                if time.monotonic() >= until:
                    raise
            if look is not None:
                return look
            if not run.path.is_dir():
                raise StoreError(f"{self._name}: the run folder is gone")
            time.sleep(LOOK_EVERY_S)

    def _path(self) -> Path | None:
        """None where `{date}` stands for no day yet."""
        try:
            return latest_folder(self._name)
        except ConfigError:
            return None

    def _why(self, path: Path | None) -> str:
        if path is None:
            return f"{self._name}: no day has a run folder there yet"
        return why_no_run_folder(path)


def _is_something_else(path: Path) -> bool:
    """Whether no run is going to begin there: a file, or a folder of other things."""
    if not path.exists():
        return False
    return not path.is_dir() or (any(path.iterdir()) and not RunFolder(path).is_one())


def _exit_code(look: RunLook) -> int:
    """A status that this version does not know is that of a run that failed."""
    if not look.is_over:
        return EXIT_GOES_ON
    return _EXIT_CODE.get(look.status.status, StoreError.exit_code)
