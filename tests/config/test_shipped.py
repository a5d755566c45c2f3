"""``judgeforge init`` writes a project that runs as it is and never replaces a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import judgeforge
from judgeforge.config.model import ModelConfig
from judgeforge.config.shipped import examples, init_project
from judgeforge.errors import ConfigError, StoreError
from judgeforge.runs.planning.check import check_run
from tests.local_server import LocalServer
from tests.support.run_setup import model, rows

FILES = {"config.yaml", "prompts.jsonl", "rubric.yaml", "README.md", ".gitignore"}


def test_all_files_are_written_into_a_folder_that_it_makes(tmp_path: Path) -> None:
    written = init_project(tmp_path / "new" / "project")
    assert {file.name for file in written} == FILES
    assert all(file.parent == tmp_path / "new" / "project" for file in written)
    assert all(file.stat().st_size for file in written)


def test_the_project_passes_its_own_check(tmp_path: Path) -> None:
    init_project(tmp_path)
    report = check_run(judgeforge.load_config(tmp_path / "config.yaml"))
    assert report.usable, report.problems


def test_results_and_cache_stay_out_of_git(tmp_path: Path) -> None:
    init_project(tmp_path)
    ignored = (tmp_path / ".gitignore").read_text().splitlines()
    assert {"runs/", ".judgeforge/"} <= set(ignored)


def test_the_commented_settings_are_settings_that_exist(tmp_path: Path) -> None:
    init_project(tmp_path)
    file = tmp_path / "config.yaml"
    lines = file.read_text().splitlines()
    # `# key: …` is a setting to uncomment, `# A sentence` is not; hf stands instead of path.
    settings = [line.replace("# ", "", 1) if _is_setting(line) else line for line in lines]
    file.write_text("\n".join(line for line in settings if "hf:" not in line))
    config = judgeforge.load_config(file)
    assert set(config.models) == {"tiny", "writer", "judge"}
    assert (config.budget.usd, config.pairing.min_confidence) == (5.0, 0.8)


def _is_setting(line: str) -> bool:
    return re.match(r"\s*# +[a-z_]+:( |$)", line) is not None


def test_nothing_that_exists_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "rubric.yaml").write_text("mine")
    with pytest.raises(ConfigError, match=r"has rubric\.yaml already, and nothing is replaced"):
        init_project(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"rubric.yaml"}
    assert (tmp_path / "rubric.yaml").read_text() == "mine"


def test_other_files_in_the_folder_are_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    init_project(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ConfigError, match="is a file; give a new folder"):
        init_project(tmp_path / "taken")


def test_a_place_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        init_project(tmp_path / "file" / "project")


def test_the_project_makes_pairs_once_its_model_answers(
    tmp_path: Path, server: LocalServer
) -> None:
    init_project(tmp_path)
    config = judgeforge.load_config(tmp_path / "config.yaml")
    served = ModelConfig.model_validate(model(server))
    config = config.model_copy(update={"models": {"tiny": served}})
    result = judgeforge.run(config, out=tmp_path / "out")
    ended = rows(tmp_path / "out" / "pairs.jsonl") + rows(tmp_path / "out" / "skips.jsonl")
    assert {row["prompt_id"] for row in ended} == {"sky", "sleep", "letter", "fruit"}
    assert result.exit_code == 0


@pytest.mark.parametrize("name", examples())
def test_an_example_is_a_project_of_its_own(tmp_path: Path, name: str) -> None:
    written = init_project(tmp_path / "new", name)
    assert {"config.yaml", ".gitignore"} < {file.name for file in written}
    text = (tmp_path / "new/config.yaml").read_text()
    assert "../" not in text
    config = judgeforge.load_config(tmp_path / "new/config.yaml")
    assert config.prompts.path is not None
    assert config.prompts.path.parent == tmp_path / "new"
    assert config.prompts.path.is_file()


def test_an_example_brings_the_labels_that_it_speaks_of(tmp_path: Path) -> None:
    init_project(tmp_path, "labels")
    assert (tmp_path / "labels.jsonl").is_file()
    assert "evaluate config.yaml --labels labels.jsonl" in (tmp_path / "config.yaml").read_text()


def test_a_name_that_is_no_example_lists_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"anthropic, batches, .*; did you mean `cascade`\?"):
        init_project(tmp_path / "new", "cascad")
    assert not (tmp_path / "new").exists()
