"""``manifest.json``: read in one place, written as it was, and named where it is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import StoreError
from judgeforge.results.report.writing import write_report
from judgeforge.results.status import read_status
from judgeforge.store.folder import RunFolder
from judgeforge.store.manifest import Manifest
from tests.local_server import LocalServer
from tests.support.hand_made import MANIFEST, manifest
from tests.support.run_setup import run, write_config

MADE_BEFORE = Path(__file__).parents[1] / "promises" / "made_before"


def written(folder: Path, content: Any) -> RunFolder:
    (folder / "manifest.json").write_text(json.dumps(content))
    return RunFolder(folder)


@pytest.mark.parametrize("name", ["finished", "stopped"])
def test_one_that_is_read_and_written_is_the_same_bytes(name: str, tmp_path: Path) -> None:
    found = RunFolder(MADE_BEFORE / name).read_manifest()
    assert found is not None
    RunFolder(tmp_path).write_manifest(found)
    before = (MADE_BEFORE / name / "manifest.json").read_bytes()
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_what_a_later_version_adds_is_kept(tmp_path: Path) -> None:
    totals = MANIFEST["totals"] | {"batches": 3}
    folder = written(tmp_path, {"format_version": 1, **MANIFEST, "totals": totals, "new": [1]})
    found = folder.read_manifest()
    assert found is not None
    assert (found.as_json()["new"], found.as_json()["totals"]["batches"]) == ([1], 3)


def test_what_an_earlier_version_did_not_write_is_unknown_and_stays_unwritten() -> None:
    old = Manifest.model_validate(
        {"format_version": 1, "status": "complete", "totals": MANIFEST["totals"]}
    )
    assert (old.quality, old.judging, old.input, dict(old.own_family_judgments)) == (
        *(None, None, None),
        {},
    )
    assert list(old.as_json()) == ["format_version", "status", "totals"]


def test_rows_that_a_limit_left_out_are_rows_of_the_input() -> None:
    for rows, all_rows in ({"rows": 3}, 3), ({"rows": 3, "read": 5}, 5):
        found = manifest(input=rows).input
        assert found is not None
        assert found.all_rows == all_rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"format_version": 1}, "status"),
        ({"format_version": 1, "status": "complete"}, "totals"),
        ({"format_version": 1, "status": 7, "totals": MANIFEST["totals"]}, "status"),
        ({"format_version": 1, "status": "complete", "totals": {"pairs": 1}}, r"totals\.prompts"),
        ({"status": "complete"}, "format_version"),
        ([1], ""),
    ],
)
@pytest.mark.parametrize("look", [read_status, write_report])
def test_what_is_no_manifest_is_named_with_what_is_missing_and_what_to_do(
    tmp_path: Path, look: Callable[[Path], object], content: Any, said: str
) -> None:
    folder = written(tmp_path, content)
    with pytest.raises(
        StoreError, match=rf"manifest\.json: this is not a manifest \(.*{said}"
    ) as no:
        look(folder.path)
    assert "Delete it to have it made again from the journal" in str(no.value)


def test_a_run_whose_manifest_lost_its_fields_goes_on_once_it_is_deleted(
    tmp_path: Path, server: LocalServer
) -> None:
    config, out = write_config(tmp_path, server, prompts=2), tmp_path / "out"
    run(config, out)
    sent = len(server.requests)
    folder = written(out, {"format_version": 1})
    with pytest.raises(StoreError, match="status"):
        run(config, out)
    folder.manifest_file.unlink()
    assert run(config, out).manifest["totals"]["prompts"] == 2
    assert len(server.requests) == sent


def test_a_result_gives_the_manifest_as_plain_values(tmp_path: Path, server: LocalServer) -> None:
    config, out = write_config(tmp_path, server, prompts=2), tmp_path / "out"
    for result in (run(config, out), run(config, out)):
        assert type(result.manifest) is dict
        assert result.manifest == json.loads((out / "manifest.json").read_text())
    assert isinstance(result, judgeforge.RunResult)
