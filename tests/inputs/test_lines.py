"""JSON Lines and plain text: one prompt a line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from judgeforge.errors import InputError
from judgeforge.inputs.files import LONGEST_LINE
from judgeforge.records import Prompt
from tests.support.input_files import only_skip, prompts, read, skips, texts, write, write_jsonl


def test_a_row_becomes_a_prompt_with_all_that_it_brings(tmp_path: Path) -> None:
    row = {
        "id": "q7",
        "prompt": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "2 + 2?"},
            {"role": "assistant", "content": "4"},
            {"role": "user", "content": "And 3 + 3?"},
        ],
        "reference": "6",
        "metadata": {"topic": "sums", "levels": [1, 2.5, None, True]},
        "completions": ["6", {"text": "7", "model": "m"}, {"text": "8"}],
        "note": "a column that nobody asked for",
    }
    (prompt,) = prompts(read(write_jsonl(tmp_path / "p.jsonl", [row])))
    # The reader builds records without validating them again, so the test does.
    assert Prompt.model_validate_json(prompt.model_dump_json()) == prompt
    assert (prompt.id, prompt.line, prompt.reference) == ("q7", 1, "6")
    assert [message.model_dump() for message in prompt.messages] == row["prompt"]
    assert prompt.metadata == row["metadata"]
    assert [(one.text, one.model) for one in prompt.completions] == [
        ("6", None),
        ("7", "m"),
        ("8", None),
    ]


def test_fields_name_the_columns(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"question": "Why?", "key": 5, "gold": "Because."}])
    (prompt,) = prompts(read(file, fields={"prompt": "question", "id": "key", "reference": "gold"}))
    assert (prompt.id, prompt.messages[0].content, prompt.reference) == ("5", "Why?", "Because.")


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    rows = read(write(tmp_path / "p.jsonl", '\n{"prompt": "a"}\n \t\n\n{"prompt": "b"}'))
    assert [(row.line, row.messages[0].content) for row in prompts(rows)] == [(2, "a"), (5, "b")]
    assert len(rows) == 2


def test_byte_order_marks_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    one = b'\xef\xbb\xbf{"prompt": "a"}\r\n'
    assert texts(read(write(tmp_path / "p.jsonl", one + one.replace(b"a", b"b")))) == ["a", "b"]


def test_line_separators_of_unicode_do_not_end_a_line(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", '{"prompt": "a\u2028b"}\n')
    assert texts(read(file)) == ["a\u2028b"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{prompt: 1}", "not JSON"),
        (b'{"prompt": "a"', "not JSON"),
        (b'{"prompt": "a"} {"prompt": "b"}', "not JSON"),
        (b'{"prompt": "a", "metadata": {"x": NaN}}', "`metadata` cannot be written as JSON"),
        (b'{"prompt": "a", "id": -Infinity}', "`id` must be a string or a number"),
        (b'{"prompt": "a", "id": "x", "prompt": "c"}', "`prompt` twice"),
        (b'{"prompt": "a", "metadata": {"k": 1}, "metadata": {"prompt": 2}}', "`metadata` twice"),
        (b'["a"]', "the line is a list"),
        (b'"a"', "the line is a string"),
        (b"7", "the line is a number"),
        (b"null", "the line is null"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"prompt": "a", "metadata": {"x": ' + b"9" * 5000 + b"}}", "not JSON"),
    ],
)
def test_a_line_that_is_no_object_is_one_skip_and_the_next_goes_on(
    tmp_path: Path, line: bytes, says: str
) -> None:
    rows = read(write(tmp_path / "p.jsonl", line + b'\n{"prompt": "b"}\n'))
    assert skips(rows) == [(1, "invalid_row")]
    assert texts(rows) == ["b"]
    skip = only_skip(rows[:1])
    assert says in skip.detail
    assert skip.detail.startswith(f"{tmp_path / 'p.jsonl'}:1: ")
    assert skip.prompt_id == "line-1"


@pytest.mark.parametrize(
    "line",
    [
        '{"prompt": "a", "prompt": "a"}',
        '{"prompt": "a", "metadata": {"prompt": "prompt", "x": {"prompt": 1}}}',
        r'{"prompt": "a", "reference": "say \"prompt\": \"prompt\" twice"}',
        '{"prompt": "a", "source": NaN, "source": NaN}',
    ],
    ids=["equal", "nested", "quoted", "NaN"],
)
def test_a_key_that_stands_elsewhere_as_well_is_no_trouble(tmp_path: Path, line: str) -> None:
    assert texts(read(write(tmp_path / "p.jsonl", f"{line}\n"))) == ["a"]


@pytest.mark.parametrize("nothing", ["\\u200b", "\\ufeff \\u2060", " \\u00a0 "])
def test_a_prompt_of_signs_that_are_not_drawn_is_empty(tmp_path: Path, nothing: str) -> None:
    rows = read(write(tmp_path / "p.jsonl", f'{{"prompt": "{nothing}"}}\n'))
    assert skips(rows) == [(1, "empty_prompt")]


def test_a_line_in_another_encoding_is_one_skip(tmp_path: Path) -> None:
    lines = ['{"prompt": "café"}'.encode("latin-1"), '{"prompt": "café"}'.encode()]
    rows = read(write(tmp_path / "p.jsonl", b"\n".join(lines)))
    assert skips(rows) == [(1, "invalid_encoding")]
    assert texts(rows) == ["café"]
    assert "byte 16" in only_skip(rows[:1]).detail


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_whole_file_in_utf_16_is_said_to_be_so(tmp_path: Path, encoding: str) -> None:
    file = write(tmp_path / "p.jsonl", '\ufeff{"prompt": "a"}\n'.encode(encoding))
    with pytest.raises(InputError, match="UTF-16; save it as UTF-8"):
        read(file)


def test_half_a_surrogate_pair_is_an_encoding_fault_wherever_it_stands(tmp_path: Path) -> None:
    rows = [
        '{"prompt": "\\ud83d"}',
        '{"prompt": "a", "reference": "\\ude00"}',
        '{"prompt": "b", "metadata": {"x": ["\\ude00"]}}',
        '{"prompt": "c", "metadata": {"\\ude00": 1}}',
        '{"prompt": "d", "completions": ["\\ude00", "x"]}',
        '{"prompt": "e", "id": "\\ude00"}',
        '{"prompt": "whole: \\ud83d\\ude00"}',
    ]
    found = read(write(tmp_path / "p.jsonl", "\n".join(rows)))
    assert skips(found) == [(line, "invalid_encoding") for line in range(1, 7)]
    assert texts(found) == ["whole: 😀"]


def test_every_skip_can_be_written_whatever_the_row_held(tmp_path: Path) -> None:
    rows = ['{"\\ud800\\u001b[31m": 1}', '{"prompt": [{"role": "\\ud800\\u0007"}]}']
    for skip in read(write(tmp_path / "p.jsonl", "\n".join(rows))):
        written = json.loads(skip.model_dump_json())["detail"]
        assert "\x1b" not in written
        assert "\x07" not in written


def test_a_skip_stays_short_however_long_the_row(tmp_path: Path) -> None:
    wide = {f"column {number} {'x' * 1000}": 1 for number in range(1000)}
    long_role = {"prompt": [{"role": "r" * 100_000, "content": "a"}]}
    for skip in read(write_jsonl(tmp_path / "p.jsonl", [wide, long_role])):
        assert len(skip.model_dump_json()) < 2000


def test_a_row_without_the_prompt_is_told_which_columns_it_has(tmp_path: Path) -> None:
    rows = read(write_jsonl(tmp_path / "p.jsonl", [{"id": "x", "text": "a", "lang": "en"}, {}]))
    assert skips(rows) == [(1, "invalid_row"), (2, "invalid_row")]
    assert "the row has id, text, lang" in only_skip(rows[:1]).detail
    assert "no columns" in only_skip(rows[1:]).detail


def test_a_column_that_fields_names_and_no_row_has_is_an_error(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a", "gold_answer": "x"}] * 2)
    with pytest.raises(InputError) as caught:
        read(file, fields={"reference": "gold_anser"})
    assert "no column `gold_anser` (there are prompt, gold_answer)" in str(caught.value)
    assert "did you mean `gold_answer`?" in str(caught.value)
    assert "fields: {reference: COLUMN}" in str(caught.value)


def test_a_column_that_fields_names_may_be_missing_in_some_rows(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a"}, {"prompt": "b", "gold": "x"}])
    rows = prompts(read(file, fields={"reference": "gold"}))
    assert [row.reference for row in rows] == [None, "x"]
    assert texts(read(file, limit=1, fields={"reference": "gold"})) == ["a"]


def test_a_line_beyond_all_bounds_is_skipped_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    with file.open("wb") as out:
        out.write(b'{"prompt": "')
        for _ in range(50):
            out.write(b"x" * (1 << 20))
        out.write(b'"}\n{"prompt": "b"}\n')
    rows = read(file)
    assert skips(rows) == [(1, "too_long")]
    assert [row.line for row in prompts(rows)] == [2]


@pytest.mark.slow
def test_a_line_as_long_as_the_bound_is_read(tmp_path: Path) -> None:
    frame = len('{"prompt": ""}\n')
    row = b'{"prompt": "' + b"x" * (LONGEST_LINE - frame) + b'"}\n'
    assert len(row) == LONGEST_LINE
    assert len(texts(read(write(tmp_path / "p.jsonl", row)))) == 1
    assert skips(read(write(tmp_path / "p.jsonl", row.replace(b"x", b"xx", 1)))) == [
        (1, "too_long")
    ]


def test_limit_counts_rows_good_and_bad(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", '{"prompt": "a"}\n\nbad\n{"prompt": "b"}\n')
    assert [row.line for row in read(file, limit=2)] == [1, 3]
    assert read(file, limit=0) == []


def test_neither_pyarrow_nor_datasets_is_imported(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a"}])
    script = f"""
