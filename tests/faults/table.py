"""The registry of faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from tests.faults.scene import Scene

Family = Literal["server", "reply", "input", "machine"]
Show = Callable[[Scene], str]

_MODULES = (
    "server_statuses",
    "server_connections",
    "server_outages",
    "server_rewards",
    "server_batches",
    "server_replicas",
    "reply_completions",
    "reply_judgments",
    "reply_rewards",
    "input_rows",
    "input_criteria",
    "input_files",
    "input_config",
    "input_cleaning",
    "machine_processes",
    "machine_workers",
    "machine_batches",
    "machine_disk",
    "machine_state",
    "machine_judgments",
    "machine_programs",
    "machine_trainings",
)


@dataclass(frozen=True)
class FaultRow:
    name: str
    """Unique, as in the ids of tests: ``status-429-retry-after-seconds``."""
    family: Family
    done: str
    """What is done to the run."""
    promise: str
    show: Show
    """Does it, asserts the promise, and returns what was seen."""
    quick: bool
    """Whether `make test` runs it too."""
    longest_s: int
    """The row fails when it takes longer."""


_rows: dict[str, FaultRow] = {}


def fault(
    name: str, *, done: str, promise: str, quick: bool = False, longest_s: int = 120
) -> Callable[[Show], Show]:
    """Declare a row; its family is the first word of the module's name."""

    def declare(show: Show) -> Show:
        if name in _rows:
            raise ValueError(f"two faults are called {name}")
        family = _file_of(show).split("_")[0]
        _rows[name] = FaultRow(name, family, done, promise, show, quick, longest_s)  # type: ignore[arg-type]
        return show

    return declare


def all_rows() -> list[FaultRow]:
    """In the order of the files, and in each as declared, whichever was imported first."""
    for module in _MODULES:
        import_module(f"tests.faults.{module}")
    return sorted(_rows.values(), key=lambda row: _MODULES.index(_file_of(row.show)))


def _file_of(show: Show) -> str:
    return show.__module__.rsplit(".", 1)[-1]
