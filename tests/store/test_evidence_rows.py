"""Rows of completions and judgments say the same facts, whichever version wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.records import Completion, Judgment, Skip, SkipReason
from judgeforge.store.evidence_rows import (
    completion_fields,
    judgment_fields,
    read_completion,
    read_judgment,
)
from judgeforge.store.finished_prompt import finished_prompt

BARE: dict[str, Any] = {"id": "p.c1", "prompt_id": "p", "index": 1, "model": "m"}
SAID: dict[str, Any] = {
    "id": "p.c0.j.r0",
    "prompt_id": "p",
    "completion_ids": ["p.c0"],
    "judge": "j",
    "protocol": "pointwise",
}
COMPLETIONS = [
    Completion(**BARE, text="Four.", finish="stop"),
    Completion(**BARE, text="Fou", finish="length", cut=True, signs=("self_praise", "verdict")),
    Completion(**BARE, text="", finish="failed", failure="failed: twice", cost_usd=None),
    Completion(**BARE, text="", finish="content_filter", failure="HTTP 403: duplicate:p.c0"),
    Completion(**BARE, text="Four.", finish="given", duplicate_of="p.c0", signs=("verdict",)),
]


def row_of(completion: Completion) -> dict[str, Any]:
    skip = Skip(prompt_id="p", line=1, reason=SkipReason.TIE, detail="")
    ended = finished_prompt(prompt_id="p", digest="d", completions=[completion], skip=skip)
    row: dict[str, Any] = json.loads(ended.lines["completions"][0])
    return row


def as_written_before(row: dict[str, Any]) -> dict[str, Any]:
    later = {"cut", "failure", "duplicate_of", "signs"}
    return {name: value for name, value in row.items() if name not in later}


@pytest.mark.parametrize("completion", COMPLETIONS)
def test_a_completion_comes_back_from_its_row(completion: Completion) -> None:
    assert read_completion(row_of(completion)) == completion


@pytest.mark.parametrize("completion", COMPLETIONS)
def test_a_completion_comes_back_from_a_row_that_has_flags_alone(completion: Completion) -> None:
    row = as_written_before(row_of(completion))
    assert read_completion(row) == completion


def test_fields_decide_where_a_row_has_them_and_words_may_say_anything() -> None:
    row = row_of(COMPLETIONS[0]) | {"flags": ["duplicate:p.c0", "suspicious:verdict", "cut"]}
    assert read_completion(row) == COMPLETIONS[0]


def test_a_row_without_flags_tells_nothing_bad() -> None:
    told = completion_fields({"id": "p.c0"})
    assert (told["signs"], told["duplicate_of"], told["failure"], told["cut"]) == (
        [], None, None, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("the judge refused: call failed, you say?", "refused"),
        ("the provider's content filter withheld the judge's reply", "withheld"),
        ("call failed: HTTP 500 from small: the judge refused", "failed"),
        ("criterion `sound`: call failed: HTTP 500", "failed"),
        ("too long for the judge: 9000 tokens", "too_long"),
        ("the judge's reply was cut at max_tokens = 5; raise it", "cut"),
        ("reading the judge's reply failed unexpectedly: KeyError: 'x'", "reading_failed"),
        ("unreadable reply, also when asked again: call failed", "unread"),
    ],
)
def test_a_row_that_says_in_words_why_a_judgment_is_missing_is_understood(
    reason: str, kind: str
) -> None:
    assert read_judgment(SAID | {"missing": reason}).missing_kind == kind


def test_a_check_that_was_not_decided_is_not_a_reply_that_was_not_read() -> None:
    row = SAID | {"protocol": "checks", "missing": "criterion `short`: no reference"}
    assert judgment_fields(row)["missing_kind"] == "undecided"


def test_the_words_of_a_judgment_decide_nothing_where_its_row_has_the_kind() -> None:
    judgment = Judgment(**SAID, missing="call failed: the judge refused", missing_kind="unread")
    assert read_judgment(json.loads(judgment.model_dump_json())) == judgment
    assert read_judgment(SAID).missing_kind is None
