"""Hugging Face datasets in local folders (the hub is read the same way)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.errors import InputError
from tests.support.input_files import (
    only_skip,
    prompts,
    read,
    read_hf,
    skips,
    texts,
    write,
    write_jsonl,
)


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def rows() -> datasets.Dataset:
    return datasets.Dataset.from_dict(
        {
            "id": ["a", "b"],
            "prompt": [[{"role": "user", "content": text}] for text in ("Why?", "How?")],
            "reference": ["because", None],
        }
    )


def test_a_saved_dataset_is_read(tmp_path: Path) -> None:
    rows().save_to_disk(tmp_path / "data")
    found = prompts(read_hf(tmp_path / "data"))
    assert [(row.id, row.line, row.reference) for row in found] == [
        ("a", 1, "because"),
        ("b", 2, None),
    ]
    assert texts(found) == ["Why?", "How?"]


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    "long",
    [
        {"prompt": "x" * 3000},
        {"metadata": {"a": ["y" * 1500] * 2}},
        {"completions": [{"text": "z" * 1500, "model": "m"}] * 2},
        {"prompt": [{"role": "user", "content": "x" * 3000}]},
    ],
)
def test_a_row_that_is_longer_than_a_line_may_be_is_one_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: dict[str, Any], streaming: bool
) -> None:
    monkeypatch.setattr("judgeforge.inputs.hugging_face.LONGEST_LINE", 2000)
    short = dict.fromkeys(long) | {"prompt": "Why?"}
    if isinstance(long.get("prompt"), list):
        short["prompt"] = [{"role": "user", "content": "Why?"}]
    folder = tmp_path / "data"
    folder.mkdir()
    datasets.Dataset.from_list([{"prompt": "Who?", **long}, short]).to_parquet(folder / "a.parquet")
    found = read_hf(folder, streaming=streaming)
    assert skips(found) == [(1, "too_long")]
    assert texts(found) == ["Why?"]


def test_a_split_of_saved_datasets_is_read(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": rows(), "test": rows().select([1])}).save_to_disk(
        tmp_path / "data"
    )
    assert texts(read_hf(tmp_path / "data", split="test")) == ["How?"]
    with pytest.raises(InputError, match=r"no split `tset` \(there are train, test\).*`test`"):
        read_hf(tmp_path / "data", split="tset")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_folder_of_parquet_files_is_read(tmp_path: Path, streaming: bool) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        pq.write_table(
            pa.table({"prompt": [f"{name}1", f"{name}2"]}), tmp_path / f"data/{name}.parquet"
        )
    assert texts(read_hf(tmp_path / "data", streaming=streaming)) == ["a1", "a2", "b1", "b2"]


def test_a_folder_of_json_lines_is_streamed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_jsonl(tmp_path / "data" / "a.jsonl", [{"q": "x", "gold": None}, {"q": " ", "gold": "g"}])
    found = read_hf(tmp_path / "data", fields={"prompt": "q", "reference": "gold"})
    assert texts(found) == ["x"]
    assert skips(found) == [(2, "empty_prompt")]
    assert only_skip(found[1:]).detail.startswith(f"dataset {tmp_path / 'data'}:2: ")
    with pytest.raises(InputError, match="no column `golden`"):
        read_hf(tmp_path / "data", fields={"prompt": "q", "reference": "golden"})


def test_columns_that_nobody_asked_for_are_not_decoded(tmp_path: Path) -> None:
    pictures = rows().add_column("picture", [{"bytes": b"no picture", "path": None}] * 2)
    pictures.cast_column("picture", datasets.Image()).save_to_disk(tmp_path / "data")
    assert texts(read_hf(tmp_path / "data")) == ["Why?", "How?"]


def test_a_missing_column_is_an_error(tmp_path: Path) -> None:
    rows().save_to_disk(tmp_path / "data")
    with pytest.raises(InputError, match=r"no column `promt`.*did you mean `prompt`"):
        read_hf(tmp_path / "data", fields={"prompt": "promt"})


def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        read_hf(tmp_path / "nowhere")


def test_a_file_is_pointed_to_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="read it with `path:`"):
        read_hf(write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a"}]))


def test_a_dataset_that_cannot_be_had_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"dataset nobody/nothing: cannot be opened \(.+\)"
    ) as caught:
        read_hf("nobody/nothing")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("chosen", [logging.WARNING, logging.INFO], ids=["default", "chosen"])
def test_a_hub_that_nobody_reaches_is_one_sentence_and_no_lines_of_its_client(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, chosen: int
) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub = logging.getLogger("huggingface_hub")
    before = hub.level
    try:
        hub.setLevel(chosen)
        with pytest.raises(InputError, match=r"nobody/nothing.*the network \(HF_HUB_OFFLINE=1"):
            read_hf("nobody/nothing")
        assert hub.level == chosen
    finally:
        hub.setLevel(before)
    told = [line for line in caplog.messages if "Retry" in line]
    assert bool(told) is (chosen == logging.INFO)


def test_an_unknown_split_of_a_folder_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_jsonl(tmp_path / "data" / "a.jsonl", [{"prompt": "x"}])
    with pytest.raises(InputError, match=r"cannot be opened.*train"):
        read_hf(tmp_path / "data", split="trian")


def test_a_file_that_breaks_off_is_an_error_with_the_row(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "data" / "a.jsonl", '{"prompt": "x"}\n{"prompt": \n')
    with pytest.raises(InputError, match=r"dataset .*data: cannot be"):
        read_hf(tmp_path / "data")


def test_path_to_a_saved_dataset_is_pointed_to_hf(tmp_path: Path) -> None:
    rows().save_to_disk(tmp_path / "data")
    with pytest.raises(InputError, match=r"`hf: \{name: data\}`"):
        read(tmp_path / "data")


def test_a_dataset_of_a_known_shape_is_recognised_by_its_columns(tmp_path: Path) -> None:
    turn = {"from": "human", "value": "Why?"}
    rows = [{"source": "web", "conversations": [turn]}]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "d")
    (prompt,) = read_hf(tmp_path / "d")
    assert [(one.role, one.content) for one in prompt.messages] == [("user", "Why?")]