import sys
from pathlib import Path
from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
assert len(list(read_prompts(PromptsConfig(path=Path({str(file)!r})), RowChecks()))) == 1
assert not {{"pyarrow", "datasets"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_line_of_plain_text_is_a_prompt_of_the_user(tmp_path: Path) -> None:
    rows = prompts(read(write(tmp_path / "p.txt", "Why is the sky blue?\r\n\r\n  \nWhy not?")))
    assert [(row.line, row.messages[0].role) for row in rows] == [(1, "user"), (4, "user")]
    assert texts(rows) == ["Why is the sky blue?", "Why not?"]


def test_bad_lines_are_skips(tmp_path: Path) -> None:
    content = b"fine\ncaf\xe9\nbell \x07\nnul \x00\nfine\nlast"
    rows = read(write(tmp_path / "p.txt", content))
    assert skips(rows) == [
        (2, "invalid_encoding"),
        (3, "control_characters"),
        (4, "control_characters"),
        (5, "duplicate_prompt"),
    ]
    assert texts(rows) == ["fine", "last"]


def test_plain_text_that_looks_like_json_is_text(tmp_path: Path) -> None:
    assert texts(read(write(tmp_path / "p.txt", '{"prompt": "a"}\n'))) == ['{"prompt": "a"}']


def test_other_fields_cannot_come_from_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has prompts only"):
        read(write(tmp_path / "p.txt", "a\n"), fields={"id": "key"})
