"""Which files a path, a folder, a pattern and a list of these mean, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.config.prompt_files import are_several, prompt_files, prompt_folder
from judgeforge.errors import InputError


def made(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x\n")
    return [folder / name for name in names]


def names(found: list[Path]) -> list[str]:
    return [file.name for file in found]


def test_one_file_is_itself_whether_it_is_there_or_not(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    assert prompt_files(file) == [file]
    assert not are_several(file)
    assert prompt_folder(file) == tmp_path


@pytest.mark.parametrize("name", ["*.jsonl", "?.jsonl", "[a-z].jsonl", "**/*.jsonl"])
def test_those_of_a_pattern_come_by_name_without_hidden_ones(tmp_path: Path, name: str) -> None:
    made(tmp_path, "b.jsonl", "a.jsonl", "notes.md", ".c.jsonl")
    (tmp_path / "d.jsonl").mkdir()
    assert names(prompt_files(tmp_path / name)) == ["a.jsonl", "b.jsonl"]
    assert are_several(tmp_path / name)
    assert prompt_folder(tmp_path / name) == (None if "**" in name else tmp_path)


def test_a_file_or_a_folder_whose_own_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    (file,) = made(tmp_path, "set[1]/p[2].jsonl")
    assert prompt_files(file) == [file]
    assert prompt_files(tmp_path / "set[1]" / "*.jsonl") == [file]
    assert prompt_folder(tmp_path / "set[1]" / "*.jsonl") == tmp_path / "set[1]"


def test_those_of_a_list_come_as_they_are_named_and_once(tmp_path: Path) -> None:
    b, a = made(tmp_path, "x/b.jsonl", "y/a.csv")
    assert prompt_files([b, a, tmp_path / "x" / "*.jsonl"]) == [b, a]
    assert prompt_folder([b, a]) is None
    assert prompt_folder([b, b.with_name("c.jsonl")]) == b.parent
    assert are_several([b])


def test_those_of_a_folder_are_the_ones_whose_ending_is_known(tmp_path: Path) -> None:
    made(tmp_path, "2.jsonl.gz", "1.jsonl", "README.md", ".hidden.jsonl", "below/3.jsonl")
    assert names(prompt_files(tmp_path)) == ["1.jsonl", "2.jsonl.gz"]
    assert prompt_folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("there", "path", "said"),
    [
        (["p.csv"], "*.jsonl", "no file has such a name"),
        (["README.md"], "", "`hf: {name: "),
        (["state.json", "data.arrow"], "", "`hf: {name: "),
        (["a.jsonl", "notes.txt"], "", "files of several formats (a.jsonl, notes.txt)"),
    ],
)
def test_what_is_not_clear_is_told(tmp_path: Path, there: list[str], path: str, said: str) -> None:
    made(tmp_path, *there)
    with pytest.raises(InputError) as caught:
        prompt_files(tmp_path / path)
    assert said in str(caught.value)
