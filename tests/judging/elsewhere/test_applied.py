"""Verdicts on the completions that a run has: what counts, and why the rest does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.judging.elsewhere.applied import Elsewhere
from judgeforge.judging.elsewhere.file import read_verdicts
from judgeforge.records import Completion, Judgment, Prompt
from judgeforge.text.messages import Message

PROMPT = Prompt(id="p1", messages=(Message(role="user", content="Why?"),), line=1, digest="00")
COMPLETIONS = [
    Completion(id=f"p1.c{n}", prompt_id="p1", index=n, model="m", text=f"Text {n}.", finish="stop")
    for n in range(4)
]
COMPLETIONS[2] = COMPLETIONS[2].model_copy(update={"duplicate_of": "p1.c0"})
COMPLETIONS[3] = COMPLETIONS[3].model_copy(update={"cut": True})


def about(tmp_path: Path, *completions: Any) -> tuple[list[Judgment], list[tuple[int, str]]]:
    row = {"judge": "ana", "prompt_id": "p1", "completions": list(completions), "verdict": "a"}
    file = tmp_path / "judged.jsonl"
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    unused: list[tuple[int, str]] = []
    elsewhere = Elsewhere(
        read_verdicts(file), weight=3.0, unused=lambda line, why: unused.append((line, why))
    )
    elsewhere.tell_unused(PROMPT, COMPLETIONS, COMPLETIONS[:2])
    return elsewhere.about(PROMPT, COMPLETIONS, COMPLETIONS[:2]), unused


def test_what_counts_has_the_weight_of_the_judges_and_says_where_it_stands(tmp_path: Path) -> None:
    (made,), unused = about(tmp_path, "p1.c0", {"id": "p1.c1", "text": "Text\n 1."})
    assert (made.completion_ids, made.weight) == (("p1.c0", "p1.c1"), 3.0)
    assert made.note == "made elsewhere: judged.jsonl:1"
    assert not unused


def test_a_text_with_its_thought_is_the_answer_that_is_judged_without_it(tmp_path: Path) -> None:
    whole = {"id": "p1.c1", "text": "<think>It may be 1.</think>\n\nText 1."}
    (made,), unused = about(tmp_path, "p1.c0", whole)
    assert (made.completion_ids, unused) == (("p1.c0", "p1.c1"), [])


def test_of_two_that_read_the_same_the_first_is_meant(tmp_path: Path) -> None:
    (made,), _ = about(tmp_path, "p1.c1", "p1.c2")
    assert made.completion_ids == ("p1.c1", "p1.c0")


@pytest.mark.parametrize(
    ("completions", "why"),
    [
        (("p1.c0", "p1.c9"), "no completion `p1.c9`"),
        (("p1.c0", {"id": "p1.c1", "text": "Other."}), "`p1.c1` has another text now"),
        (("p1.c0", "p1.c3"), "`p1.c3` is not judged: cut"),
        (("p1.c0", "p1.c2"), "two of the completions read the same"),
    ],
)
def test_what_cannot_count_is_told_with_its_line(
    tmp_path: Path, completions: tuple[Any, ...], why: str
) -> None:
    made, ((line, told),) = about(tmp_path, *completions)
    assert not made
    assert line == 1
    assert why in told
