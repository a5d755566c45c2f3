"""The run folder: its names, its results in the order of the input, and how it is recognised."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal
from tests.support.finished_prompts import finished, skip_line

MANIFEST = '{"format_version": 1, "status": "complete"}'


def test_results_are_written_in_the_order_of_the_input(folder: RunFolder) -> None:
    journal = Journal(folder.journal_file)
    late, early = journal.append(finished("late")), journal.append(finished("early"))
    folder.write_results(journal, [early.offset, skip_line("line-2"), late.offset])
    text = folder.skips.read_text()
    assert text.index("early") < text.index("line-2") < text.index("late")
    assert len(folder.completions.read_text().splitlines()) == 2
    assert folder.pairs.read_bytes() == folder.judgments.read_bytes() == b""


def test_results_that_cannot_be_written_leave_the_old_ones_whole(folder: RunFolder) -> None:
    journal = Journal(folder.journal_file)
    folder.write_results(journal, [skip_line("old")])
    folder.judgments.unlink()
    folder.judgments.mkdir()
    with pytest.raises(StoreError, match=r"judgments\.jsonl: cannot be written"):
        folder.write_results(journal, [skip_line("new")])
    assert not list(folder.path.glob(".*.part"))


def test_a_new_folder_and_its_state_are_for_their_owner_only(folder: RunFolder) -> None:
    for place in (folder.path, folder.state):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_it_is_whole_while_no_result_is_missing(folder: RunFolder) -> None:
    results = (*folder.line_files.values(), folder.pairs_parquet, folder.card)
    for file in results:
        file.touch()
    assert folder.is_whole()
    folder.card.unlink()
    assert not folder.is_whole()


def test_all_that_a_run_writes_beside_its_state_has_one_name(folder: RunFolder) -> None:
    assert folder.result_names == {
        "pairs.jsonl", "pairs.parquet", "completions.jsonl", "judgments.jsonl", "skips.jsonl",
        "manifest.json", "log.jsonl", "report.html", "README.md", "given-prompts.jsonl",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("files", "is_one"),
    [
        ({}, False),
        ({"README.md": "mine"}, False),
        ({"state/terraform.tfstate": ""}, False),
        ({"state": ""}, False),
        ({"manifest.json": '{"name": "an app"}'}, False),
        ({"manifest.json": MANIFEST}, True),
        ({"state/lock": ""}, True),
        ({"state/journal.bin": "", "state/other": ""}, True),
        ({"state/spending.jsonl": ""}, True),
    ],
)
def test_a_run_folder_is_one_by_its_state_or_by_its_manifest(
    tmp_path: Path, files: dict[str, str], is_one: bool
) -> None:
    for name, content in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    assert RunFolder(tmp_path).is_one() is is_one
    assert RunFolder(tmp_path / "gone").is_one() is False


def test_a_run_that_was_killed_at_its_first_moment_has_an_empty_state(folder: RunFolder) -> None:
    assert folder.is_one()


def test_a_folder_of_a_newer_version_is_refused_with_advice(folder: RunFolder) -> None:
    folder.manifest_file.write_text('{"format_version": 99}')
    with pytest.raises(StoreError, match=r"newer judgeforge.*Upgrade"):
        folder.read_manifest()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError):
        RunFolder(tmp_path / "run").create()
