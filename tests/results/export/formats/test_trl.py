"""TRL's rows: nothing that a pair holds is lost, and each column is for all rows or for none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.targets import ExportOptions
from tests.support.hand_made import manifest, pair, run_folder
from tests.support.pictures import png
from tests.support.rich_pairs import TOOLS, picture_pair, thought_pair, tool_pair
from tests.support.run_setup import rows


def loaded(place: Path, tmp_path: Path) -> Any:
    from datasets import load_dataset

    return load_dataset(str(place), split="train", cache_dir=str(tmp_path / "cache"))


def pictures(data: Any) -> list[list[bytes]]:
    """As they are stored: decoding them needs a library for images."""
    return [[image["bytes"] for image in row] for row in data.data["images"].to_pylist()]


def exported(tmp_path: Path, *pairs: PreferencePair, to: str = "out.jsonl", **options: Any) -> Path:
    folder = run_folder(tmp_path / "run", pairs)
    export_pairs(
        folder, target="trl", to=tmp_path / to, options=ExportOptions(**options), force=True
    )
    return tmp_path / to


def test_a_call_and_its_result_stand_as_they_were(tmp_path: Path) -> None:
    made = tool_pair()
    (row,) = rows(exported(tmp_path, made))
    assert row["tools"] == TOOLS
    assert row["prompt"] == [turn.model_dump(mode="json") for turn in made.prompt]
    call = row["chosen"][0]["tool_calls"][0]
    assert call["function"] == {"name": "weather", "arguments": '{"place": "Linz"}'}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_tools_are_a_column_of_all_rows_once_any_row_has_some(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    both = (pair("p1"), tool_pair())
    found = rows(exported(tmp_path, *(both[i] for i in order)))
    assert [row["tools"] for row in found] == [(None, TOOLS)[i] for i in order]
    (plain,) = rows(exported(tmp_path, pair("p1")))
    assert "tools" not in plain


def test_no_column_has_a_name_that_a_trainer_takes_for_something_else(tmp_path: Path) -> None:
    made = [pair("p1"), tool_pair(), thought_pair()]
    for row in rows(exported(tmp_path, *made)):
        assert not {"margin", "label", "images", "reference", "weight"} & row.keys()


def test_weights_are_there_on_request_and_follow_the_confidence(tmp_path: Path) -> None:
    made = [pair("p1", confidence=0.9), pair("p2", confidence=0.5)]
    found = rows(exported(tmp_path, *made, with_weight=True))
    assert [(row["soft_label"], row["weight"]) for row in found] == [(0.9, 0.8), (0.5, 0.0)]


@pytest.mark.parametrize("thinking", ["field", "inline", "drop"])
def test_thoughts_are_written_as_asked(tmp_path: Path, thinking: str) -> None:
    (row,) = rows(exported(tmp_path, thought_pair(), thinking=thinking))
    expected = {
        "field": {"role": "assistant", "content": "4", "reasoning_content": "Two and two."},
        "inline": {"role": "assistant", "content": "<think>\nTwo and two.\n</think>\n\n4"},
        "drop": {"role": "assistant", "content": "4"},
    }
    assert row["chosen"] == [expected[thinking]]


def test_a_folder_gets_parquet_where_columns_need_types(tmp_path: Path) -> None:
    made = [pair("p1"), tool_pair(), thought_pair()]
    data = loaded(exported(tmp_path, *made, to="out"), tmp_path)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["train.parquet"]
    assert data["tools"][:] == [None, TOOLS, None]
    function = data[1]["chosen"][0]["tool_calls"][0]["function"]
    assert function == {"name": "weather", "arguments": {"place": "Linz"}}
    assert data[2]["rejected"][0]["reasoning_content"] == "Two and three, I guess."


def test_arguments_of_calls_stay_text_where_that_is_wanted_and_what_is_no_json_always(
    tmp_path: Path,
) -> None:
    made = tool_pair()
    data = loaded(exported(tmp_path, made, to="text", arguments="text"), tmp_path)
    assert data[0]["chosen"][0]["tool_calls"][0]["function"]["arguments"] == '{"place": "Linz"}'
    broken = made.chosen[0].tool_calls[0].model_copy(update={"arguments": "{place: Linz"})
    chosen = made.chosen[0].model_copy(update={"tool_calls": (broken,)})
    odd = made.model_copy(update={"chosen": (chosen,)})
    data = loaded(exported(tmp_path, made, odd, to="odd"), tmp_path)
    found = [row["chosen"][0]["tool_calls"][0]["function"]["arguments"] for row in data]
    assert found == [{"place": "Linz"}, "{place: Linz"]


class TestPictures:
    def test_they_are_loaded_as_pictures_in_their_order(self, tmp_path: Path) -> None:
        made = [picture_pair(), pair("p1")]
        data = loaded(exported(tmp_path, *made, to="out"), tmp_path)
        assert str(data.features["images"]) == "List(Image(mode=None, decode=True))"
        assert pictures(data) == [[png(10), png(200)], []]
        content = data.select_columns("prompt")[0]["prompt"][0]["content"]
        assert [part["type"] for part in content] == ["text", "image", "image"]
        assert data.select_columns("prompt")[1]["prompt"][0]["content"] == [
            {"type": "text", "text": "Question p1?"}
        ]

    def test_a_file_is_read_from_the_folder_of_the_input(self, tmp_path: Path) -> None:
        (tmp_path / "input" / "shown").mkdir(parents=True)
        (tmp_path / "input" / "shown" / "one.png").write_bytes(png(77))
        folder = run_folder(tmp_path / "run", [picture_pair("p1", "shown/one.png")])
        made = manifest(config={"prompts": {"path": str(tmp_path / "input" / "prompts.jsonl")}})
        (folder / "manifest.json").write_text(json.dumps(made.as_json()), encoding="utf-8")
        export_pairs(folder, target="trl", to=tmp_path / "out")
        assert pictures(loaded(tmp_path / "out", tmp_path)) == [[png(77)]]
        (tmp_path / "input" / "shown" / "one.png").unlink()
        with pytest.raises(ConfigError, match=r"shown/one\.png .*: there is no such file"):
            export_pairs(folder, target="trl", to=tmp_path / "again")

    def test_each_folder_s_files_are_read_from_the_folder_of_its_own_input(
        self, tmp_path: Path
    ) -> None:
        folders = []
        for name, shade in (("one", 11), ("two", 22)):
            (tmp_path / name / "shown").mkdir(parents=True)
            (tmp_path / name / "shown" / "a.png").write_bytes(png(shade))
            folder = run_folder(tmp_path / f"run-{name}", [picture_pair(name, "shown/a.png")])
            made = manifest(config={"prompts": {"path": str(tmp_path / name / "prompts.jsonl")}})
            (folder / "manifest.json").write_text(json.dumps(made.as_json()), encoding="utf-8")
            folders.append(folder)
        export_pairs(folders, target="trl", to=tmp_path / "out")
        assert pictures(loaded(tmp_path / "out", tmp_path)) == [[png(11)], [png(22)]]

    def test_json_lines_are_refused_since_they_hold_none(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"hold no pictures. Name it out\.parquet"):
            exported(tmp_path, picture_pair())


def test_trl_itself_reads_every_row(tmp_path: Path) -> None:
    """Its own check of what is a conversation, where TRL is installed."""
    data_utils = pytest.importorskip("trl.data_utils")
    data = loaded(exported(tmp_path, tool_pair(), thought_pair(), to="out"), tmp_path)
    assert all(data_utils.is_conversational(row) for row in data)
