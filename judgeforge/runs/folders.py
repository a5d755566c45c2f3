"""Where a run goes: `--out "runs/{date}"` is a folder a day, and old ones are finished first."""

from __future__ import annotations

import glob
import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from judgeforge.errors import ConfigError
from judgeforge.store.folder import RunFolder

if TYPE_CHECKING:
    from judgeforge.config.run import RunConfig

DATE = "{date}"
_PLACEHOLDER = re.compile(r"\{[^{}/]*\}?")
_ANY_DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


def default_folder(config_file: Path | None) -> Path:
    return Path("runs") / (config_file.stem if config_file else "run")


def today(config: RunConfig) -> date:
    """In the time zone in which the budget counts days."""
    return datetime.now(ZoneInfo(config.budget.timezone)).date()


def chosen_folder(
    config: RunConfig, out: str | os.PathLike[str] | None, day: date | None = None
) -> Path:
    """The folder that ``out`` means on ``day`` (today), which ``{date}`` in it stands for.

    Raises ConfigError where ``out`` is blank (that would be the current folder), or contains more
    than one ``{date}`` or another placeholder.
    """
    default = default_folder(config.source_file)
    if out is None:
        return default
    name = os.fspath(out)
    if not name.strip():
        raise ConfigError(
            "the run folder (`out`) is empty (is a variable not set?); name one, or leave it away "
            f"for {default}"
        )
    name = _in_home(name)
    around = _around_date(name)
    return Path(name) if around is None else Path((day or today(config)).isoformat().join(around))


def run_folders(config: RunConfig, out: str | None, day: date) -> list[Path]:
    """The folders of one `judgeforge run`, the last one being that of ``day``.

    Before it come the folders of earlier days that are not finished, oldest first. Raises
    ConfigError as ``chosen_folder`` does, StoreError where a manifest of an earlier day cannot be
    read.
    """
    last = chosen_folder(config, out, day)
    around = None if out is None else _around_date(_in_home(out))
    if around is None:
        return [last]
    earlier = [folder for then, folder in _dated(*around) if then < day and _is_unfinished(folder)]
    return [*earlier, last]


def latest_folder(out: str) -> Path:
    """The folder that ``out`` means when a run is looked at: that of the last day with a run.

    Raises ConfigError where there is none, or ``out`` is wrong as for ``run_folders``.
    """
    out = _in_home(out)
    around = _around_date(out) if DATE in out else None
    if around is None:
        return Path(out)
    started = [path for _, path in _dated(*around) if RunFolder(path).manifest_file.is_file()]
    if not started:
        raise ConfigError(f"{out}: no day has a run folder there yet")
    return started[-1]


def _in_home(out: str) -> str:
    """A shell leaves `--out=~/runs` alone, and Python knows no `~`: a folder of that name is never
    meant (`./~` would be one)."""
    return os.path.expanduser(out)  # noqa: PTH111 (a Path loses the slash at the end)


def _around_date(out: str) -> tuple[str, str] | None:
    """What comes before and after ``{date}``; None without one."""
    before, date_, after = out.partition(DATE)
    if DATE in after:
        raise ConfigError(f"{out}: {DATE} may appear only once")
    unknown = _PLACEHOLDER.search(f"{before}/{after}")
    if unknown:
        raise ConfigError(f"{out}: {unknown[0]} is not a placeholder; the only one is {DATE}")
    return (before, after) if date_ else None


def _dated(before: str, after: str) -> list[tuple[date, Path]]:
    found = glob.glob(f"{glob.escape(before)}{_ANY_DATE}{glob.escape(after)}")  # noqa: PTH207
    name = re.compile(f"{re.escape(before)}(.{{10}}){re.escape(after)}", re.DOTALL)
    dated = []
    for path in found:
        match = name.fullmatch(path)
        try:
            dated.append((date.fromisoformat(match[1] if match else ""), Path(path)))
        except ValueError:
            continue  # 2026-13-01 is a name, not a date
    return sorted(dated)


def _is_unfinished(folder: Path) -> bool:
    from judgeforge.runs.result import FINISHED

    manifest = RunFolder(folder).read_manifest()
    return manifest is not None and manifest.status not in FINISHED
