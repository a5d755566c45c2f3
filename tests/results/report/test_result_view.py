"""A run in the cell of a notebook: short, harmless, and with the way to the rest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from judgeforge.results.report.result_view import MOST_TEXT, result_html
from tests.support.html_page import Page
from tests.support.run_setup import rows

ATTACK = '"><script>alert(1)</script><svg onload=alert(1)></td></table>\u202e'


def view(folder: Path, message: str | None = None, **changes: Any) -> Page:
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return Page(result_html(folder, {**manifest, **changes}, exit_code=0, message=message))


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "copy")


def test_it_shows_totals_and_the_first_pairs(finished: Path) -> None:
    page, pairs = view(finished), rows(finished / "pairs.jsonl")
    assert "complete (exit code 0)" in page.text
    assert f"The first 3 of {len(pairs)} pairs" in page.text
    for pair in pairs[:3]:
        assert pair["id"] in page.text
        assert pair["chosen"][0]["content"][:MOST_TEXT] in page.text
    assert pairs[3]["id"] not in page.text
    assert f"judgeforge explain {finished} {pairs[0]['id']}" in page.text


def test_what_models_and_rows_wrote_is_no_markup(copy: Path) -> None:
    harmless = view(copy)
    changed = rows(copy / "pairs.jsonl")
    for pair in changed:
        for name in ("prompt", "chosen", "rejected"):
            pair[name][-1]["content"] = ATTACK
        pair["id"] = f"{ATTACK}{pair['id']}"
    write(copy / "pairs.jsonl", changed)
    page = view(copy, message=ATTACK, status=ATTACK)
    assert page.tags <= harmless.tags
    assert page.names <= harmless.names
    assert page.text.count("<script>alert(1)</script>") > 9
    assert "[U+202E]" in page.text
    assert "\u202e" not in page.text


def test_a_long_text_is_cut_and_says_by_how_much(copy: Path) -> None:
    changed = rows(copy / "pairs.jsonl")
    for pair in changed:
        pair["chosen"][0]["content"] = "word " * 200_000
    write(copy / "pairs.jsonl", changed)
    page = result_html(copy, {"totals": {}}, exit_code=0, message=None)
    assert len(page) < 30_000
    assert f"{1_000_000 - MOST_TEXT:,} more characters" in page


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("pairs.jsonl", "no json\n", "The pairs cannot be read"),
        ("pairs.jsonl", '{"id": 1}\n', "The pairs cannot be read"),
        ("pairs.jsonl", None, "pairs has all pairs whole"),
    ],
)
def test_a_damaged_folder_is_shown_all_the_same(
    copy: Path, name: str, content: str | None, said: str
) -> None:
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_text(content, encoding="utf-8")
    assert said in view(copy).text


def test_a_folder_that_is_gone_is_said_to_be_so(tmp_path: Path) -> None:
    page = view(tmp_path / "gone")
    assert "there is no such folder any more" in page.text
    assert "cost" in page.text


def test_it_says_why_a_run_stopped(finished: Path) -> None:
    page = view(finished, message="budget.usd is used up", status="budget")
    assert "budget.usd is used up" in page.text


def write(file: Path, changed: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in changed), encoding="utf-8")
