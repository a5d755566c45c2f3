"""What can be labelled: a folder, a configuration that was run, rows with completions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from judgeforge.errors import ConfigError, InputError
from judgeforge.runs.labelling.choosing import Look, looks, shown_order
from judgeforge.runs.labelling.sources import FolderSource, InputSource, Source, open_source
from tests.support.labelling import plain_rows, write_project
from tests.support.run_setup import rows


def first_look(source: Source) -> Look:
    one = source.candidates[0]
    return Look(one, shown_order(one, 0))


def test_a_configuration_means_the_folder_of_its_run(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(run_folder, tmp_path / "runs" / "config")
    monkeypatch.chdir(tmp_path)
    config = run_folder.parent / "config.yaml"
    source = open_source(config, 2)
    assert isinstance(source, FolderSource)
    assert source.name == "runs/config"
    assert source.config is not None


def test_a_configuration_that_was_not_run_says_what_to_do(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="has not been run yet"):
        open_source(run_folder.parent / "config.yaml", 2)


def test_rows_with_completions_need_no_run_no_key_and_no_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    source = open_source(write_project(tmp_path / "p", plain_rows(5)), 2)
    assert isinstance(source, InputSource)
    assert sorted(one.prompt_id for one in source.candidates) == [f"p{i}" for i in range(5)]
    assert all(one.confidence is None for one in source.candidates)
    material = source.material(first_look(source))
    assert material.prompt[0].text.startswith("Question")


def test_rows_of_too_few_completions_are_refused(tmp_path: Path) -> None:
    config = write_project(tmp_path, plain_rows(3))
    with pytest.raises(InputError, match="no row brings 3 different completions"):
        open_source(config, 4)


def test_a_folder_that_was_copied_away_from_its_input_can_be_labelled(
    run_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(run_folder, tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    found = json.loads(manifest.read_text())
    found["config"]["prompts"]["path"] = "/nowhere/prompts.jsonl"
    manifest.write_text(json.dumps(found))
    source = open_source(tmp_path / "out", 2)
    source.expect(looks(source.candidates, 5, again=0, seed=0))
    assert source.material(first_look(source)).prompt[0].text.startswith("Tell me fact")


def test_a_manifest_of_a_later_version_is_no_hindrance(run_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(run_folder, tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    found = json.loads(manifest.read_text())
    found["config"]["something_new"] = True
    manifest.write_text(json.dumps(found))
    source = open_source(tmp_path / "out", 2)
    assert source.config is None
    assert source.material(first_look(source)).prompt


def test_each_candidate_has_its_own_texts(run_folder: Path) -> None:
    source = open_source(run_folder, 2)
    texts = {row["id"]: row["text"] for row in rows(run_folder / "completions.jsonl")}
    for one in source.candidates:
        material = source.material(Look(one, one.completion_ids))
        assert material.texts == {name: texts[name] for name in one.completion_ids}
        assert {each.prompt_id for each in material.judgments} == {one.prompt_id}


def test_certainty_runs_from_a_coin_to_sure(run_folder: Path) -> None:
    found = [one.confidence for one in open_source(run_folder, 2).candidates]
    assert all(one is not None and 0.5 <= one <= 1.0 for one in found)


def test_a_file_that_is_no_configuration_is_refused_as_one(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text("{}\n")
    with pytest.raises(ConfigError):
        open_source(file, 2)
