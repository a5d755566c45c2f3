"""A file of judgments made elsewhere: every row is checked before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError
from judgeforge.judging.elsewhere.file import Verdicts, read_verdicts
from judgeforge.records import Judgment

ANA = {"judge": "human:ana", "prompt_id": "p1", "completions": ["p1.c0", "p1.c1"]}


def read(tmp_path: Path, *rows: Any, taken: tuple[str, ...] = ()) -> Verdicts:
    file = tmp_path / "judged.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return read_verdicts(file, taken=taken)


def judgments(tmp_path: Path, row: dict[str, Any]) -> list[Judgment]:
    (verdict,) = read(tmp_path, row).of_prompt("p1")
    return verdict.judgments(verdict.completion_ids, weight=2.0, note="here")


def test_a_verdict_is_that_of_a_judge_who_saw_two(tmp_path: Path) -> None:
    (made,) = judgments(tmp_path, {**ANA, "verdict": "a", "rationale": "It is right."})
    assert made == Judgment(
        id="p1.c0-c1.human:ana.r0",
        prompt_id="p1",
        completion_ids=("p1.c0", "p1.c1"),
        judge="human:ana",
        protocol="pairwise",
        verdict="a",
        weight=2.0,
        rationale="It is right.",
        note="here",
    )


def test_one_score_and_several_are_those_of_judges_who_see_one_and_all(tmp_path: Path) -> None:
    (one,) = judgments(tmp_path, {**ANA, "completions": ["p1.c0"], "score": 0.5})
    assert (one.protocol, one.score) == ("pointwise", 0.5)
    (several,) = judgments(tmp_path, {**ANA, "scores": [0.5, 1]})
    assert (several.protocol, several.scores) == ("listwise", (0.5, 1.0))


@pytest.mark.parametrize("best", [1, "1", "p1.c1"])
def test_the_best_of_several_is_better_than_each_of_the_others_in_the_order_shown(
    tmp_path: Path, best: object
) -> None:
    row = {**ANA, "completions": ["p1.c0", "p1.c1", "p1.c2"], "best": best}
    found = [(one.completion_ids, one.verdict) for one in judgments(tmp_path, row)]
    assert found == [(("p1.c0", "p1.c1"), "b"), (("p1.c1", "p1.c2"), "a")]


def test_a_line_of_another_runs_judgments_is_a_row(tmp_path: Path) -> None:
    theirs = Judgment(
        id="p1.c0.big.r0",
        prompt_id="p1",
        completion_ids=("p1.c0",),
        judge="big",
        protocol="pointwise",
        score=0.25,
        criteria={"quality": 0.25},
        call="a1",
        cost_usd=0.5,
    )
    (made,) = judgments(tmp_path, theirs.model_dump(mode="json"))
    assert made.criteria == {"quality": 0.25}
    assert (made.call, made.cost_usd) == (None, 0.0)  # paid elsewhere


def test_tables_are_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    file.write_text(
        "judge,prompt_id,completions,verdict,score,comment\n"
        'human:bo,p1,"p1.c0, p1.c1",a,,fine\n'
        "tests,p1,p1.c0,,0.5,\n"
        'human:bo,p2,"[""p2.c0"", ""p2.c1""]",,,later\n',
        encoding="utf-8",
    )
    found = read_verdicts(file)
    assert found.summary() == (
        "2 judgments by human:bo (1), tests (1) of 1 prompt; 1 row without an answer"
    )
    assert [one.completion_ids for one in found.of_prompt("p1")] == [
        ("p1.c0", "p1.c1"),
        ("p1.c0",),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({**ANA, "verdict": "x"}, "`verdict` must be a .* or tie, and is `x`"),
        ({**ANA, "score": 1}, "one `score` for 2 `completions`; give `scores`"),
        ({**ANA, "scores": [1]}, "`scores` must be 2 numbers"),
        ({**ANA, "scores": [1, 9]}, "from 0 to 1, not 9; divide by what your scale reaches"),
        ({**ANA, "best": 2}, r"`best` must be one of p1\.c0, p1\.c1, or its place"),
        ({**ANA, "best": 0, "verdict": "a"}, "`verdict` and `best`: give one row for each"),
        ({**ANA, "verdcit": "a"}, "no answer, but `verdcit`; did you mean `verdict`"),
        ({**ANA, "verdict": "a", "completions": ["x", "x"]}, "names `x` twice"),
        ({**ANA, "verdict": "a", "completions": []}, "no `completions`; name those"),
        ({**ANA, "verdict": "a", "completions": ["a", "b", "c"]}, "about two `completions`"),
        ({**ANA, "verdict": "a", "judge": None}, "no `judge`; give who says so"),
        ({**ANA, "verdict": "a", "judge": "a\nb"}, "a short name such as human:ana"),
        ({**ANA, "verdict": "a", "prompt_id": None}, "no `prompt_id`"),
        ({**ANA, "verdict": "a", "repeat": -1}, "`repeat` must be a whole number"),
        ({**ANA, "verdict": "a", "strength": 3}, "`strength` must be from 0 to 1"),
        ({**ANA, "completions": ["p1.c0"], "score": "good"}, "score: .*number"),
        ({**ANA, "verdict": "a", "protocol": "checks"}, "what code found"),
        ("{", "not JSON"),
    ],
)
def test_a_wrong_row_is_named_with_its_line_and_what_to_do(
    tmp_path: Path, row: Any, problem: str
) -> None:
    with pytest.raises(ConfigError, match=rf"judged\.jsonl:2: .*{problem}"):
        read(tmp_path, {**ANA, "verdict": "a"}, row)


def test_all_wrong_rows_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        read(tmp_path, *[{**ANA, "verdict": "x"}] * 12)
    assert len(told.value.mistakes) == 10


def test_the_same_judgment_twice_is_no_further_evidence(tmp_path: Path) -> None:
    same = {**ANA, "verdict": "a"}
    with pytest.raises(ConfigError, match=r":2: `human:ana` has judged .* in line 1 already"):
        read(tmp_path, same, {**same, "verdict": "b"})
    assert read(tmp_path, same, {**same, "repeat": 1}).rows == 2
    turned = {**same, "completions": ["p1.c1", "p1.c0"]}
    assert read(tmp_path, same, turned).rows == 2


def test_a_name_that_a_judge_of_the_run_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`big` is a judge of this run"):
        read(tmp_path, {**ANA, "judge": "big", "verdict": "a"}, taken=("big",))


def test_the_digest_follows_what_is_said_and_not_the_order_of_prompts(tmp_path: Path) -> None:
    one, other = {**ANA, "verdict": "a"}, {**ANA, "prompt_id": "p2", "verdict": "b"}
    digest = read(tmp_path, one, other).digest
    assert read(tmp_path, other, one).digest == digest
    assert read(tmp_path, one, {**other, "verdict": "a"}).digest != digest


def test_a_file_that_cannot_be_read_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"judging\.judgments: .*no such file"):
        read_verdicts(tmp_path / "nowhere.jsonl")
