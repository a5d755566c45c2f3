"""docs/guarantees.md is in step with the table, and the tests that it names are there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.faults.guarantees import PROMISES
from tests.faults.report import CHECKOUT, GUARANTEES, _cell
from tests.faults.table import all_rows

NAMED = sorted({test for promise in PROMISES for test in promise.shown_by})


def test_the_page_has_every_row_and_no_other() -> None:
    page = GUARANTEES.read_text(encoding="utf-8")
    written = re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)
    assert written == [row.name for row in all_rows()], "run `make faults`"
    assert all(_cell(row.done) in page and _cell(row.promise) in page for row in all_rows())


def test_the_page_has_every_promise_and_where_it_ends() -> None:
    page = GUARANTEES.read_text(encoding="utf-8")
    assert all(promise.sentence in page and promise.ends in page for promise in PROMISES)


def test_no_row_on_the_page_failed() -> None:
    page = GUARANTEES.read_text(encoding="utf-8")
    assert "| failed |" not in page


def test_there_are_enough_faults_of_each_kind() -> None:
    families = [row.family for row in all_rows()]
    assert len(families) >= 110
    assert all(families.count(family) >= 20 for family in ("server", "reply", "input", "machine"))


@pytest.mark.parametrize("named", NAMED)
def test_what_a_promise_names_exists(named: str) -> None:
    if named.startswith("row:"):
        assert named[4:] in {row.name for row in all_rows()}
        return
    file, *path = named.split("::")
    body = ast.parse((CHECKOUT / file).read_text(encoding="utf-8")).body
    for name in path:
        (found,) = [node for node in body if getattr(node, "name", None) == name]
        body = getattr(found, "body", [])
