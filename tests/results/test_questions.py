"""Questions for others: what is in doubt, the most doubtful first, and no hint of the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError
from judgeforge.judging.elsewhere.file import read_verdicts
from judgeforge.results.questions import write_questions
from tests.support.hand_made import MANIFEST, pair, write_pairs
from tests.support.run_setup import rows


def completion(prompt_id: str, index: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{prompt_id}.c{index}",
        "prompt_id": prompt_id,
        "index": index,
        "model": "secret-model",
        "text": f"Answer {index} to {prompt_id}.",
        "finish": "stop",
        "signs": [],
        **fields,
    }


def judgment(prompt_id: str, index: int, score: float) -> dict[str, Any]:
    return {
        "id": f"{prompt_id}.c{index}.judge.r0",
        "prompt_id": prompt_id,
        "completion_ids": [f"{prompt_id}.c{index}"],
        "judge": "judge",
        "protocol": "pointwise",
        "score": score,
    }


def skip(prompt_id: str, reason: str) -> dict[str, Any]:
    prompt = [{"role": "user", "content": f"Question {prompt_id}?"}]
    return {"prompt_id": prompt_id, "line": 1, "reason": reason, "detail": "", "prompt": prompt}


def write(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sure pair, a doubtful one, a prompt below the confidence, one that nobody judged, and one
    whose skip has nothing to do with doubt."""
    folder = tmp_path / "run"
    made = [pair("sure", confidence=0.99), pair("doubtful", confidence=0.7)]
    write_pairs(folder / "pairs.jsonl", made)
    skips = [
        skip("below", "below_confidence"),
        skip("waits", "not_judged"),
        skip("long", "length_ratio"),
    ]
    write(folder / "skips.jsonl", skips)
    prompts = ["sure", "doubtful", "below", "waits", "long"]
    write(
        folder / "completions.jsonl",
        [
            *(completion(name, n) for name in prompts for n in range(2)),
            completion("unusable", 0, finish="refusal"),
        ],
    )
    scores = [judgment("below", 0, 0.5), judgment("below", 1, 0.55)]
    write(folder / "judgments.jsonl", scores)
    text = json.dumps({"format_version": 1, **MANIFEST, "criteria": {"right": "Is it right?"}})
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return folder


def asked(folder: Path, tmp_path: Path, **options: Any) -> list[dict[str, Any]]:
    to = tmp_path / "q.jsonl"
    write_questions(folder, to=to, **{"force": True, **options})
    return rows(to)


def test_the_most_doubtful_come_first_and_what_is_sure_does_not_come(
    folder: Path, tmp_path: Path
) -> None:
    found = asked(folder, tmp_path)
    assert [row["prompt_id"] for row in found] == ["waits", "below", "doubtful"]
    doubts = [row["doubt"] for row in found]
    assert doubts == sorted(doubts, reverse=True)
    assert (doubts[0], doubts[2]) == (0.5, pytest.approx(0.3))
    assert 0.3 < doubts[1] < 0.5


def test_a_question_shows_what_was_asked_and_what_to_judge_by_but_not_who_wrote_it(
    folder: Path, tmp_path: Path
) -> None:
    *_, row = asked(folder, tmp_path)
    assert row["prompt"] == [{"role": "user", "content": "Question doubtful?"}]
    assert {one["id"] for one in row["completions"]} == {"doubtful.c0", "doubtful.c1"}
    assert row["completions"][0]["text"].endswith("to doubtful.")
    assert "a (the first), b or tie. right: Is it right?" in row["ask"]
    assert row["why"] == "confidence 0.70 of the pair doubtful.p0"
    assert "secret-model" not in json.dumps(row)


def test_the_order_shown_says_nothing_about_the_ranking(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    made = [pair(f"p{n}", confidence=0.6) for n in range(40)]
    write_pairs(folder / "pairs.jsonl", made)
    lines = [completion(f"p{n}", index) for n in range(40) for index in range(2)]
    write(folder / "completions.jsonl", lines)
    for name in ("judgments.jsonl", "skips.jsonl"):
        (folder / name).write_bytes(b"")
    chosen_first = sum(
        row["completions"][0]["id"].endswith("c0") for row in asked(folder, tmp_path)
    )
    assert 8 < chosen_first < 32


def test_at_most_as_many_as_wanted(folder: Path, tmp_path: Path) -> None:
    summary = write_questions(folder, to=tmp_path / "q.jsonl", most=1, force=False)
    assert summary.line() == f"wrote {tmp_path / 'q.jsonl'}: 1 question; 2 more are in doubt"
    assert [row["prompt_id"] for row in rows(tmp_path / "q.jsonl")] == ["waits"]


def test_a_line_with_an_answer_added_is_a_judgment(folder: Path, tmp_path: Path) -> None:
    first, second, third = asked(folder, tmp_path)
    first |= {"judge": "human:ana", "best": first["completions"][1]["id"]}
    second |= {"judge": "human:ana", "verdict": "tie"}
    file = tmp_path / "answers.jsonl"
    write(file, [first, second, third])
    verdicts = read_verdicts(file)
    assert verdicts.summary() == (
        "2 judgments by human:ana (2) of 2 prompts; 1 row without an answer"
    )


def test_a_place_that_cannot_be_used_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"JSON lines; name it q\.jsonl"):
        write_questions(folder, to=tmp_path / "q.csv", force=False)
    (tmp_path / "q.jsonl").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="exists already"):
        write_questions(folder, to=tmp_path / "q.jsonl", force=False)
    with pytest.raises(ConfigError, match=r"no completions\.jsonl"):
        write_questions(tmp_path, to=tmp_path / "other.jsonl", force=False)
