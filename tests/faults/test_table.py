"""Every row of the fault table, shown by a real run. `make test` runs the quick ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import promises
from tests.faults.scene import Scene
from tests.faults.table import FaultRow, all_rows
from tests.local_server import LocalServer


def _parameter(row: FaultRow) -> object:
    marks = [pytest.mark.timeout(row.longest_s)]
    if not row.quick:
        marks.append(pytest.mark.faults)
    return pytest.param(row, id=row.name, marks=marks)


@pytest.mark.parametrize(
    "row", [_parameter(row) for row in sorted(all_rows(), key=lambda row: -row.longest_s)]
)
def test_the_promise_holds(
    row: FaultRow,
    tmp_path: Path,
    server: LocalServer,
    capfd: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    scene = Scene(tmp_path, server)
    begun = time.monotonic()
    record_property("fault", row.name)
    record_property("seen", row.show(scene))
    record_property("seconds", round(time.monotonic() - begun, 2))
    scene.said += capfd.readouterr()
    promises.check(scene)
