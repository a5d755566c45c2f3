"""`load_dataset` on one run folder and on several together, as docs/training.md tells it.

With the real library and without a network: folders differ in columns, nulls come first or last.
"""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from judgeforge.records import PreferencePair
from judgeforge.results.card import write_card
from judgeforge.results.export.arrow import open_parquet, pairs_dataset, read_columns
from judgeforge.results.export.export import export_pairs
from judgeforge.store.folder import RunFolder
from tests.support.hand_made import manifest, pair, pair_figures, run_folder, without_cost
from tests.support.rich_pairs import picture_pair, thought_pair, tool_pair

PAIRS = {
    "plain": [pair("p1")],
    "no-cost": [without_cost(pair("p2"))],
    "tools": [pair("p3"), tool_pair("p4")],
    "thoughts": [thought_pair("p5")],
    "pictures": [picture_pair("p6"), pair("p7")],
    "metadata": [
        pair("p8", metadata={"source": "web", "n": 1, "odd": {"a": [1]}}),
        pair("p9", metadata={"source": None, "n": 0.5, "odd": "x"}),
    ],
}


def finished(path: Path, pairs: list[PreferencePair]) -> Path:
    """With the files that a run makes of its pairs."""
    folder = RunFolder(run_folder(path, pairs))
    columns = read_columns(folder.pairs)
    lines = folder.pairs.read_bytes().splitlines(keepends=True)
    folder.pairs.write_bytes(b"".join(map(columns.written, lines)))
    figures = pair_figures(pairs)
    write_card(folder, figures, manifest())
    with open_parquet(folder.pairs_parquet, columns) as write:
        for one in pairs:
            write(one.model_dump_json().encode() + b"\n")
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    return {name: finished(place / name, pairs) for name, pairs in PAIRS.items()}


@pytest.fixture
def load(tmp_path: Path) -> Any:
    from datasets import load_dataset

    def loaded(*names: Any, **options: Any) -> Any:
        return load_dataset(*names, split="train", cache_dir=str(tmp_path / "cache"), **options)

    return loaded


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", PAIRS)
def test_one_folder_gives_its_rows_as_they_are_from_each_of_its_files(
    folders: dict[str, Path], name: str, load: Any
) -> None:
    folder = folders[name]
    lines = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    ways = [
        load(str(folder)),
        load("parquet", data_files=str(folder / "pairs.parquet")),
        pairs_dataset(folder / "pairs.jsonl"),
    ]
    for data in ways:
        assert without_nulls(list(data)) == without_nulls(lines)
        assert data.features == ways[0].features


@pytest.mark.parametrize("names", [*permutations(["plain", "no-cost"])])
def test_folders_of_the_same_columns_load_together_from_parquet_in_any_order(
    folders: dict[str, Path], names: tuple[str, ...], load: Any
) -> None:
    data = load("parquet", data_files=[str(folders[name] / "pairs.parquet") for name in names])
    assert data["prompt_id"][:] == [one.prompt_id for name in names for one in PAIRS[name]]


@pytest.mark.parametrize("target", ["trl", "parquet"])
@pytest.mark.parametrize("names", [tuple(PAIRS), tuple(PAIRS)[::-1]])
def test_folders_of_different_columns_are_exported_together(
    folders: dict[str, Path], names: tuple[str, ...], target: str, load: Any, tmp_path: Path
) -> None:
    export_pairs([folders[name] for name in names], target=target, to=tmp_path / "all")
    data = load(str(tmp_path / "all"))
    made = [one for name in names for one in PAIRS[name]]
    assert data.num_rows == len(made)
    assert data["tools"][:] == [one.tools for one in made]
    chosen = data.select_columns("chosen")
    thoughts = [row["chosen"][0]["reasoning_content"] for row in chosen]
    assert thoughts == [one.chosen[0].reasoning_content for one in made]
    calls = [len(row["chosen"][0]["tool_calls"] or ()) for row in chosen]
    assert calls == [len(one.chosen[0].tool_calls) for one in made]
    odd = [row and row["odd"] for row in data["metadata"]]
    assert [one for one in odd if one is not None] == [
        value for name in names if name == "metadata" for value in ({"a": [1]}, "x")
    ]
