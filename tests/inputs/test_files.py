"""A source that cannot be read at all is one clear sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs.files import check_files
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.store.folder import RunFolder
from tests.support.input_files import read, skips, texts, write, write_jsonl


def message(file: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read(file, **options)
    text = str(caught.value)
    assert str(file) in text
    assert "\n" not in text
    return text


def test_a_missing_file_with_the_nearest_name(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "prompts.jsonl", [{"prompt": "a"}])
    assert "did you mean `prompts.jsonl`?" in message(tmp_path / "promts.jsonl")


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "no such file" in message(tmp_path / "nowhere" / "p.jsonl")
    assert "download it" in message(tmp_path / "https://example.com/p.jsonl")
    assert "no file has such a name" in message(tmp_path / "*.jsonl")


def test_a_path_through_a_file(tmp_path: Path) -> None:
    write(tmp_path / "p.jsonl", "x")
    assert "cannot be read" in message(tmp_path / "p.jsonl" / "q.jsonl")


def test_a_folder_is_pointed_to_hf(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "`hf: {name: data}`" in message(tmp_path / "data")


def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.jsonl")
    assert "not a regular file" in message(tmp_path / "p.jsonl")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a"}])
    file.chmod(0)
    assert "Permission denied" in message(file)


def test_an_unknown_ending(tmp_path: Path) -> None:
    file = write(tmp_path / "p.yaml", '{"prompt": "a"}\n')
    assert "say `format:` jsonl, json, csv, tsv, parquet, text" in message(file)
    assert texts(read(file, format="jsonl")) == ["a"]


def test_an_ending_in_capitals(tmp_path: Path) -> None:
    assert texts(read(write(tmp_path / "P.TXT", "a\n"))) == ["a"]


@pytest.mark.parametrize("content", ["", "\n \n\n"])
@pytest.mark.parametrize("name", ["p.jsonl", "p.txt", "p.csv"])
def test_a_file_without_a_row(tmp_path: Path, name: str, content: str) -> None:
    text = message(write(tmp_path / name, content))
    assert "is empty" in text or "has no rows" in text or "has no header" in text


def test_a_file_whose_name_is_not_utf_8_still_gives_skips_that_can_be_written(
    tmp_path: Path,
) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/p-\xff.jsonl"))
    try:
        file.write_text("bad\n")
    except OSError:
        pytest.skip("this file system takes no such name")
    (skip,) = read(file)
    assert "invalid_row" in skip.model_dump_json()


def test_the_file_is_closed_when_reading_stops_early(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"prompt": str(n)} for n in range(9)])
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    rows = read_prompts(PromptsConfig(path=file), RowChecks())
    next(rows)
    assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208
    del rows
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_source_is_one_thing_only() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        PromptsConfig.model_validate({"path": "p.jsonl", "hf": {"name": "x"}})


def test_every_format_gives_the_same_faults_for_the_same_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts_of_rows = ["fine", "", "\x07bell", "fine", "tab\tand\nend"]
    jsonl = write_jsonl(tmp_path / "p.jsonl", [{"prompt": text} for text in texts_of_rows])
    table = tmp_path / "p.parquet"
    pq.write_table(pa.table({"prompt": texts_of_rows}), table)
    cells = "".join(f'"{text}"\n' for text in ["prompt", *texts_of_rows])
    found = [read(file) for file in (jsonl, table, write(tmp_path / "p.csv", cells))]
    faults = ["empty_prompt", "control_characters", "duplicate_prompt"]
    assert [[reason for _, reason in skips(rows)] for rows in found] == [faults] * 3
    ids = [[row.id for row in rows if not hasattr(row, "reason")] for rows in found]
    assert ids[0] == ids[1] == ids[2]


def test_a_pattern_takes_in_no_results_of_runs_below_it(tmp_path: Path) -> None:
    run, data = tmp_path / "runs" / "first", tmp_path / "data"
    for folder in (run / "state" / "more", data):
        folder.mkdir(parents=True)
    RunFolder(run).journal_file.touch()
    asked = write_jsonl(data / "a.jsonl", [{"prompt": "Asked?"}])
    result = write_jsonl(run / "pairs.jsonl", [{"prompt": "Answered?"}])
    write_jsonl(run / "state" / "more" / "kept.jsonl", [{"prompt": "Kept?"}])
    assert check_files(tmp_path / "**" / "*.jsonl") == [asked]
    assert check_files(run / "p*.jsonl") == [result], "its folder is named"
    assert check_files([result, tmp_path / "**" / "*.jsonl"]) == [result, asked]
    with pytest.raises(InputError, match="no file has such a name but in the folders of runs"):
        check_files(tmp_path / "runs" / "*" / "*.jsonl")
