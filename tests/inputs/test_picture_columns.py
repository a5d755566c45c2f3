"""Pictures in a column of their own: what a value may be, where they go, and what is a skip."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.inputs.rows_in_memory import write_rows
from judgeforge.records import Prompt
from judgeforge.text.messages import TextPart
from tests.support.input_files import only_skip, prompts, read, read_hf, write, write_jsonl

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
LINKS = [f"https://example.org/{number}.png" for number in (1, 2, 3)]


def shown(prompt: Prompt, place: int = 0) -> list[str]:
    """The words and the pictures of a message, in order."""
    content = prompt.messages[place].content
    if content is None or isinstance(content, str):
        return [content or ""]
    return [part.text if isinstance(part, TextPart) else part.image_url.url for part in content]


def of_row(folder: Path, row: dict[str, Any], **options: Any) -> list[Any]:
    (folder / "cat.png").write_bytes(PNG)
    return read(write_jsonl(folder / "p.jsonl", [row]), **options)


@pytest.mark.parametrize("column", ["image", "images"])
@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("cat.png", "cat.png"),
        (LINKS[0], LINKS[0]),
        (DATA, DATA),
        ({"url": LINKS[0]}, LINKS[0]),
        ({"path": "cat.png"}, "cat.png"),
        ({"bytes": None, "path": "cat.png"}, "cat.png"),
        ([DATA], DATA),
    ],
)
def test_a_picture_may_be_given_in_many_ways(
    tmp_path: Path, column: str, value: object, url: str
) -> None:
    (prompt,) = prompts(of_row(tmp_path, {"prompt": "What is it?", column: value}))
    assert shown(prompt) == [url, "What is it?"]


@pytest.mark.parametrize("mark", ["<image>", "<image_1>", "<|image|>", "<|image_pad|>"])
@pytest.mark.parametrize("words", ["{}\nWhat is it?", "{}What is it?", "{}\r\nWhat is it?"])
def test_it_goes_to_its_place_in_the_words(tmp_path: Path, mark: str, words: str) -> None:
    row = {"prompt": words.format(mark), "image": LINKS[0]}
    (prompt,) = prompts(of_row(tmp_path, row))
    assert shown(prompt) == [LINKS[0], "What is it?"]


def test_several_go_in_order_into_the_places_of_all_turns_of_the_user(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "You see what stands for <image>."},
        {"role": "user", "content": "<image>\nLike <image> here?"},
        {"role": "assistant", "content": "An <image>."},
        {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "image"}]},
    ]
    (prompt,) = prompts(of_row(tmp_path, {"prompt": turns, "images": LINKS}))
    assert [shown(prompt, place) for place in range(4)] == [
        ["You see what stands for <image>."],
        [LINKS[0], "Like ", LINKS[1], " here?"],
        ["An <image>."],
        ["And", LINKS[2]],
    ]


ANSWERS = {
    "chosen": [{"role": "assistant", "content": "A cat."}],
    "rejected": [{"role": "assistant", "content": "A dog."}],
}
PLACED = [{"type": "image", "text": None}, {"type": "text", "text": "What is it?"}]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "What is it?"}]},
        {"messages": [{"role": "user", "content": PLACED}]},
        {"conversations": [{"from": "human", "value": "<image>\nWhat is it?"}]},
        {"prompt": [{"role": "user", "content": PLACED}], **ANSWERS},
        {"question": "What is it?", "chosen": "A cat.", "rejected": "A dog."},
        {"instruction": "What is it?", "input": ""},
        {"prompt": "What is it?", "response": "A cat.", "score": 1.0},
    ],
)
def test_rows_of_every_shape_have_them(tmp_path: Path, row: dict[str, Any]) -> None:
    checked = of_row(tmp_path, {**row, "images": [LINKS[0]]})
    assert shown(prompts(checked)[0]) == [LINKS[0], "What is it?"]


def test_answers_to_two_pictures_are_not_answers_to_one_prompt(tmp_path: Path) -> None:
    rows = [
        {"prompt": "What is it?", "response": f"{name} {link}", "score": score, "image": link}
        for link in LINKS[:2]
        for name, score in (("A cat", 2.0), ("A dog", 1.0))
    ]
    read_rows = read(write_jsonl(tmp_path / "p.jsonl", rows), shape="scored")
    assert [shown(prompt)[0] for prompt in prompts(read_rows)] == LINKS[:2]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "<image> What?", "images": LINKS}, "1 place for pictures, and the row has 3"),
        ({"prompt": "<image> or <image>?", "image": DATA}, "2 places for pictures"),
        ({"prompt": "<image_2> or <image_1>?", "images": LINKS[:2]}, "numbered 2, 1"),
        ({"prompt": "What?", "image": 7}, "picture 1 of the row names no picture"),
        ({"prompt": "What?", "images": [DATA, None]}, "picture 2 of the row names no picture"),
        ({"prompt": "What?", "image": "dog.png"}, "there is no such file"),
        ({"prompt": "What?", "image": "/etc/passwd"}, "starts at the folder of the input"),
        ({"prompt": "What?", "image": "data:image/png;base64,eA=="}, "are not those of a PNG"),
        (
            {
                "prompt": [{"role": "user", "content": [{"type": "image", "url": LINKS[0]}]}],
                "image": DATA,
            },
            "in its messages and in a column",
        ),
    ],
)
def test_what_cannot_be_shown_is_a_skip_with_advice(
    tmp_path: Path, row: dict[str, Any], said: str
) -> None:
    skip = only_skip(of_row(tmp_path, row))
    assert (skip.reason, skip.line) == ("invalid_row", 1)
    assert said in skip.detail
    assert "`fields: {images: null}` leaves the column out" in skip.detail


@pytest.mark.parametrize("more", [{}, {"image": None}, {"images": []}, {"image": ""}])
def test_where_there_is_no_picture_a_mark_is_a_word_like_others(
    tmp_path: Path, more: dict[str, object]
) -> None:
    row = {"prompt": "What does <image> do in a template?", **more}
    (prompt,) = prompts(of_row(tmp_path, row))
    (plain,) = prompts(of_row(tmp_path, {"prompt": row["prompt"]}))
    assert shown(prompt) == [row["prompt"]]
    assert prompt.id == plain.id


def test_the_configuration_names_another_column_or_none(tmp_path: Path) -> None:
    row = {"prompt": "What is it?", "picture": LINKS[0], "image": LINKS[1]}
    (named,) = prompts(of_row(tmp_path, row, fields={"images": "picture"}))
    (none,) = prompts(of_row(tmp_path, row, fields={"images": None}))
    assert shown(named) == [LINKS[0], "What is it?"]
    assert shown(none) == ["What is it?"]


def test_the_picture_counts_in_the_id(tmp_path: Path) -> None:
    rows = [{"prompt": "What is it?", "image": link} for link in LINKS]
    found = prompts(read(write_jsonl(tmp_path / "p.jsonl", rows)))
    assert len({prompt.id for prompt in found}) == len(LINKS)


def test_a_table_of_text_has_paths(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    rows = read(write(tmp_path / "p.csv", "prompt,image\n<image> What?,cat.png\nHello,\n"))
    assert [shown(prompt) for prompt in prompts(rows)] == [["cat.png", " What?"], ["Hello"]]


STORED = {"bytes": PNG, "path": "cat.png"}
"""As `datasets` stores a picture that it does not decode."""


@pytest.mark.parametrize("value", [STORED, [STORED], PNG])
def test_parquet_has_bytes(tmp_path: Path, value: object) -> None:
    table = pa.Table.from_pylist([{"prompt": "What is it?", "images": value}])
    pq.write_table(table, tmp_path / "p.parquet")
    (prompt,) = prompts(read(tmp_path / "p.parquet"))
    assert shown(prompt) == [DATA, "What is it?"]


def test_bytes_of_no_picture_are_a_skip(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([{"prompt": "What?", "image": {"bytes": b"%PDF", "path": "a"}}])
    pq.write_table(table, tmp_path / "p.parquet")
    assert "are not those of a PNG" in only_skip(read(tmp_path / "p.parquet")).detail


def dataset(*, several: bool) -> datasets.Dataset:
    feature = datasets.Image()
    columns = {
        "prompt": datasets.Value("string"),
        "images": datasets.List(feature) if several else feature,
    }
    row = {"prompt": "What is it?", "images": [STORED] if several else STORED}
    return datasets.Dataset.from_list([row]).cast(datasets.Features(columns))


@pytest.mark.parametrize("several", [False, True])
def test_a_dataset_gives_them_as_they_are_stored(tmp_path: Path, *, several: bool) -> None:
    dataset(several=several).save_to_disk(tmp_path / "data")
    (prompt,) = prompts(read_hf(tmp_path / "data"))
    assert shown(prompt) == [DATA, "What is it?"]


@pytest.mark.parametrize("several", [False, True])
def test_a_dataset_in_memory_gives_them_too(tmp_path: Path, *, several: bool) -> None:
    with (tmp_path / "p.jsonl").open("wb") as file:
        write_rows(dataset(several=several), file, text_column="prompt")
    (prompt,) = prompts(read(tmp_path / "p.jsonl"))
    assert shown(prompt) == [DATA, "What is it?"]
