"""What Python wrote as a text is read as what it says, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.inputs.literals import python_value
from tests.support.input_files import only_skip, prompts, read, write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("""["It's", 'b']""", ["It's", "b"]),
        ("{'a': None, 'b': [True, 1.5]}", {"a": None, "b": [True, 1.5]}),
        (" ['a',\n 'b'] ", ["a", "b"]),
        ("[]", []),
    ],
)
def test_lists_and_dictionaries_are_read(text: str, value: object) -> None:
    assert python_value(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "['a' 'b']",  # numpy's list of two, to Python a list of one
        "['a'\n 'b']",
        "[array(['a'])]",
        "[nan]",
        "__import__('os')",
        "[__import__('os')]",
        "'a'",
        "5",
        "",
        "[",
        "[" * 10_000,
        "{'a': [}",
        "{[]: 1}",
        "[" + "'a'," * 300_000 + "]",
    ],
)
def test_anything_else_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        python_value(text)


def test_lists_that_pandas_saved_as_csv_are_completions_and_metadata(tmp_path: Path) -> None:
    file = write(
        tmp_path / "p.csv",
        """prompt,completions,metadata\nWhy?,"[""It's so"", 'No idea']","{'domain': 'a'}"\n""",
    )
    (prompt,) = prompts(read(file))
    assert [one.text for one in prompt.completions] == ["It's so", "No idea"]
    assert prompt.metadata == {"domain": "a"}


def test_lists_that_numpy_saved_are_a_skip_and_never_one_answer(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", "prompt,completions\nWhy?,\"['It is so' 'No idea']\"\n")
    assert "cannot be read" in only_skip(read(file)).detail
