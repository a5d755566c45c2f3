"""Nothing vanishes: at the end of a run the files are read again, and the totals must add up."""

import json

import pytest

from judgeforge.errors import StoreError
from judgeforge.store.audit import audit_results
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal
from tests.store.test_journal import outcome, skip_of
from tests.support.run_setup import rows, run, write_config, write_prompts


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def written(tmp_path):
    """A folder with two prompts and a bad row between them, and its rows."""
    folder = RunFolder(tmp_path / "run")
    folder.create()
    journal = Journal(folder.journal_file)
    bad = skip_of("line-2").model_dump_json().encode() + b"\n"
    work = [journal.append(outcome("a")).offset, bad, journal.append(outcome("b")).offset]
    folder.write_results(journal, work)
    return folder, journal, work


def test_files_that_hold_each_row_once_add_up(written):
    folder, journal, work = written
    found = audit_results(folder, journal, work)
    assert (found.prompts, found.pairs, found.skips) == (3, 0, {"tie": 3})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("skips", lambda lines: lines[:-1]),
        ("skips", lambda lines: [*lines, lines[0]]),
        ("skips", lambda lines: lines[::-1]),
        ("skips", lambda lines: [lines[0].replace(b'"a"', b'"z"'), *lines[1:]]),
        ("completions", lambda lines: lines[:-1]),
        ("judgments", lambda lines: [b"{}\n"]),
        ("pairs", lambda lines: [b'{"prompt_id":"a"}\n']),
    ],
    ids=["lost", "doubled", "order", "another id", "completion lost", "judgment of no row", "pair"],
)
def test_a_line_lost_doubled_or_foreign_is_named_with_file_and_line(written, name, change):
    folder, journal, work = written
    file = folder.line_files[name]
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    with pytest.raises(StoreError, match=rf"{name}\.jsonl:\d"):
        audit_results(folder, journal, work)


def test_a_run_proves_that_files_and_manifest_agree(tmp_path, server, out):
    write_prompts(tmp_path, 4)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write('no json\n{"prompt": ""}\n')
    config = write_config(tmp_path, server, limits={"max_skip_share": 1.0})
    totals = run(config, out).manifest["totals"]
    ended = {row["prompt_id"] for row in rows(out / "pairs.jsonl")}
    skips = rows(out / "skips.jsonl")
    assert totals["prompts"] == len(ended) + len(skips) == 6
    assert totals["pairs"] == len(rows(out / "pairs.jsonl"))
    assert sum(totals["skips"].values()) == len(skips)


def test_totals_that_do_not_add_up_are_named_in_the_manifest_and_exit_74(
    tmp_path, server, out, monkeypatch
):
    written = RunFolder.write_results

    def lose_a_line(folder, journal, work):
        written(folder, journal, work)
        file = folder.pairs
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))

    config = write_config(tmp_path, server, prompts=3)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_results", lose_a_line)
        result = run(config, out)
    assert (result.exit_code, result.manifest["status"]) == (74, "failed")
    said = json.loads((out / "manifest.json").read_text())
    assert "pairs.jsonl:1" in said["message"]
    sent = len(server.requests)
    assert run(config, out).exit_code == 0
    assert len(server.requests) == sent
