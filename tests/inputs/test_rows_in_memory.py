"""Whatever a program holds rows in becomes lines, in order; what JSON has no form for is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from datasets import Dataset, IterableDataset
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.errors import InputError
from judgeforge.inputs.rows_in_memory import write_rows

ROWS = [{"prompt": "One?", "n": 1}, {"prompt": "Two?", "n": 2}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)  # fmt: skip


def lines(rows: object, column: str = "prompt") -> list[Any]:
    file = BytesIO()
    number = write_rows(rows, file, text_column=column)
    found = [json.loads(line) for line in file.getvalue().splitlines()]
    assert len(found) == number
    return found


@given(st.lists(st.dictionaries(st.text(), JSON), min_size=1))
def test_what_json_has_a_form_for_comes_back_as_it_was(rows: list[dict[str, Any]]) -> None:
    assert lines(rows) == rows


@pytest.mark.parametrize(
    "held",
    [
        list,
        tuple,
        iter,
        lambda rows: (MappingProxyType(row) for row in rows),
        Dataset.from_list,
        lambda rows: Dataset.from_list(rows).with_format("numpy"),
        lambda rows: IterableDataset.from_generator(lambda: iter(rows)),
        lambda rows: Dataset.from_list(rows).data.table,
        lambda rows: Dataset.from_list(rows).to_pandas(),
    ],
)
def test_rows_may_be_held_in_anything(held: Callable[[Any], Iterable[Any]]) -> None:
    assert lines(held(ROWS)) == ROWS


def test_a_text_stands_in_the_column_of_prompts() -> None:
    assert lines(["One?", {"q": "Two?"}], column="q") == [{"q": "One?"}, {"q": "Two?"}]
    assert lines(np.array(["One?"])) == [{"prompt": "One?"}]


def test_numbers_and_arrays_of_numpy_become_those_of_json() -> None:
    row = {"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True), "d": np.arange(2)}
    assert lines([{"prompt": "One?", "metadata": row}])[0]["metadata"] == {
        "a": 0.5, "b": 3, "c": True, "d": [0, 1],
    }  # fmt: skip


def test_a_field_that_a_table_leaves_empty_is_null() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame([{"prompt": "One?", "reference": "1"}, {"prompt": "Two?", "n": 2.0}])
    assert lines(table) == [
        {"prompt": "One?", "reference": "1", "n": None},
        {"prompt": "Two?", "reference": None, "n": 2.0},
    ]


def test_half_a_surrogate_pair_is_left_to_the_checks_of_rows() -> None:
    assert lines(["half \ud800"]) == [{"prompt": "half \ud800"}]


def contains_itself() -> dict[str, Any]:
    row: dict[str, Any] = {"prompt": "Two?"}
    row["again"] = [row]
    return row


class Image:
    """As a decoded column of pictures holds them."""


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"score": float("nan")}, "`score`, is nan"),
        ({"metadata": {"m": [1, np.float32("inf")]}}, r"`metadata.m.1`, is inf"),
        ({"prompt": b"One?"}, "`prompt`, is of type bytes, which JSON has no form for"),
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, "`at`, is of type datetime,"),
        ({"at": np.datetime64("2026-01-02")}, "`at`, is of type date,"),
        ({"images": [Image()]}, "`images.0`, is of type Image"),
        ({"n": np.longdouble(1)}, "`n`, is of type longdouble"),
        ({"metadata": {(1, 2): 3}}, "`metadata`, has a key of type tuple"),
        ({"kinds": {"a"}}, "`kinds`, is of type set"),
        (contains_itself(), "`again`, is nested too deeply, or contains itself"),
        (["One?"], "is a list; a row is a mapping"),
        (3, "is a number; a row is a mapping"),
        (None, "is null; a row is a mapping"),
    ],
)
def test_what_json_has_no_form_for_is_named_with_its_row(row: object, words: str) -> None:
    with pytest.raises(InputError, match=rf"^row 2 of `prompts`,? ?{words}") as raised:
        lines(["One?", row])
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("rows", [[], iter(()), Dataset.from_list([])])
def test_no_rows_at_all_are_a_mistake(rows: object) -> None:
    with pytest.raises(InputError, match="`prompts` has no rows"):
        lines(rows)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("prompts.jsonl", r"not the text 'prompts.jsonl'; .*load_config names a file"),
        (Path("prompts.jsonl"), "load_config names a file"),
        ({"train": ROWS}, r"not a value of type dict; name one of several splits"),
        (3, "prompts must be rows .* not 3"),
    ],
)
def test_what_holds_no_rows_is_a_mistake_of_the_program(rows: object, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        lines(rows)
