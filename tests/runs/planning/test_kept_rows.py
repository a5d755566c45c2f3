"""The first prompts of an input are read once, unless the file is changed meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.records import Prompt, Skip
from judgeforge.runs.planning import kept_rows, worklist
from judgeforge.runs.planning.worklist import Worklist, plan_work, remaining
from judgeforge.store.journal import FinishedPrompts

NUMBER = 12


def write(file: Path, texts: list[str]) -> Path:
    file.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    return file


def plan(file: Path, *, limit: int | None = None) -> Worklist:
    return plan_work(
        PromptsConfig(path=file),
        RowChecks(),
        folder=file.parent,
        finished=FinishedPrompts(),
        limit=limit,
        accept_changes=False,
    )


def left(file: Path, work: Worklist, *, limit: int | None = None) -> list[tuple[int, str]]:
    rows = remaining(PromptsConfig(path=file), RowChecks(), work, limit=limit)
    return [(position, described(row)) for position, row in rows]


def described(row: Prompt | Skip) -> str:
    return row.messages[0].text if isinstance(row, Prompt) else row.reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "p.jsonl", [f"Question {number}?" for number in range(NUMBER)])


ALL = [(number, f"Question {number}?") for number in range(NUMBER)]


def test_a_small_input_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = plan(file)
    monkeypatch.setattr(worklist, "read_prompts", None)
    assert left(file, work) == ALL


@pytest.mark.parametrize(("name", "most"), [("MOST_PROMPTS", 5), ("MOST_CHARACTERS", 60)])
def test_what_is_behind_those_that_are_kept_is_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(kept_rows, name, most)
    work = plan(file)
    assert work.kept is not None
    assert 0 < work.kept.behind < NUMBER
    assert left(file, work) == ALL


def test_nothing_behind_the_limit_is_kept(file: Path) -> None:
    assert left(file, plan(file, limit=3), limit=3) == ALL[:3]


def test_rows_behind_a_change_of_the_file_are_read_as_they_are_now(file: Path) -> None:
    work = plan(file)
    rows = remaining(PromptsConfig(path=file), RowChecks(), work, limit=None)
    assert [described(next(rows)[1]) for _ in range(4)] == [text for _, text in ALL[:4]]
    write(file, [f"Question {number}?" for number in range(NUMBER - 2)] + ["Changed now?"])
    assert [(position, described(row)) for position, row in rows] == [
        *ALL[4:-2],
        (NUMBER - 2, "changed_during_run"),
        (NUMBER - 1, "changed_during_run"),
    ]


def test_a_prompt_with_a_picture_ends_what_is_kept(tmp_path: Path) -> None:
    shown = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    turns = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *shown]}]
    file = write(tmp_path / "p.jsonl", ["One?"])
    with file.open("a") as more:
        more.write(json.dumps({"messages": turns}) + "\n")
        more.write(json.dumps({"prompt": "Three?"}) + "\n")
    work = plan(file)
    assert work.kept is not None
    assert work.kept.behind == 1
    assert [text for _, text in left(file, work)] == ["One?", "What is it?", "Three?"]
