"""docs/training.md names what exists, and the export command does what it says there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pandas
import pytest
import yaml
from datasets import load_dataset

from judgeforge import cli
from judgeforge.records import Skip
from judgeforge.results.export.arrow import COLUMNS, open_parquet
from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.known_targets import TARGETS
from tests.support.hand_made import pair, run_folder

TEXT = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"judgeforge export runs/first [^`\n]+", TEXT)


def judgeforge(command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", shlex.split(command))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = run_folder(tmp_path / "runs" / "first", [pair(f"p{n}") for n in range(100)])
    for name in ("completions.jsonl", "judgments.jsonl"):
        (made / name).write_bytes(b"")
    run_folder(tmp_path / "runs" / "second", [pair(f"other-{n}") for n in range(3)])
    return made


def test_every_format_is_one_that_exists() -> None:
    named = set(re.findall(r"--format ([\w-]+)", TEXT))
    assert named == set(TARGETS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_run(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.is_dir()
    assert judgeforge(command, monkeypatch) == 0
    assert [file for file in Path("data").rglob("*") if file.suffix in {".jsonl", ".parquet"}]


def test_the_flags_of_openrlhf_name_columns_of_the_trl_export(folder: Path) -> None:
    flags = dict(re.findall(r"--data\.(\w+_key) (\w+)", TEXT))
    assert flags == {"prompt_key": "prompt", "chosen_key": "chosen", "rejected_key": "rejected"}
    export_pairs(folder, target="trl", to=Path("rows.jsonl"))
    row = json.loads(Path("rows.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert set(flags.values()) <= set(row)


def test_a_split_export_loads_as_two_splits(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = next(one for one in COMMANDS if "--test-share" in one)
    assert judgeforge(command, monkeypatch) == 0
    assert re.search(r"train.jsonl: \d+ pairs \(trl, train\)", capsys.readouterr().out)
    data = load_dataset("data/first", cache_dir=str(tmp_path / "cache"))
    assert set(data) == {"train", "test"}
    assert len(data["train"]) + len(data["test"]) == 100
    assert data["train"].column_names[:3] == ["prompt", "chosen", "rejected"]


def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judgeforge("judgeforge export runs/first --format tlr --to x", monkeypatch) == 2
    shown = capsys.readouterr().err
    assert "did you mean `trl`" in shown
    assert len(shown.splitlines()) == 1


def test_the_snippets_are_whole() -> None:
    snippets = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(snippets) == 6
    for snippet in snippets:
        compile(snippet, "docs/training.md", "exec")
    assert yaml.safe_load(re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)[0])["rl"] == "dpo"


def test_the_schema_of_skips_is_that_of_the_record() -> None:
    schema = re.search(r"schema=\{([^}]*)\}", TEXT)
    assert schema is not None
    always = [name for name in Skip.model_fields if name not in Skip.only_where_set]
    assert re.findall(r'"(\w+)":', schema[1]) == always


def test_what_reads_an_empty_file_reads_it_and_the_parquet_file_has_its_columns(
    tmp_path: Path,
) -> None:
    folder = run_folder(tmp_path / "run", [])
    (folder / "skips.jsonl").write_bytes(b"")
    assert pandas.read_json(folder / "skips.jsonl", lines=True).empty
    with open_parquet(folder / "pairs.parquet"):
        pass
    table = pandas.read_parquet(folder / "pairs.parquet")
    assert (len(table), list(table.columns)) == (0, list(COLUMNS))
