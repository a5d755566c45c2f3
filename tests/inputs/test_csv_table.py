"""CSV with a header."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.errors import InputError
from judgeforge.inputs.csv_table import LONGEST_ROW
from tests.support.input_files import only_skip, prompts, read, skips, texts, write


def test_cells_become_a_prompt(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", 'id,prompt,reference\n007,"Say ""hi"", twice",hi\n')
    (prompt,) = prompts(read(file))
    assert (prompt.id, prompt.reference) == ("007", "hi")
    assert prompt.messages[0].content == 'Say "hi", twice'


def test_json_cells_hold_messages_metadata_and_completions(tmp_path: Path) -> None:
    messages = [{"content": "Be brief.", "role": "system"}, {"role": "user", "content": "Hi"}]
    file = tmp_path / "p.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["prompt", "metadata", "completions"])
        writer.writerow([json.dumps(messages), '{"a": 1}', '["x", {"text": "y", "model": "m"}]'])
    (prompt,) = prompts(read(file))
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert prompt.metadata == {"a": 1}
    assert [one.text for one in prompt.completions] == ["x", "y"]


def test_a_prompt_that_only_begins_like_a_list_is_text(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", 'prompt\n"[1] Explain this footnote"\n"[1, 2]"\n')
    assert texts(read(file)) == ["[1] Explain this footnote", "[1, 2]"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("prompt", '[{""role"": ""user""'),
        ("metadata", "{x}"),
        ("metadata", '{""x"": NaN}'),
        ("completions", "one; two"),
        ("completions", '{""text"": ""x""}'),
    ],
)
def test_json_that_cannot_be_read_is_a_skip_with_the_id(
    tmp_path: Path, column: str, cell: str
) -> None:
    names = ["id", "prompt"] + [column] * (column != "prompt")
    cells = ["q1", "a", f'"{cell}"'] if column != "prompt" else ["q1", f'"{cell}"']
    file = write(tmp_path / "p.csv", f"{','.join(names)}\n{','.join(cells)}\n")
    skip = only_skip(read(file))
    assert (skip.prompt_id, skip.line, skip.reason) == ("q1", 2, "invalid_row")
    assert f"`{column}`" in skip.detail


def test_empty_cells_are_absent_values_and_an_empty_prompt_is_empty(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", "id,prompt,reference,metadata,completions\n,a,,,\nx,,,,\n")
    rows = read(file)
    (prompt,) = prompts(rows)
    assert (prompt.reference, prompt.metadata, prompt.completions) == (None, {}, ())
    assert len(prompt.id) == 16
    assert skips(rows) == [(3, "empty_prompt")]


def test_lines_are_counted_in_the_file_also_after_cells_of_several_lines(tmp_path: Path) -> None:
    content = '\ufeffprompt,id\r\n"a\r\nb",1\r\n\r\nc,2\r\n"d\n\ne",3\r\nf,4\r\n'
    rows = prompts(read(write(tmp_path / "p.csv", content)))
    assert [(row.line, row.id) for row in rows] == [(2, "1"), (5, "2"), (6, "3"), (9, "4")]
    assert texts(rows) == ["a\nb", "c", "d\n\ne", "f"]


def test_a_row_of_another_width_is_a_skip(tmp_path: Path) -> None:
    rows = read(write(tmp_path / "p.csv", "id,prompt\n1,a\n2,b, c\n3\n4,d\n"))
    assert skips(rows) == [(3, "invalid_row"), (4, "invalid_row")]
    assert "3 cells, the header 2" in only_skip(rows[1:2]).detail
    assert texts(rows) == ["a", "d"]


def test_a_stray_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    content = 'id,prompt\n1,a\n2,"never closed\n3,c\n4,"quoted"\n5,e\n6,"again open\n7,g\n'
    rows = read(write(tmp_path / "p.csv", content))
    assert skips(rows) == [(3, "invalid_row"), (7, "invalid_row")]
    assert texts(rows) == ["a", "c", "quoted", "e", "g"]
    assert [row.line for row in prompts(rows)] == [2, 4, 5, 6, 8]


def test_a_stray_quote_in_a_large_file_costs_its_own_row_only(tmp_path: Path) -> None:
    many = 3000
    body = "".join(f"{n},{'some words' * 150} for number {n}\n" for n in range(many))
    assert len(body) > LONGEST_ROW
    rows = read(write(tmp_path / "p.csv", f'id,prompt\nx,"open\n{body}'))
    assert skips(rows) == [(2, "invalid_row")]
    assert len(rows) == many + 1


def test_a_line_beyond_all_bounds_is_a_skip(tmp_path: Path) -> None:
    content = f'id,prompt\n1,{"x" * LONGEST_ROW}\n2,"open\n3,{"x" * LONGEST_ROW}\n4,d\n'
    rows = read(write(tmp_path / "p.csv", content))
    assert skips(rows) == [(2, "too_long"), (3, "invalid_row"), (4, "too_long")]
    assert texts(rows) == ["d"]


def test_a_row_in_another_encoding_is_one_skip(tmp_path: Path) -> None:
    content = b'prompt,note\na,caf\xe9\nb,caf\xc3\xa9\n"c\n\xe9\nd",x\ne,x\n'
    rows = read(write(tmp_path / "p.csv", content))
    assert skips(rows) == [(2, "invalid_encoding"), (4, "invalid_encoding")]
    assert texts(rows) == ["b", "e"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("question,id\na,1\n", "no column `prompt` (there are question, id)"),
        ("promt,id\na,1\n", "did you mean `promt`?"),
        ("prompt;id\na;1\n", "separated by ';'"),
        ("prompt,prompt\na,b\n", "two columns are called `prompt`"),
        ('"prompt\na,b\n', ":1: the header cannot be read"),
        ("prompt,id\n", "has no rows"),
    ],
)
def test_a_header_that_cannot_be_used_is_an_error(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / "p.csv", content))
    assert says in str(caught.value)


def test_a_column_that_fields_names_must_be_in_the_header(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", "prompt,gold\na,\n")
    with pytest.raises(InputError, match=r"no column `golden`.*did you mean `gold`"):
        read(file, fields={"reference": "golden"})
    assert texts(read(file, fields={"reference": "gold"})) == ["a"]


FOR_NOTHING = {"nan", "NaN", "NaT", "<NA>", "None", "null", "NULL", "#N/A", "[object Object]"}


def _says_something(text: str) -> bool:
    """What shows nothing, and what tables write for nothing, is skipped as empty."""
    is_drawn = any(unicodedata.category(character)[0] in "LNPS" for character in text)
    return is_drawn and text.strip() not in FOR_NOTHING


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
            lambda text: _says_something(text) and not text.startswith("\ufeff")
        ),
        min_size=1,
        unique=True,
    )
)
def test_what_csv_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, written: list[str]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "p.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["prompt", "n"], *([text, "0"] for text in written)])
    assert texts(read(file)) == written


def test_tabs_may_stand_between_cells_where_the_ending_or_the_format_says_so(
    tmp_path: Path,
) -> None:
    told = 'prompt\tid\n"Say ""hi"", twice"\ta\nOne, two?\tb\n'
    assert texts(read(write(tmp_path / "p.tsv", told))) == ['Say "hi", twice', "One, two?"]
    assert texts(read(write(tmp_path / "p.tab", told), format="tsv"))[1] == "One, two?"


@pytest.mark.parametrize(
    ("name", "mark", "said"), [("p.csv", "\t", "`format: tsv`"), ("p.tsv", ",", "`format: csv`")]
)
def test_the_format_of_the_other_separator_is_told(
    tmp_path: Path, name: str, mark: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(write(tmp_path / name, f"prompt{mark}id\nOne?{mark}a\n"))
