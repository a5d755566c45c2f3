"""What a preference set of others is told to have, before anything is judged anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.config.file import load_config
from judgeforge.records import ReadyCompletion
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.validation.preference_lint import PreferenceLint, looks_cut, words_in_common
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.foreign_rows import write_rows
from tests.support.run_process import Command
from tests.support.run_setup import write_config

ASKED = "Which writer lived in Weimar for most of his life?"
LONG = "It was a long life, and he wrote in every form that there was at the time. " * 4


def linted(*rows: tuple[str, str] | tuple[str, str, str], asked: str = ASKED) -> str:
    lint = PreferenceLint()
    for line, (chosen, rejected, *other) in enumerate(rows, start=1):
        prompt = other[0] if other else f"{line}: {asked}"
        sides = [
            ReadyCompletion(text=chosen, given="chosen"),
            ReadyCompletion(text=rejected, given="rejected"),
        ]
        lint.add(line, [Message(role="user", content=prompt)], sides)
    return "\n".join(lint.findings())


CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "identical": (("Goethe.", "Goethe."), "identical sides: 1 row (line 2)"),
    "white space": (("It was  Goethe.", "It was Goethe.\n"), "sides that differ in white space"),
    "nearly": ((LONG, LONG.replace("long", "short", 1)), "nearly identical sides: 1 row (line 2)"),
    "echo": ((f"2: {ASKED} Goethe.", "Schiller."), "the prompt repeated in `chosen`: 1 row"),
    "cut": (("Goethe.", LONG + "And so he went on and on, to the very end of his"), "cut off"),
    "fence": (("```python\nprint(1)", "Schiller."), "looks cut off in `chosen`"),
    "empty": (("Goethe.", " "), "an empty answer in `rejected`: 1 row (line 2)"),
    "again": (("Goethe.", "Schiller.", f"1: {ASKED}"), "the same row again: 1 row (line 2)"),
    "reverse": (("Schiller.", "Goethe.", f"1: {ASKED}"), "the reverse of an earlier row: 1 row"),
    "other": (("Wieland.", "Herder.", f"1: {ASKED}"), "an earlier row has, with other answers"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_kind_is_counted_with_its_lines(case: str) -> None:
    row, said = CASES[case]
    assert said in linted(("Goethe.", "Schiller."), row)  # type: ignore[arg-type]
    assert said not in linted(("Goethe.", "Schiller."))


def test_only_the_worst_lines_are_named() -> None:
    assert "identical sides: 9 rows (lines 9, 8, 7, 6, 5 and more)" in linted(
        *[("x" * n, "x" * n) for n in range(1, 10)]
    )


def test_labels_that_lean_to_length_are_told_and_chance_is_not() -> None:
    longer = [("a long answer", "short")] * 40
    assert "40 rows of different length" in linted(*longer)
    assert "these labels lean to length" in linted(*longer)
    assert "no more than chance would give" in linted(*longer[:5])
    assert "lean to brevity" in linted(*[(short, long) for long, short in longer])


def test_a_model_that_old_labels_prefer_is_told() -> None:
    lint = PreferenceLint()
    for line in range(40):
        sides = [
            ReadyCompletion(text="a", model="strong", given="chosen"),
            ReadyCompletion(text="b", model="weak", given="rejected"),
        ]
        lint.add(line, [Message(role="user", content=f"{line}?")], sides)
    assert "`strong` is chosen in 100% of its 40 rows" in "\n".join(lint.findings())


def test_rows_without_sides_are_no_such_set() -> None:
    lint = PreferenceLint()
    lint.add(1, [Message(role="user", content="a")], [ReadyCompletion(text="b")] * 2)
    assert lint.findings() == []


@given(st.text(), st.text())
def test_words_in_common_are_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    share = words_in_common(one, other)
    assert 0.0 <= share <= 1.0
    assert share == words_in_common(other, one)
    assert words_in_common(one, one) == 1.0


@pytest.mark.parametrize(
    "text", ["", "Short and without an end", LONG, LONG + "\n- an item", LONG + "It cost 5"]
)
def test_an_answer_that_ends_somehow_does_not_look_cut(text: str) -> None:
    assert not looks_cut(text)


def rows(number: int) -> list[dict[str, Any]]:
    return [
        {
            "source": "web",
            "chosen": f"\n\nHuman: {n}?\n\nAssistant: Yes, {n}.",
            "rejected": f"\n\nHuman: {n}?\n\nAssistant: No, {n}.",
        }
        for n in range(number)
    ]


def test_check_says_how_rows_were_read_and_lints_them(tmp_path: Path, server: LocalServer) -> None:
    write_rows(tmp_path / "set.json", [*rows(3), rows(1)[0] | {"rejected": rows(1)[0]["chosen"]}])
    config = write_config(tmp_path, server, prompts={"path": "set.json"}, sampling=None)
    report = check_run(load_config(config))
    assert report.source == ["read as preferences; 1 column not used: source"]
    assert report.lint[0] == "4 rows with `chosen` and `rejected`"
    assert "identical sides: 1 row (line 4)" in report.lint
    assert (report.prompts, dict(report.skips)) == (3, {"too_few_completions": 1})
    assert not server.calls()


def test_lines_of_several_files_are_told_with_their_file(
    tmp_path: Path, server: LocalServer
) -> None:
    (tmp_path / "sets").mkdir()
    same = rows(1)[0] | {"rejected": rows(1)[0]["chosen"]}
    first = write_rows(tmp_path / "sets" / "a.jsonl", [*rows(3), same])
    second = write_rows(tmp_path / "sets" / "b.jsonl", rows(2)[1:])
    prompts = {"path": "sets/*.jsonl"}
    report = check_run(load_config(write_config(tmp_path, server, prompts=prompts, sampling=None)))
    assert f"identical sides: 1 row ({first}:4)" in report.lint
    assert f"the same row again: 1 row ({second}:1)" in report.lint


def test_check_says_where_nothing_is_sampled(tmp_path: Path, server: LocalServer) -> None:
    write_rows(tmp_path / "set.json", rows(3))
    report = check_run(load_config(write_config(tmp_path, server, prompts={"path": "set.json"})))
    assert any(note.startswith("3 prompts of 3 bring the answers") for note in report.notes)


def test_the_command_prints_it(tmp_path: Path, server: LocalServer, command: Command) -> None:
    write_rows(tmp_path / "set.json", rows(3))
    config = write_config(tmp_path, server, prompts={"path": "set.json"}, sampling=None)
    code, shown, _ = command("check", config)
    assert code == 0
    assert shown.startswith("read as preferences; 1 column not used: source\n3 prompts are fine")
    assert "lint of 3 rows with `chosen` and `rejected`\n  chosen is the longer side" in shown


def test_check_tells_what_else_could_be_read(tmp_path: Path, server: LocalServer) -> None:
    row = {"prompt": "\n\nHuman: Why?\n\nAssistant:", "chosen": "a", "rejected": "b"}
    write_rows(tmp_path / "set.jsonl", [row])
    keep = {"path": "set.jsonl", "keep": ["sorce"]}
    report = check_run(load_config(write_config(tmp_path, server, prompts=keep)))
    assert report.source[0] == "read as rows of prompts; 2 columns not used: chosen, rejected"
    assert "`prompts: {shape: preference}`" in report.source[1]
    assert any("`prompts: {shape: transcript}`" in note for note in report.notes)
    assert any("prompts.keep: `sorce` is neither" in warning for warning in report.warnings)
    assert report.lint == []


def test_check_tells_texts_that_are_lists_and_answers_that_begin_with_a_thought(
    tmp_path: Path, server: LocalServer
) -> None:
    listed = {"prompt": '["Why?"]', "completions": ['["So."]', '["Because."]']}
    thought = {"prompt": "Why?", "completions": ["<think>Hm.</think>So.", "Because."]}
    plain = {"prompt": "[a list]", "completions": ['["So', "Because."]}
    write_rows(tmp_path / "set.jsonl", [listed, thought, plain])
    report = check_run(load_config(write_config(tmp_path, server, prompts={"path": "set.jsonl"})))
    told = [note for note in report.notes if note.startswith("1 prompt")]
    assert any("`fields: {prompt: prompt.0}`" in note for note in told)
    assert any("it is kept apart" in note for note in told)
